import FoundationEssentials
import Frames
import LinuxHost
import Topology

@testable import Lab

/// Calls `body` with folders of its own for state and data, and removes them afterwards.
func withTemporaryDirectories<T>(_ body: (LabDirectories) async throws -> T) async throws -> T {
  let root = "/tmp/apl-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
  defer { try? FileManager.default.removeItem(atPath: root) }
  return try await body(LabDirectories(stateRoot: "\(root)/state", dataRoot: "\(root)/data"))
}

func withTemporaryDirectories<T>(_ body: (LabDirectories) throws -> T) throws -> T {
  let root = "/tmp/apl-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
  defer { try? FileManager.default.removeItem(atPath: root) }
  return try body(LabDirectories(stateRoot: "\(root)/state", dataRoot: "\(root)/data"))
}

/// Calls `body` with a lab that is up in folders of its own, and takes it down afterwards.
func withRunningLab(
  _ make: (LabDirectories) throws -> CanonicalLab,
  _ body: (LabRuntime, CanonicalLab, LabDirectories) async throws -> Void
) async throws {
  try await withTemporaryDirectories { directories in
    let lab = try make(directories)
    let runtime = LabRuntime(directories: directories)
    _ = try await runtime.bringUp(lab) { _ in }
    do {
      try await body(runtime, lab, directories)
    } catch {
      try await runtime.takeDown { _ in }
      throw error
    }
    try await runtime.takeDown { _ in }
  }
}

/// A NIC on a switch's VLAN 1.
func nic(_ name: String = "eth0", mac: String = "02:00:00:00:00:01", addresses: [String] = []) -> NICDefinition {
  var nic = NICDefinition(name: name, mac: MACAddress(mac) ?? .broadcast)
  nic.attachment = .switchPort(switch: "sw1", mode: .access(1))
  nic.addresses = addresses.map { AddressDefinition(address: $0) }
  return nic
}

func node(_ name: String, _ kind: String, _ nics: [NICDefinition] = []) -> NodeDefinition {
  var node = NodeDefinition(name: name, kind: kind)
  node.nics = nics
  return node
}

extension Files {
  /// Makes a folder and those above it; one that is there already stays as it is.
  static func makeDirectory(_ path: String) throws { _ = try Folder.make(path, mode: LabFolders.ownMode) }
}

extension LabRuntime {
  /// Runs a command that reads nothing.
  func execute(node: String, command: [String]) async throws -> StartedCommand.Events {
    try await execute(node: node, CommandRequest(command)).events
  }
}
