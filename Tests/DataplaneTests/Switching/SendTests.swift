import Dataplane
import GuestKit
import TestSupport
import Testing

/// Frames that the switch itself sends out of a port are like any other that leaves there.
@Suite struct SendTests {
  private func got(_ bench: Bench) throws -> [String: [[UInt8]]] {
    var result: [String: [[UInt8]]] = [:]
    for node in bench.nodes {
      while let received = try node.guest.receive(timeout: 0) { result[node.name, default: []].append(received.frame) }
    }
    return result
  }

  @Test func aFrameHasTheTagThatItsPortWants() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 10))
      try await bench.addGuest("t", .trunk(allowed: VLANSet([10...12]), native: 11))
      _ = try await bench.addWire("w1", "w2")
      let dataplane = bench.dataplane
      let frame = frame(1, to: 2)
      func sent(_ port: String, _ bytes: [UInt8], _ vlan: Int?) async throws -> [[UInt8]] {
        try await dataplane.send(outOf: port, frames: [bytes], vlan: vlan)
        let all = try got(bench)
        #expect(all.keys.allSatisfy { $0 == port })
        return all[port] ?? []
      }
      #expect(try await sent("a", frame, 10) == [frame])
      #expect(try await sent("a", tagged(99, frame), 10) == [frame])
      #expect(try await sent("a", tagged(99, frame), nil) == [tagged(99, frame)])
      #expect(try await sent("t", frame, 10) == [tagged(10, frame)])
      #expect(try await sent("t", tagged(0, priority: 6, frame), 10) == [tagged(10, priority: 6, frame)])
      #expect(try await sent("t", tagged(12, frame), 12) == [tagged(12, frame)])
      #expect(try await sent("t", frame, 11) == [frame])
      #expect(try await sent("t", frame, nil) == [frame])
      #expect(try await sent("w1", frame, nil) == [frame])
      let many = (0..<50).map { GuestKit.frame(1, seed: $0) }
      try await dataplane.send(outOf: "a", frames: many, vlan: 10)
      #expect(try got(bench) == ["a": many])
      #expect(await bench.stations().isEmpty)
      let status = try await bench.status("a")
      #expect(status.transmitPackets == 53 && status.receivePackets == 0 && status.dropsOut.isEmpty)
      #expect(status.transmitBytes == UInt64(53 * 100 + 4))
    }
  }

  @Test func itIsCapturedImpairedRecordedAndDroppedLikeOthers() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 10), mtu: 200)
      let dataplane = bench.dataplane
      let capture = try await dataplane.startCapture(ports: ["a"], .with { $0.drops = .included })
      try await dataplane.send(outOf: "a", frames: [frame(1), frame(1, size: 300)], vlan: 10)
      try await dataplane.setImpairment(port: "a", fromNode: nil, toNode: .with { $0.loss = 1 })
      try await dataplane.send(outOf: "a", frames: [frame(2)], vlan: 10)
      try await dataplane.setImpairment(port: "a", fromNode: nil, toNode: .with { $0.delay = 3_600_000_000_000 })
      try await dataplane.send(outOf: "a", frames: [frame(3)], vlan: 10)
      #expect(try got(bench) == ["a": [frame(1)]])
      try await dataplane.setImpairment(port: "a", fromNode: nil, toNode: nil)
      #expect(try got(bench) == ["a": [frame(3)]])
      try await dataplane.setForwarding(port: "a", vlans: .all, .discarding)
      try await dataplane.send(outOf: "a", frames: [frame(4)], vlan: 10)
      #expect(try got(bench) == ["a": [frame(4)]], "whatever the state")
      try await dataplane.setCarrier(port: "a", up: false)
      try await dataplane.send(outOf: "a", frames: [frame(5)], vlan: 10)
      #expect(try await bench.status("a").dropsOut == ["too-big": 1, "impaired-loss": 1, "carrier-down": 1])
      let records = await bench.drain(capture)
      #expect(
        records.map { $0.record.drop.name ?? "-" } == ["-", "too-big", "impaired-loss", "-", "-", "carrier-down"])
      #expect(records.allSatisfy { $0.record.direction == .toNode })
      let recording = await dataplane.recording()
      #expect(recording.frames.map(\.bytes) == [1, 1, 2, 3, 4, 5].map { Array(frame($0).prefix(64)) })
      #expect(
        recording.frames.allSatisfy { $0.isSent && recording.ports[$0.port].name == "a" && $0.outputs == [$0.port] })
      #expect(
        recording.frames.map { $0.drop.name ?? "-" } == ["-", "too-big", "impaired-loss", "-", "-", "carrier-down"])
      // The same frame has the same number in both.
      #expect(records.prefix(2).map(\.record.packetID) == recording.frames.prefix(2).map(\.packetID))
    }
  }

  /// Out of the end of a trunk a frame comes to the other switch, which judges it like any other: so two switches that run
  /// a protocol hear each other.
  @Test func itCrossesATrunk() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2"] { try await bench.addSwitch(name) }
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: VLANSet([10...20]), native: nil))
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .access(vlan: 10), on: "s2")
      let dataplane = bench.dataplane
      try await dataplane.send(outOf: "s1:t", frames: [frame(1)], vlan: 10)
      #expect(try got(bench) == ["b": [frame(1)]])
      try await dataplane.send(outOf: "s1:t", frames: [tagged(10, frame(2))])
      #expect(try got(bench) == ["b": [frame(2)]])
      #expect(await bench.stations("s1").isEmpty)
      #expect(await bench.stations("s2") == [Station(10, 1): "s2:t", Station(10, 2): "s2:t"])
      let (near, far) = (try await bench.status("s1:t"), try await bench.status("s2:t"))
      #expect(near.transmitPackets == 2 && far.receivePackets == 2)
      // Untagged without a native VLAN, to a link-local address: only the protocol gets it.
      let punt = try await dataplane.punt(from: ["s1", "s2"], matching: nil)
      let bpdu = FrameBuilder(to: [1, 0x80, 0xC2, 0, 0, 0], from: FrameBuilder.station(3)).plain(size: 60)
      for state in ForwardingState.allCases {
        try await dataplane.setForwarding(port: "s1:t", vlans: .all, state)
        try await dataplane.setForwarding(port: "s2:t", vlans: .all, state)
        try await dataplane.send(outOf: "s1:t", frames: [bpdu])
        _ = await dataplane.ports()
        let heard = try #require(punt.next())
        #expect(heard.port == "s2:t" && heard.bytes == bpdu && heard.vlan == nil && heard.drop.name == "vlan-filtered")
        #expect(punt.next() == nil)
      }
      // Held on the way, then there.
      try await dataplane.setImpairment(
        port: "s1:t", fromNode: nil, toNode: .with { $0.delay = 3_600_000_000_000 })
      try await dataplane.send(outOf: "s1:t", frames: [tagged(10, priority: 3, frame(4))])
      #expect(try got(bench).isEmpty)
      try await dataplane.setImpairment(port: "s1:t", fromNode: nil, toNode: nil)
      #expect(try got(bench) == ["b": [frame(4)]])
      try await dataplane.setCarrier(port: "s2:t", up: false)
      try await dataplane.send(outOf: "s1:t", frames: [frame(5)], vlan: 10)
      #expect(try await bench.status("s1:t").dropsOut == ["carrier-down": 1])
    }
  }

  @Test func whatCannotBeSentIsRefusedWhole() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 10))
      try await bench.addGuest("t", .trunk(allowed: VLANSet([10...12]), native: nil))
      try await bench.addPort("w", .wire)
      let dataplane = bench.dataplane
      let bad: [[UInt8]] = [
        [], Array(frame(1).prefix(13)), Array(tagged(10, frame(1)).prefix(17)),
        [UInt8](repeating: 0, count: Dataplane.longestFrame + 1),
      ]
      for bytes in bad {
        await #expect(throws: DataplaneError.self) {
          try await dataplane.send(outOf: "a", frames: (0..<40).map { frame($0) } + [bytes])
        }
      }
      for (port, vlan) in [("a", 11), ("a", 0), ("a", -1), ("a", 70_000), ("t", 13), ("t", 4095), ("w", 10)] {
        await #expect(throws: DataplaneError.invalid("port \(port) is no member of VLAN \(vlan)")) {
          try await dataplane.send(outOf: port, frames: [frame(1)], vlan: vlan)
        }
      }
      await #expect(throws: DataplaneError.unknownPort("x")) { try await dataplane.send(outOf: "x", frames: []) }
      #expect(try got(bench).isEmpty)
      #expect(await dataplane.recording().frames.isEmpty)
      // The shortest and the longest.
      let sizes = [14, Dataplane.longestFrame]
      try await dataplane.send(outOf: "a", frames: sizes.map { frame(1, size: $0) })
      #expect(try await bench.status("a").dropsOut == ["too-big": 1])
      #expect(try got(bench) == ["a": [frame(1, size: 14)]])
    }
  }
}
