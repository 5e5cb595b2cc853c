import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// Forwarding states a port and VLAN (802.1Q-2018 clause 8.4): what they forbid does not pass, whatever is remembered.
@Suite struct ForwardingStateTests {
  private static let ten = VLANSet([10...10])

  /// Three guests in VLAN 10, and one on a trunk without native VLAN.
  private func withSwitch(_ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 10)) }
      try await bench.addGuest("t", .trunk(allowed: VLANSet([10...10, 20...20]), native: nil))
      try await body(bench)
    }
  }

  private func drops(_ bench: Bench, _ port: String) async throws -> [UInt64] {
    let status = try await bench.status(port)
    return [status.dropsIn["not-forwarding"] ?? 0, status.dropsOut["not-forwarding"] ?? 0]
  }

  @Test func aPortThatDiscardsNeitherTakesNorGives() async throws {
    try await withSwitch { bench in
      for (number, name) in ["a", "b", "c"].enumerated() { try bench.exchange(frame(number + 1), from: name) }
      #expect(await bench.stations() == [Station(10, 1): "a", Station(10, 2): "b", Station(10, 3): "c"])
      try await bench.dataplane.setForwarding(port: "a", vlans: Self.ten, .discarding)
      #expect(await bench.stations() == [Station(10, 2): "b", Station(10, 3): "c"])
      try bench.expect(frame(1), from: "a", reaches: [:])
      try bench.expect(frame(1, to: 2), from: "a", reaches: [:])
      #expect(await bench.stations() == [Station(10, 2): "b", Station(10, 3): "c"])
      #expect(try await drops(bench, "a") == [2, 0])
      try bench.expect(frame(2), from: "b", reaches: ["c": frame(2), "t": tagged(10, frame(2))])
      // Its station is not known any more: a flood, which leaves it out.
      try bench.expect(
        frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1), "t": tagged(10, frame(2, to: 1))])
      #expect(try await drops(bench, "a") == [2, 0])
      try await bench.dataplane.setForwarding(port: "a", vlans: Self.ten, .forwarding)
      try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
    }
  }

  @Test func aPortThatLearnsPassesNothing() async throws {
    try await withSwitch { bench in
      try await bench.dataplane.setForwarding(port: "a", vlans: Self.ten, .learning)
      // The same source again, and another: none of them passes.
      for source in [1, 1, 5, 1] { try bench.expect(frame(source), from: "a", reaches: [:]) }
      #expect(await bench.stations() == [Station(10, 1): "a", Station(10, 5): "a"])
      #expect(try await drops(bench, "a") == [4, 0])
      // Known there, so nobody else gets it either.
      for _ in 0..<3 { try bench.expect(frame(2, to: 1), from: "b", reaches: [:]) }
      #expect(try await drops(bench, "a") == [4, 3])
      try await bench.dataplane.setForwarding(port: "a", vlans: Self.ten, .forwarding)
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
    }
  }

  /// Two stations that talk are recognised by comparing: a change of either port ends that at once.
  @Test(arguments: ["a", "b"], [ForwardingState.discarding, .learning])
  func whatIsRememberedPassesNothingThatAStateForbids(port: String, state: ForwardingState) async throws {
    try await withSwitch { bench in
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      for turn in 1...5 {
        try bench.exchange(frame(2), from: "b")
        let talk = (0..<8).map { frame(1, to: 2, seed: $0) }
        for frame in talk { try bench.expect(frame, from: "a", reaches: ["b": frame]) }
        try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
        try await bench.dataplane.setForwarding(port: port, vlans: Self.ten, state)
        try a.send(burst: talk)
        #expect(try bench.collect(after: a)["b"]?.count == nil)
        try b.send(burst: (0..<8).map { frame(2, to: 1, seed: $0) })
        #expect(try bench.collect(after: b)["a"]?.count == nil)
        let drops = try await drops(bench, port)
        #expect(drops[0] == UInt64(8 * turn))
        // Flushed: a flood that leaves it out. Known still: a drop for each.
        #expect(drops[1] == (state == .discarding ? 0 : UInt64(8 * turn)))
        try await bench.dataplane.setForwarding(port: port, vlans: Self.ten, .forwarding)
      }
    }
  }

  @Test func statesAreOfAVLAN() async throws {
    try await withSwitch { bench in
      try await bench.addGuest("d", .access(vlan: 20))
      try bench.exchange(frame(7, tags: [.init(10)]), from: "t")
      try bench.exchange(frame(7, tags: [.init(20)]), from: "t")
      try await bench.dataplane.setForwarding(port: "t", vlans: Self.ten, .discarding)
      // What the port has in its other VLAN stays.
      #expect(await bench.stations() == [Station(20, 7): "t"])
      try bench.expect(frame(7, tags: [.init(10)]), from: "t", reaches: [:])
      try bench.expect(tagged(20, frame(7)), from: "t", reaches: ["d": frame(7)])
      try bench.expect(frame(1), from: "a", reaches: ["b": frame(1), "c": frame(1)])
      #expect(try await bench.status("t").dropsIn == ["not-forwarding": 1])
      let states = try #require(try await bench.status("t").states)
      #expect(states.discarding == Self.ten && states.learning.isEmpty)
      #expect([10, 20].map(states.state) == [.discarding, .forwarding])
    }
  }

  @Test func endsOfTrunksHaveStatesToo() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2"] { try await bench.addSwitch(name) }
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: .all, native: nil))
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .access(vlan: 10), on: "s2")
      try bench.expect(frame(1), from: "a", reaches: ["b": frame(1)])
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      try await bench.dataplane.setForwarding(port: "s1:t", vlans: Self.ten, .discarding)
      #expect(await bench.stations("s1") == [Station(10, 1): "a"])
      try bench.expect(frame(1, to: 2), from: "a", reaches: [:])
      try bench.expect(frame(2, to: 1), from: "b", reaches: [:])
      #expect(try await drops(bench, "s1:t") == [1, 0])
      #expect(try await bench.status("s2:t").receivePackets == 1)
      try await bench.dataplane.setForwarding(port: "s1:t", vlans: Self.ten, .forwarding)
      try await bench.dataplane.setForwarding(port: "s2:t", vlans: Self.ten, .learning)
      try bench.expect(frame(1, to: 2), from: "a", reaches: [:])
      #expect(try await drops(bench, "s2:t") == [1, 0])
      #expect(await bench.stations("s2") == [Station(10, 1): "s2:t", Station(10, 2): "b"])
      try await bench.dataplane.setForwarding(port: "s2:t", vlans: .all, .forwarding)
      #expect(try await bench.status("s2:t").states == nil)
      try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
    }
  }

  @Test func aPortWithoutStatesHasNoMemoryForThem() async throws {
    try await withSwitch { bench in
      let dataplane = bench.dataplane
      func without() async throws -> [Bool] {
        let ports = await dataplane.records.map(\.index)
        return await dataplane.worker.run { core in ports.map { core.state.ports[$0].states.isEmpty } }
      }
      #expect(try await without() == [true, true, true, true])
      try await dataplane.setForwarding(port: "b", vlans: Self.ten, .learning)
      #expect(try await without() == [true, false, true, true])
      try await dataplane.setForwarding(port: "b", vlans: VLANSet(), .discarding)
      try await dataplane.setForwarding(port: "b", vlans: VLANSet([1...20]), .forwarding)
      #expect(try await without() == [true, true, true, true])
    }
  }

  @Test func statesStayWithTheirPort() async throws {
    try await withSwitch { bench in
      let dataplane = bench.dataplane
      try await dataplane.setForwarding(port: "a", vlans: VLANSet([10...10, 30...40]), .discarding)
      try await dataplane.setForwarding(port: "a", vlans: VLANSet([35...36]), .learning)
      #expect(try await bench.status("a").states?.discarding.ranges == [10...10, 30...34, 37...40])
      #expect(try await bench.status("a").states?.learning.ranges == [35...36])
      // A VLAN that the port gets later.
      try await dataplane.setMode(port: "a", .access(vlan: 20))
      try bench.expect(
        frame(1), from: "a", reaches: ["t": tagged(20, frame(1))])
      try await dataplane.setMode(port: "a", .access(vlan: 35))
      try bench.expect(frame(1), from: "a", reaches: [:])
      try await dataplane.setMode(port: "a", .access(vlan: 10))
      try bench.expect(frame(1), from: "a", reaches: [:])
      // Carriers come and go under it.
      try await dataplane.setCarrier(port: "a", up: false)
      try await dataplane.setCarrier(port: "a", up: true)
      #expect(try await bench.status("a").states != nil)
      // The next port of the name, with the same number, has none.
      bench.dropGuest("a")
      try await dataplane.removePort("a")
      try await bench.addGuest("a", .access(vlan: 10))
      #expect(try await bench.status("a").states == nil)
      try bench.expect(
        frame(2, to: 9), from: "b",
        reaches: [
          "a": frame(2, to: 9), "c": frame(2, to: 9),
          "t": tagged(10, frame(2, to: 9)),
        ])
      try await bench.addPort("w", .wire)
      await #expect(throws: DataplaneError.self) {
        try await dataplane.setForwarding(port: "w", vlans: .all, .discarding)
      }
      await #expect(throws: DataplaneError.unknownPort("x")) {
        try await dataplane.setForwarding(port: "x", vlans: .all, .discarding)
      }
    }
  }
}
