import Foundation
import LinuxHost
import TestSupport

/// Two hosts that are joined by a wire, each with a daemon of its own in a network namespace of its own, and a station
/// behind the left one.
///
/// Each host's lab, `ape-left` and `ape-right`, has a port for one machine (`vm.eth0`, an external one) and the end of the
/// wire (`wire.wire0`, a NIC of the host). The station is a namespace behind another NIC of the left host.
struct HostPair {
  let left: Sandbox
  let right: Sandbox
  /// Namespace of the station, 10.8.0.9.
  let station: String

  /// Runs a test with both labs up; afterwards everything is down and gone.
  /// - Parameter keys: more keys of the machine's NIC on both hosts, with a comma before each.
  static func use(nic keys: String = "", _ body: (HostPair) async throws -> Void) async throws {
    let network = try await Network()
    try await Sandbox.use(in: network.left) { left in
      try await Sandbox.use(in: network.right) { right in
        let pair = HostPair(left: left, right: right, station: network.station)
        try await left.apus("up", try left.write(lab("ape-left", left, keys, hasStation: true)), expecting: 0)
        try await right.apus("up", try right.write(lab("ape-right", right, keys, hasStation: false)), expecting: 0)
        try await body(pair)
        try await left.apus("down", "ape-left", expecting: 0)
        try await right.apus("down", "ape-right", expecting: 0)
      }
    }
    withExtendedLifetime(network) {}
  }

  /// The lab of one of the two.
  func lab(of host: Sandbox) -> String { host === left ? "ape-left" : "ape-right" }

  /// Where a host's switch believes the machine to be: the port of its station.
  func place(of mac: String, seenBy host: Sandbox) async throws -> String? {
    let rows: [FDBRow] = try await host.apus("fdb", "list", "--lab", lab(of: host), "-j", expecting: 0).rows()
    return rows.first { $0.mac == mac }?.port
  }

  /// Runs a line in the station and demands success.
  @discardableResult
  func shell(_ line: String, within seconds: Double = 60) async throws -> String {
    let outcome = try await execute(["sh", "-c", line], namespace: station, within: seconds)
    guard outcome.status == 0 else { throw Failure("\(outcome)") }
    return outcome.output
  }

  /// Has the station ping until there is an answer.
  func pings(_ address: String, within seconds: Double = 60) async throws {
    try await eventually("the station reaches \(address)", within: seconds) {
      try await execute(["ping", "-c", "1", "-W", "1", address], namespace: station).status == 0
    }
  }

  private static func lab(_ name: String, _ host: Sandbox, _ keys: String, hasStation: Bool) -> String {
    """
    version: 1
    name: \(name)
    switches: { sw1: {} }
    nodes:
      vm: { kind: external, nics: { eth0: { switch: sw1, socket: \(host.folder)/vm.sock\(keys) } } }
      wire: { kind: nic, nics: { wire0: { switch: sw1 } } }
      \(hasStation ? "lan: { kind: nic, nics: { lan0: { switch: sw1 } } }" : "")

    """
  }

  /// The namespaces, which go with it, and with them the interfaces in them.
  private final class Network: Sendable {
    let left = UniqueName.next()
    let right = UniqueName.next()
    let station = UniqueName.next()

    init() async throws {
      for name in [left, right, station] { try NetworkNamespace.create(name) }
      try await Self.ip("link", "add", "wire0", "netns", left, "type", "veth", "peer", "name", "wire0", "netns", right)
      try await Self.ip("link", "add", "lan0", "netns", left, "type", "veth", "peer", "name", "eth0", "netns", station)
      try await Self.ip("-n", station, "link", "set", "eth0", "up")
      try await Self.ip("-n", station, "address", "add", "10.8.0.9/24", "dev", "eth0")
    }

    deinit { for name in [left, right, station] { try? NetworkNamespace.delete(name) } }

    private static func ip(_ arguments: String...) async throws {
      let outcome = try await execute(["ip"] + arguments)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
    }
  }
}
