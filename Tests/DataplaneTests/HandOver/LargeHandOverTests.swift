import Foundation
import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// A data plane with many ports and many stations that goes to another process.
@Suite struct LargeHandOverTests {
  /// As many as fit; each at a port and of an age of its own.
  private static func snapshot(_ count: Int, ports: [String]) -> SwitchSnapshot {
    var configuration = SwitchConfiguration(name: "sw")
    (configuration.fdbLimit, configuration.fdbPerPort) = (1 << 17, 1 << 17)
    configuration.aging = 100_000
    let entries = (0..<count).map { number in
      SwitchSnapshot.Entry(
        vlan: 1 + number % 4000, address: MACAddress(bits: 0x02 | UInt64(number) << 8),
        port: ports[number % ports.count], origin: number % 1000 == 0 ? .fixed : .learned,
        age: Double(number % 5000))
    }
    return SwitchSnapshot(configuration, entries)
  }

  @Test func stationsAndPortsAreAllThere() async throws {
    let names = (0..<50).map { "p\($0)" }
    let snapshot = Self.snapshot(100_000, ports: names)
    try await Relay.with { relay in
      try await relay.addSwitch { $0 = snapshot.configuration }
      for name in names.prefix(4) { try await relay.addGuest(name, .trunk(allowed: .all, native: 1)) }
      for name in names.dropFirst(4) {
        try await relay.addPort(
          name, .trunk(allowed: .all, native: 1), .stream(SocketPeer(stream: relay.path(name))))
      }
      let peers = try names.dropFirst(4).map { try StreamPeer(path: relay.path($0)) }
      #expect(await eventually { await relay.plane.ports().allSatisfy(\.carrier) })
      #expect(try await relay.plane.restoreEntries(snapshot) == 100_000)
      let before = try await relay.plane.snapshot(switchName: "sw")
      let silence = try await relay.handOver()
      let after = try await relay.plane.snapshot(switchName: "sw")
      func sorted(_ snapshot: SwitchSnapshot) -> [String] {
        snapshot.entries.map { "\($0.address) \($0.vlan) \($0.port) \($0.origin)" }.sorted()
      }
      #expect(sorted(before) == sorted(after))
      #expect(await relay.plane.ports().allSatisfy(\.carrier))
      #expect(relay.descriptorCount > 100 && relay.stateSize < 4 << 20, "\(silence)")
      #expect(await relay.stopAndHear() == [])
      withExtendedLifetime(peers) {}
    }
  }
}
