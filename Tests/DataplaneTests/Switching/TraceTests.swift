import Dataplane
import GuestKit
import TestSupport
import Testing

/// The dry run says what the switch then does, and changes nothing.
@Suite struct TraceTests {
  /// Two switches joined by a trunk, access and trunk ports, a wire, one port down.
  private func withLab(_ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("s1")
      try await bench.addSwitch("s2") { $0.linkLocal = .transparent }
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: VLANSet([1...20]), native: 5))
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .access(vlan: 10), on: "s2", mtu: 200)
      try await bench.addGuest("c", .trunk(allowed: .all, native: nil), on: "s1")
      try await bench.addGuest("d", .trunk(allowed: VLANSet([5...10]), native: 5), on: "s2")
      try await bench.addPort("e", .access(vlan: 10), on: "s1")
      _ = try await bench.addWire("w1", "w2")
      try await body(bench)
    }
  }

  private static let ports = ["a", "b", "c", "d", "w1"]
  private static let stated = ["a", "b", "c", "d", "e", "s1:t", "s2:t"]

  /// Any frame from any port: the trace names the ports that then get it, byte by byte, and the drops that are counted.
  @Test func tracesComeTrue() async throws {
    try await withLab { bench in
      var random = SeededRandom(seed: 5)
      for turn in 0..<800 {
        // The second half of them with states that change.
        if turn >= 400, turn % 4 == 0 {
          try await bench.dataplane.setForwarding(
            port: Self.stated[Int(random.next() % 7)], vlans: [VLANSet([10...10]), VLANSet([5...15])][turn / 4 % 2],
            ForwardingState.allCases[Int(random.next() % 3)])
        }
        let port = Self.ports[Int(random.next() % 5)]
        let tags: [FrameBuilder.Tag] =
          random.next() % 2 == 0
          ? [] : [.init([0, 5, 10, 15, 30, 4095][Int(random.next() % 6)], priority: UInt16(random.next() % 8))]
        var frame = frame(
          Int(random.next() % 6), to: random.next() % 4 == 0 ? nil : Int(random.next() % 7), tags: tags,
          size: [14, 18, 60, 100, 199, 214, 216, 220, 1514][Int(random.next() % 9)])
        if random.next() % 12 == 0 {
          frame.replaceSubrange(0..<6, with: [1, 0x80, 0xC2, 0, 0, UInt8(random.next() % 3)])
        }
        if random.next() % 20 == 0 { frame[6] |= 1 }
        if random.next() % 20 == 0 { frame = Array(frame.prefix(Int(random.next() % 20))) }
        try await compare(frame, port, bench)
      }
    }
  }

  /// The same over switches without VLANs, joined with each other and with one that has them.
  @Test func tracesOverSwitchesWithoutVLANsComeTrue() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2", "u"] { try await bench.addSwitch(name) { $0.linkLocal = .transparent } }
      let mode = PortMode.trunk(allowed: VLANSet([1...20]), native: 5)
      try await bench.dataplane.addPatch(PatchEnd("s1:t", on: "s1", mode), PatchEnd("s2:t", on: "s2", .transparent))
      try await bench.dataplane.addPatch(name: "r", between: "s2", and: "u", mode: .transparent)
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .transparent, on: "s2", mtu: 200)
      try await bench.addGuest("c", .trunk(allowed: .all, native: 7), on: "s1")
      try await bench.addGuest("d", .transparent, on: "s2")
      try await bench.addGuest("w1", .transparent, on: "u")
      var random = SeededRandom(seed: 6)
      for _ in 0..<500 {
        let port = Self.ports[Int(random.next() % 5)]
        let vlans: [UInt16] = [0, 5, 7, 10, 15, 30, 4095]
        let tags = (0..<random.next() % 3).map { _ in
          FrameBuilder.Tag(vlans[Int(random.next() % 7)], priority: UInt16(random.next() % 8))
        }
        var frame = frame(
          Int(random.next() % 6), to: random.next() % 4 == 0 ? nil : Int(random.next() % 7), tags: tags,
          size: [22, 60, 100, 199, 214, 216, 220, 1514][Int(random.next() % 8)])
        if random.next() % 20 == 0 { frame[6] |= 1 }
        try await compare(frame, port, bench)
      }
    }
  }

  @Test func aTraceSaysThatASwitchReadsNoTags() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("hub")
      for name in ["a", "b"] { try await bench.addGuest(name, .transparent, on: "hub") }
      let trace = try await bench.dataplane.trace(port: "a", frame: frame(1, to: nil, tags: [.init(10)]))
      #expect(
        trace.steps.map(\.text) == [
          "100 bytes come in by a", "VLAN-unaware, so the frame passes as it is, and its tag is not read",
          "02:00:00:00:00:01 would be learnt behind a", "goes to every port that is up: b; it came from a",
          "100 bytes leave by b, as they are",
        ])
      #expect(trace.steps[1].switchName == "hub")
    }
  }

  private func compare(_ frame: [UInt8], _ port: String, _ bench: Bench) async throws {
    let stations = (await bench.stations("s1"), await bench.stations("s2"))
    let drops = await allDrops(bench)
    let trace = try await bench.dataplane.trace(port: port, frame: frame)
    #expect(await bench.stations("s1") == stations.0)
    #expect(await bench.stations("s2") == stations.1)
    #expect(await allDrops(bench) == drops)
    let got = try bench.exchange(frame, from: port)
    var expected: [String: [[UInt8]]] = [:]
    for output in trace.outputs { expected[output.port, default: []].append(output.frame) }
    #expect(got == expected, "\(port) \(frame.prefix(24)) \(trace.steps.map(\.text))")
    let after = await allDrops(bench)
    var counted: [String] = []
    for (reason, count) in after {
      counted += Array(repeating: reason, count: Int(count - (drops[reason] ?? 0)))
    }
    #expect(counted.sorted() == trace.drops.sorted(), "\(port) \(frame.prefix(24)) \(trace.steps.map(\.text))")
  }

  private func allDrops(_ bench: Bench) async -> [String: UInt64] {
    var sum: [String: UInt64] = [:]
    for port in await bench.dataplane.ports() {
      sum.merge(port.dropsIn) { $0 + $1 }
      sum.merge(port.dropsOut) { $0 + $1 }
    }
    return sum
  }

  @Test func stepsSayWhy() async throws {
    try await withLab { bench in
      let dataplane = bench.dataplane
      func texts(_ port: String, _ frame: [UInt8]) async throws -> [String] {
        try await dataplane.trace(port: port, frame: frame).steps.map(\.text)
      }
      #expect(
        try await texts("a", frame(1)) == [
          "100 bytes come in by a", "untagged: VLAN 10 of the port",
          "02:00:00:00:00:01 would be learnt in VLAN 10 behind a",
          "goes to every member of VLAN 10 that is up: s1:t, c; it came from a; down are e",
          "crosses the trunk to s2:t with the tag of VLAN 10",
          "02:00:00:00:00:01 would be learnt in VLAN 10 behind s2:t",
          "goes to every member of VLAN 10 that is up: b, d; it came from s2:t", "100 bytes leave by b, as they are",
          "104 bytes leave by d, with a tag of VLAN 10, priority 0",
          "104 bytes leave by c, with a tag of VLAN 10, priority 0",
        ])
      _ = try bench.exchange(frame(1), from: "a")
      #expect(
        try await texts("c", frame(2, to: 1, tags: [.init(10, priority: 3)])) == [
          "100 bytes come in by c", "tagged with VLAN 10, priority 3",
          "02:00:00:00:00:02 would be learnt in VLAN 10 behind c", "02:00:00:00:00:01 in VLAN 10 is behind a",
          "96 bytes leave by a, without the tag",
        ])
      #expect(
        try await texts("d", frame(1)).contains("untagged: VLAN 5 of the port"))
      #expect(try await texts("c", frame(1)).last == "dropped at c: vlan-filtered")
      try await dataplane.setImpairment(
        port: "a", fromNode: .with { $0.delay = 5_000_000 }, toNode: .with { $0.loss = 0.07 })
      #expect(try await texts("a", frame(1))[1] == "impaired: held 5.0 ms, 1000 frames wait at most")
      #expect(
        try await texts("c", frame(2, to: 1, tags: [.init(10)])).last
          == "impaired: lost in 7.0 % of cases, 1000 frames wait at most")
      try await stepsOfStatesSayWhy(dataplane, texts)
      try await dataplane.setCarrier(port: "w1", up: false)
      let trace = try await dataplane.trace(port: "w1", frame: frame(1))
      #expect(trace.drops == ["port-down"] && trace.outputs.isEmpty)
      #expect(trace.steps.last?.kind == .drop && trace.steps.last?.drop == "port-down")
      await #expect(throws: DataplaneError.unknownPort("x")) { try await dataplane.trace(port: "x", frame: []) }
      await #expect(throws: DataplaneError.self) { try await dataplane.trace(port: "s1:t", frame: []) }
    }
  }

  private func stepsOfStatesSayWhy(
    _ dataplane: Dataplane, _ texts: (String, [UInt8]) async throws -> [String]
  ) async throws {
    let ten = VLANSet([10...10])
    try await dataplane.setForwarding(port: "a", vlans: ten, .learning)
    #expect(
      try await texts("a", frame(1)).suffix(3) == [
        "02:00:00:00:00:01 in VLAN 10 is known behind a", "a is learning in VLAN 10", "dropped at a: not-forwarding",
      ])
    let trace = try await dataplane.trace(port: "c", frame: frame(2, to: 1, tags: [.init(10)]))
    #expect(
      trace.steps.map(\.text).suffix(3) == [
        "02:00:00:00:00:01 in VLAN 10 is behind a", "a is learning in VLAN 10", "dropped at a: not-forwarding",
      ])
    #expect(trace.steps.map(\.kind.rawValue).suffix(2) == ["state", "drop"] && trace.drops == ["not-forwarding"])
    try await dataplane.setForwarding(port: "a", vlans: ten, .discarding)
    #expect(
      try await texts("a", frame(1)).suffix(3) == [
        "untagged: VLAN 10 of the port", "a is discarding in VLAN 10", "dropped at a: not-forwarding",
      ])
    #expect(
      try await texts("c", frame(2, tags: [.init(10)])).contains(
        "goes to every member of VLAN 10 that is up: s1:t; it came from c; down are e; not forwarding are a"))
    try await dataplane.setForwarding(port: "a", vlans: ten, .forwarding)
  }

  @Test func injectedFramesAreLikeAnyOther() async throws {
    try await withLab { bench in
      let capture = try await bench.dataplane.startCapture(ports: ["a", "b"])
      let frames = [60, 100, 200, 64].map { frame(1, size: $0) } + [Array(frame(1).prefix(9)), frame(1, size: 65_000)]
      try await bench.dataplane.inject(port: "a", frames: frames)
      for frame in frames.prefix(4) { #expect(try bench.guest("b").receive()?.frame == frame) }
      let status = try await bench.status("a")
      #expect(status.receivePackets == 6 && status.dropsIn == ["runt": 1])
      #expect(try await bench.status("b").dropsOut == ["too-big": 1])
      #expect(await bench.stations("s1")[Station(10, 1)] == "a")
      await bench.dataplane.stopCapture(capture)
      let got = capture.drain()
      #expect(got.filter { $0.record.interface == 0 }.map(\.bytes) == frames)
      #expect(got.filter { $0.record.interface == 1 }.map(\.bytes) == Array(frames.prefix(4)))
      await #expect(throws: DataplaneError.self) {
        try await bench.dataplane.inject(port: "a", frames: [[UInt8](repeating: 0, count: 70_000)])
      }
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.inject(port: "s1:t", frames: [frame(1)]) }
      // Many: in order, none lost on the way in.
      let many = (0..<100).map { frame(1, to: 77, size: 60 + $0) }
      try await bench.dataplane.inject(port: "w1", frames: many)
      #expect(try await bench.status("w1").receivePackets == 100)
      #expect(try bench.guest("w2").receiveAll(quiet: 50).map(\.frame) == Array(many.prefix(64)))
    }
  }
}
