import Dataplane
import GuestKit
import TestSupport
import Testing
import VhostUser

/// Switches without VLANs: every frame passes as it is, and goes by addresses alone.
@Suite struct UnawareTests {
  private static let tags: [[FrameBuilder.Tag]] = [
    [], [.init(0, priority: 5)], [.init(1)], [.init(10, priority: 3)], [.init(4094)], [.init(4095)],
    [.init(10), .init(20)], [.init(100, type: 0x88A8), .init(20)], [.init(7, type: 0x9100)],
  ]

  private func withSwitch(_ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch { $0.linkLocal = .transparent }
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .transparent) }
      try await body(bench)
    }
  }

  /// Flooded, then known: byte by byte what was sent, in a table that has one row a station.
  @Test func everyFramePassesAsItIs() async throws {
    try await withSwitch { bench in
      for (number, tags) in Self.tags.enumerated() {
        let group = frame(1, to: nil, tags: tags, seed: number)
        try bench.expect(group, from: "a", reaches: ["b": group, "c": group])
        let unknown = frame(1, to: 9, tags: tags, seed: number)
        try bench.expect(unknown, from: "a", reaches: ["b": unknown, "c": unknown])
      }
      let answer = frame(2, to: 1, tags: [.init(30)])
      try bench.expect(answer, from: "b", reaches: ["a": answer])
      for (number, tags) in Self.tags.enumerated() {
        // Twice, as the second one is of a conversation.
        for seed in [number, number + 100] {
          let known = frame(1, to: 2, tags: tags, seed: seed)
          try bench.expect(known, from: "a", reaches: ["b": known])
        }
      }
      #expect(await bench.stations() == [Station(0, 1): "a", Station(0, 2): "b"])
      for name in ["a", "b", "c"] {
        let status = try await bench.status(name)
        #expect(status.mode == .transparent && status.dropsIn.isEmpty && status.dropsOut.isEmpty)
      }
    }
  }

  /// A station that moves with another tag moves all the same.
  @Test func learningIsByAddressAlone() async throws {
    try await withSwitch { bench in
      try bench.exchange(frame(1, to: nil, tags: [.init(10)]), from: "a")
      try bench.exchange(frame(1, to: nil), from: "b")
      #expect(await bench.stations() == [Station(0, 1): "b"])
      let tagged = frame(3, to: 1, tags: [.init(77)])
      try bench.expect(tagged, from: "c", reaches: ["b": tagged])
      try bench.expect(frame(4, to: 1), from: "b", reaches: [:])
      #expect(try await bench.status("b").dropsOut == ["hairpin": 1])
      await bench.dataplane.flushFDB(switchName: "sw", port: nil, vlan: nil)
      #expect(await bench.stations().isEmpty)
    }
  }

  /// Address zero is nobody's, and its key is 0: what a port does not remember is not taken for it.
  @Test func framesToAddressZeroFlood() throws {
    let bench = try DrivenBench()
    for _ in 0..<3 { try bench.addGuest(.transparent) }
    var nowhere = frame(1, to: 9)
    nowhere.replaceSubrange(0..<6, with: [UInt8](repeating: 0, count: 6))
    let nowhereTwice = [nowhere, nowhere]
    func flood() throws {
      try bench.send(nowhereTwice, from: 1, at: 0)
      #expect(try bench.frames(0) == nowhereTwice)
      #expect(try bench.frames(2) == nowhereTwice)
      #expect(try bench.frames(1).isEmpty)
    }
    // A port that remembers nothing yet; one that remembers where a station is.
    try flood()
    try bench.send([frame(3)], from: 2, at: 0)
    for port in 0..<2 { #expect(try bench.frames(port) == [frame(3)]) }
    let known = [frame(1, to: 3), frame(1, to: 3)]
    try bench.send(known, from: 1, at: 0)
    #expect(try bench.frames(2) == known)
    try flood()
    // The station has moved; the port has forgotten everything.
    try bench.send([frame(3)], from: 0, at: 0)
    for port in 1..<3 { #expect(try bench.frames(port) == [frame(3)]) }
    try flood()
    bench.worker.setMode(port: 1, .transparent)
    try flood()
    #expect((0..<3).allSatisfy { bench.drops($0).isEmpty })
  }

  @Test func whatIsNoFrameIsStillDropped() async throws {
    try await withSwitch { bench in
      try bench.expect(Array(frame(1, to: 2).prefix(13)), from: "a", reaches: [:])
      var group = frame(1, to: nil)
      group[6] |= 1
      try bench.expect(group, from: "a", reaches: [:])
      // 14 bytes that say that a tag follows, and none does: a switch that reads none passes them.
      let bare = Array(frame(1, to: nil, tags: [.init(5)]).prefix(14))
      try bench.expect(bare, from: "a", reaches: ["b": bare, "c": bare])
      for last in [0, 2, 3, 14] as [UInt8] {
        var lldp = frame(1, to: nil)
        lldp.replaceSubrange(0..<6, with: [1, 0x80, 0xC2, 0, 0, last])
        try bench.expect(lldp, from: "a", reaches: ["b": lldp, "c": lldp])
      }
      var pause = frame(1, to: nil)
      pause.replaceSubrange(0..<6, with: [1, 0x80, 0xC2, 0, 0, 1])
      try bench.expect(pause, from: "a", reaches: [:])
      #expect(try await bench.status("a").dropsIn == ["runt": 1, "source-invalid": 1, "link-local": 1])
    }
  }

  /// A tag takes nothing from the MTU, whoever reads it.
  @Test func aTagIsNoPayload() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .transparent)
      try await bench.addGuest("b", .transparent, mtu: 200)
      for (size, tags, passes) in [
        (214, [], true), (215, [], false), (218, [FrameBuilder.Tag(9)], true), (219, [.init(9)], false),
      ] {
        let sent = frame(1, to: nil, tags: tags, size: size)
        try bench.expect(sent, from: "a", reaches: passes ? ["b": sent] : [:])
      }
    }
  }

  /// Large frames stay whole for who takes them, and are cut for others, with their tag.
  @Test(arguments: [[], [10], [10, 20]] as [[UInt16]]) func largeFramesKeepTheirTags(vlans: [UInt16]) throws {
    let bench = try DrivenBench()
    try bench.addGuest(
      .transparent, features: VirtioFeature.checksum | VirtioFeature.hostTSO4
    ) { $0.ringSize = 64 }
    let takes = VirtioFeature.guestChecksum | VirtioFeature.guestTSO4 | VirtioFeature.mergeableBuffers
    try bench.addGuest(.transparent, features: takes) { _ in }
    try bench.addGuest(.transparent, features: 0) { _ in }
    var model = LargeFrameModel()
    model.destination = FrameBuilder.station(99)
    model.segmentSize = 1400
    model.payload = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) }
    func tag(_ frame: [UInt8]) -> [UInt8] { vlans.reversed().reduce(frame) { tagged($1, $0) } }
    var header = model.header
    header.checksumStart += UInt16(4 * vlans.count)
    header.headerSize += UInt16(4 * vlans.count)
    try bench.guests[0].add(tag(model.whole), header: header, pieces: [])
    bench.guests[0].rings[1].publish()
    bench.breathe(at: 1)
    #expect(try bench.frames(1) == [tag(model.whole)])
    #expect(try bench.frames(2) == model.segments(.full).map { tag($0) })
    #expect((0..<3).allSatisfy { bench.drops($0).isEmpty })
  }

  /// A large table is asked ahead of the frames of a burst: by address alone, too.
  @Test func largeTablesAreAskedByAddressAlone() throws {
    let bench = try DrivenBench { $0.fdbLimit = 1 << 17 }
    for _ in 0..<3 { try bench.addGuest(.transparent) }
    for station in 0..<20_000 { bench.worker.know(UInt64(station) << 24 | 0x0A_0002, vlan: 0, port: station % 3) }
    try bench.send((0..<16).map { frame(100 + $0, to: nil, tags: [.init(5)]) }, from: 1, at: 0)
    _ = try (0..<3).map { try bench.frames($0) }
    let frames = (0..<16).map { frame(1 + $0, to: 100 + $0, tags: $0 % 2 == 0 ? [] : [.init(UInt16($0))]) }
    try bench.send(frames, from: 0, at: 0)
    #expect(try bench.frames(1) == frames)
    #expect(try bench.frames(2).isEmpty)
  }

  /// Two of them join as bridges do, over a line too.
  @Test(arguments: [0, 1_000_000]) func twoOfThemJoin(delay: UInt64) async throws {
    try await Bench.with { bench in
      for name in ["u1", "u2"] { try await bench.addSwitch(name) }
      try await bench.dataplane.addPatch(name: "t", between: "u1", and: "u2", mode: .transparent)
      try await bench.addGuest("a", .transparent, on: "u1")
      try await bench.addGuest("b", .transparent, on: "u2")
      if delay > 0 {
        let impairment = Impairment.with { $0.delay = delay }
        try await bench.dataplane.setImpairment(port: "u1:t", fromNode: nil, toNode: impairment)
      }
      for (number, tags) in Self.tags.enumerated() {
        let sent = frame(1, to: nil, tags: tags, seed: number)
        let guest = try bench.guest("a")
        try guest.send(sent)
        #expect(try bench.guest("b").receive(timeout: 10)?.frame == sent)
        #expect(try guest.waitForTransmitted())
      }
      let answer = frame(2, to: 1, tags: [.init(9)])
      try bench.expect(answer, from: "b", reaches: ["a": answer])
      #expect(await bench.stations("u2") == [Station(0, 1): "u2:t", Station(0, 2): "b"])
    }
  }

  // MARK: - With a switch that has VLANs

  /// Switches `s` with VLANs and `u` without, joined by an end of `mode` at `s`.
  private func joined(_ mode: PortMode, _ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      for name in ["s", "u"] { try await bench.addSwitch(name) }
      try await bench.dataplane.addPatch(PatchEnd("s:t", on: "s", mode), PatchEnd("u:t", on: "u", .transparent))
      for vlan in [10, 20] as [UInt16] { try await bench.addGuest("s\(vlan)", .access(vlan: vlan), on: "s") }
      try await bench.addGuest("trunk", .trunk(allowed: .all, native: nil), on: "s")
      for name in ["u1", "u2"] { try await bench.addGuest(name, .transparent, on: "u") }
      try await body(bench)
    }
  }

  @Test func aTrunkToOneHasItsTags() async throws {
    try await joined(.trunk(allowed: VLANSet([10...10, 20...20]), native: 20)) { bench in
      let plain = frame(1, to: nil, size: 60)
      try bench.expect(
        plain, from: "s10",
        reaches: ["trunk": tagged(10, plain), "u1": tagged(10, plain), "u2": tagged(10, plain)])
      try bench.expect(plain, from: "s20", reaches: ["trunk": tagged(20, plain), "u1": plain, "u2": plain])
      // One of them has learnt the station once, whatever its tag.
      #expect(await bench.stations("u") == [Station(0, 1): "u:t"])
      // A priority of its own, and one that the native VLAN loses with the tag.
      let marked = tagged(10, priority: 5, plain)
      try bench.expect(marked, from: "trunk", reaches: ["s10": plain, "u1": marked, "u2": marked])
      try bench.expect(
        tagged(20, priority: 5, plain), from: "trunk", reaches: ["s20": plain, "u1": plain, "u2": plain])
      // The other way: its frames are judged by their tags, and by nothing else.
      let back = frame(2, to: nil, size: 60)
      try bench.expect(back, from: "u1", reaches: ["u2": back, "s20": back, "trunk": tagged(20, back)])
      let tagged10 = tagged(10, priority: 3, back)
      try bench.expect(tagged10, from: "u1", reaches: ["u2": tagged10, "s10": back, "trunk": tagged10])
      let onlyPriority = tagged(0, priority: 3, back)
      try bench.expect(
        onlyPriority, from: "u1", reaches: ["u2": onlyPriority, "s20": back, "trunk": tagged(20, priority: 3, back)])
      for vid in [30, 4095] as [UInt16] {
        try bench.expect(tagged(vid, back), from: "u1", reaches: ["u2": tagged(vid, back)])
      }
      #expect(try await bench.status("s:t").dropsIn == ["vlan-filtered": 1, "vlan-invalid": 1])
      // Known on both sides by now.
      try bench.expect(frame(1, to: 2, size: 60), from: "s10", reaches: ["u1": tagged(10, frame(1, to: 2, size: 60))])
    }
  }

  @Test func anAccessPortToOneHasNone() async throws {
    try await joined(.access(vlan: 10)) { bench in
      let plain = frame(1, to: nil, size: 60)
      try bench.expect(plain, from: "s10", reaches: ["trunk": tagged(10, plain), "u1": plain, "u2": plain])
      try bench.expect(plain, from: "s20", reaches: ["trunk": tagged(20, plain)])
      let back = frame(2, to: 1, size: 60)
      try bench.expect(back, from: "u1", reaches: ["s10": back])
      let other = frame(3, to: nil, tags: [.init(20)], size: 64)
      try bench.expect(other, from: "u1", reaches: ["u2": other])
    }
  }

  /// Through one without VLANs from one with them to another, over lines.
  @Test(arguments: [false, true]) func tagsSurviveOneInTheMiddle(isDelayed: Bool) async throws {
    try await Bench.with { bench in
      for name in ["s1", "u", "s2"] { try await bench.addSwitch(name) }
      let (one, two) = (
        PortMode.trunk(allowed: .all, native: nil), PortMode.trunk(allowed: VLANSet([10...30]), native: 30)
      )
      try await bench.dataplane.addPatch(PatchEnd("s1:t1", on: "s1", one), PatchEnd("u:t1", on: "u", .transparent))
      try await bench.dataplane.addPatch(PatchEnd("u:t2", on: "u", .transparent), PatchEnd("s2:t2", on: "s2", two))
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .access(vlan: 10), on: "s2")
      try await bench.addGuest("d", .access(vlan: 30), on: "s2")
      try await bench.addGuest("u1", .transparent, on: "u")
      if isDelayed {
        for port in ["s1:t1", "u:t1", "u:t2", "s2:t2"] {
          try await bench.dataplane.setImpairment(port: port, fromNode: nil, toNode: .with { $0.delay = 1_000_000 })
        }
      }
      let (sent, back) = (frame(1, to: nil, size: 60), frame(2, to: 1, size: 60))
      try bench.guest("a").send(sent)
      #expect(try bench.guest("b").receive(timeout: 10)?.frame == sent)
      #expect(try bench.guest("u1").receive(timeout: 10)?.frame == tagged(10, sent))
      try bench.guest("b").send(back)
      #expect(try bench.guest("a").receive(timeout: 10)?.frame == back)
      let plain = frame(3, to: nil, size: 60)
      try bench.guest("u1").send(plain)
      #expect(try bench.guest("d").receive(timeout: 10)?.frame == plain)
      #expect(await bench.stations("s2")[Station(30, 3)] == "s2:t2")
      for name in ["a", "b", "d", "u1"] { #expect(try bench.guest(name).receive(timeout: 0) == nil) }
    }
  }

  // MARK: - What is known, sent and set

  @Test func fixedStationsAreInNoVLAN() async throws {
    try await withSwitch { bench in
      let plane = bench.dataplane
      try await plane.addStation(FrameBuilder.address(7), vlan: 0, behind: "c", on: "sw")
      await #expect(throws: DataplaneError.self) {
        try await plane.addStation(FrameBuilder.address(8), vlan: 1, behind: "c", on: "sw")
      }
      let sent = frame(1, to: 7, tags: [.init(5)])
      try bench.expect(sent, from: "a", reaches: ["c": sent])
      let snapshot = try await plane.snapshot(switchName: "sw")
      #expect(snapshot.entries.contains { $0.vlan == 0 && $0.port == "c" && $0.origin == .fixed })
      #expect(try await plane.removeStation(FrameBuilder.address(7), vlan: 0, on: "sw"))
      await #expect(throws: DataplaneError.self) {
        try await plane.setForwarding(port: "a", vlans: .all, .discarding)
      }
      let said = frame(9, to: nil, tags: [.init(6)])
      try await plane.send(outOf: "b", frames: [said])
      #expect(try bench.guest("b").receive(timeout: 10)?.frame == said)
      await #expect(throws: DataplaneError.self) { try await plane.send(outOf: "b", frames: [said], vlan: 6) }
    }
  }

  /// A switch comes to have none while it forwards, and to have them again: what it knew is forgotten.
  @Test func portsCanBecomeTransparent() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 10)) }
      let (plain, tag) = (frame(1, to: nil, size: 60), frame(1, to: nil, tags: [.init(7)], size: 60))
      try bench.expect(tag, from: "a", reaches: [:])
      try bench.expect(plain, from: "a", reaches: ["b": plain])
      for name in ["a", "b"] { try await bench.dataplane.setMode(port: name, .transparent) }
      #expect(await bench.stations().isEmpty)
      try bench.expect(tag, from: "a", reaches: ["b": tag])
      #expect(await bench.stations() == [Station(0, 1): "a"])
      for name in ["a", "b"] { try await bench.dataplane.setMode(port: name, .access(vlan: 20)) }
      #expect(await bench.stations().isEmpty)
      try bench.expect(tag, from: "a", reaches: [:])
      try bench.expect(plain, from: "a", reaches: ["b": plain])
      #expect(await bench.stations() == [Station(20, 1): "a"])
    }
  }
}
