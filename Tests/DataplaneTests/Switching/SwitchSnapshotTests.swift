import Foundation
import Frames
import GuestKit
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Switches as plain values; `TakeoverTests` has them with guests.
@Suite struct SwitchSnapshotTests {
  private static func entry(
    _ number: Int, _ port: String, age: Double = 0, vlan: Int = 1, origin: SwitchSnapshot.Origin = .learned
  ) -> SwitchSnapshot.Entry {
    .init(vlan: vlan, address: FrameBuilder.address(number), port: port, origin: origin, age: age)
  }

  private static func configuration(aging: Double = 300, limit: Int = 8192) -> SwitchConfiguration {
    var configuration = SwitchConfiguration(name: "sw")
    configuration.aging = aging
    configuration.linkLocal = .transparent
    configuration.fdbLimit = limit
    return configuration
  }

  @Test func valuesComeBackAsTheyWere() throws {
    let snapshot = SwitchSnapshot(
      Self.configuration(aging: 12.5, limit: 7),
      [Self.entry(1, "a", age: 299), Self.entry(2, "b:trunk", vlan: 4094, origin: .fixed)],
      [SwitchSnapshot.PortStates(port: "b", discarding: [1...9, 11...4094], learning: [10...10])])
    let data = try JSONEncoder().encode(snapshot)
    #expect(try JSONDecoder().decode(SwitchSnapshot.self, from: data) == snapshot)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("\"version\":3") && text.contains("\"ports\":[\"a\",\"b:trunk\"]"))
    #expect(text.contains("\"linkLocal\":\"transparent\""))
    let later = Data(text.replacingOccurrences(of: "\"version\":3", with: "\"version\":4").utf8)
    let refusal = StateError.version(of: "switch snapshot", found: 4, expected: 3)
    #expect(throws: refusal) { try JSONDecoder().decode(SwitchSnapshot.self, from: later) }
    #expect(refusal.description == "switch snapshot has version 4, this program reads version 3")
  }

  private func restored(
    _ snapshot: SwitchSnapshot, _ body: (Bench, _ count: Int) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.dataplane.addSwitch(snapshot)
      for name in ["a", "b"] { try await bench.addPort(name, .access(vlan: 1)) }
      try await body(bench, try await bench.dataplane.restoreEntries(snapshot))
    }
  }

  @Test func stationsKeepTheirAgesAndTheirOrder() async throws {
    let entries = [Self.entry(1, "a", age: 5), Self.entry(2, "a", age: 4000), Self.entry(3, "b", age: 77)]
    try await restored(SwitchSnapshot(Self.configuration(aging: 1_000_000), entries)) { bench, count in
      #expect(count == 3)
      let got = try await bench.dataplane.snapshot(switchName: "sw")
      #expect(got.configuration == Self.configuration(aging: 1_000_000))
      for entry in entries {
        let found = try #require(got.entries.first { $0.address == entry.address })
        #expect(found.port == entry.port && found.vlan == 1 && found.origin == .learned)
        #expect((entry.age...(entry.age + 60)).contains(found.age), "\(found.age)")
      }
      // Known already: nothing changes.
      #expect(try await bench.dataplane.restoreEntries(SwitchSnapshot(got.configuration, entries)) == 0)
      // Removing the port forgets them, as those that were learnt.
      try await bench.dataplane.removePort("a")
      #expect(await bench.stations() == [Station(1, 3): "b"])
    }
  }

  @Test func statesOfPortsComeBack() async throws {
    let states = [
      SwitchSnapshot.PortStates(port: "a", discarding: [1...1, 5...9], learning: [10...10]),
      SwitchSnapshot.PortStates(port: "b", discarding: [], learning: [1...4094]),
    ]
    let others = [SwitchSnapshot.PortStates(port: "gone", discarding: [1...1], learning: [])]
    let hostile = SwitchSnapshot.PortStates(port: "a", discarding: [-5...0, 4095...70_000], learning: [])
    let snapshot = SwitchSnapshot(Self.configuration(), [], states + others + [hostile])
    try await restored(snapshot) { bench, _ in
      try await bench.dataplane.restoreStates(snapshot)
      #expect(try await bench.dataplane.snapshot(switchName: "sw").states == states)
      try await bench.dataplane.setForwarding(port: "b", vlans: .all, .forwarding)
      #expect(try await bench.dataplane.snapshot(switchName: "sw").states == [states[0]])
    }
  }

  /// A station is forgotten when its time is up, counted from before there was this worker; a static one is not.
  @Test func agesGoOn() async throws {
    let entries = [
      Self.entry(1, "a", age: 299), Self.entry(2, "a", age: 5000), Self.entry(3, "b", age: 10),
      Self.entry(4, "b", age: 9000, origin: .fixed),
    ]
    try await restored(SwitchSnapshot(Self.configuration(aging: 300), entries)) { bench, count in
      #expect(count == 4)
      #expect(await eventually { await bench.stations() == [Station(1, 3): "b", Station(1, 4): "b"] })
      let got = try await bench.dataplane.snapshot(switchName: "sw")
      #expect(got.entries.first { $0.port == "b" && $0.origin == .fixed }?.address == FrameBuilder.address(4))
    }
  }

  @Test func whatCannotBeIsLeftOut() async throws {
    var entries = [
      Self.entry(1, "a"), Self.entry(2, "gone"), Self.entry(3, "a", vlan: 0), Self.entry(4, "a", vlan: 4095),
      Self.entry(5, "a", vlan: -1), Self.entry(6, "a", age: -5), Self.entry(7, "a", age: 1e300),
      Self.entry(8, "a", age: .nan), Self.entry(1, "b"),
    ]
    // A group's, nobody's.
    for address in [MACAddress(bits: 0x0100_0000_0001), MACAddress(bits: 0)] {
      entries.append(.init(vlan: 1, address: address, port: "a", origin: .learned, age: 0))
    }
    try await restored(SwitchSnapshot(Self.configuration(aging: 1_000_000), entries)) { bench, count in
      #expect(count == 4)
      #expect(Set(await bench.stations().keys) == [Station(1, 1), Station(1, 6), Station(1, 7), Station(1, 8)])
    }
  }

  /// More stations than the switch may know: those that were seen last have their places.
  @Test func aFullTableTakesNoMore() async throws {
    let entries = (1...50).map { Self.entry($0, $0 % 2 == 0 ? "a" : "b", age: Double($0)) }
    try await restored(SwitchSnapshot(Self.configuration(limit: 20), entries)) { bench, count in
      #expect(count == 20)
      #expect(Set(await bench.stations().keys) == Set((1...20).map { Station(1, $0) }))
    }
  }

  @Test func otherSwitchesKeepTheirStations() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw")
      try await bench.addSwitch("other")
      try await bench.addPort("a", .access(vlan: 1), on: "other")
      let snapshot = SwitchSnapshot(Self.configuration(), [Self.entry(1, "a")])
      #expect(try await bench.dataplane.restoreEntries(snapshot) == 0, "a is another switch's")
      await #expect(throws: DataplaneError.unknownSwitch("none")) {
        try await bench.dataplane.snapshot(switchName: "none")
      }
      await #expect(throws: DataplaneError.nameTaken("sw")) { try await bench.dataplane.addSwitch(snapshot) }
    }
  }
}
