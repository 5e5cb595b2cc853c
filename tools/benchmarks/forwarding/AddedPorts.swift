import Dataplane
import Foundation
import GuestKit

/// What it costs to add, list and remove many ports that nobody is connected to, one after the other.
enum AddedPorts {
  /// Adds `count` vhost-user ports to one switch, lists them, joins two other switches a hundred times, and removes all
  /// again; prints the milliseconds of each, and the resident anonymous memory that the ports brought.
  static func run(_ count: Int) async throws {
    // Memory, as /run is: what a disk's file system takes to make a file is not to be measured.
    let folder = "/dev/shm/apus-ports-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plane = try Dataplane(DataplaneConfiguration())
    for name in ["sw", "far", "near"] { try await plane.addSwitch(SwitchConfiguration(name: name)) }
    let before = residentKibibytes()
    let added = try await milliseconds {
      for number in 0..<count {
        try await plane.addPort(
          PortConfiguration(
            name: "node\(number).eth0", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
            backend: .vhostUser(VhostUserSocket(path: "\(folder)/\(number).sock"))))
      }
    }
    let after = residentKibibytes()
    var listed = 0
    let listing = await milliseconds { listed = await plane.ports().count }
    guard listed == count else { Options.fail("\(listed) of \(count) ports are listed") }
    let joined = residentKibibytes()
    for number in 0..<joints {
      let mode = PortMode.trunk(allowed: VLANSet([1...1]), native: nil)
      try await plane.addPatch(
        PatchEnd("near:t\(number)", on: "near", mode), PatchEnd("far:t\(number)", on: "far", mode))
    }
    let joints = (residentKibibytes() - joined) * 1024 / (2 * joints)
    let removed = try await milliseconds {
      for number in 0..<count { try await plane.removePort("node\(number).eth0") }
    }
    await plane.stop()
    print(
      "ports \(count) added in \(added) ms listed in \(listing) ms removed in \(removed) ms "
        + "RssAnon \(before) KiB before \(after) KiB after, \(joints) bytes an end of a joint of switches")
  }

  /// Joints of two switches that are made to see what their ends take.
  private static let joints = 1000

  private static func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return ((ContinuousClock.now - start) / .microseconds(10)).rounded() / 100
  }

  private static func residentKibibytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
