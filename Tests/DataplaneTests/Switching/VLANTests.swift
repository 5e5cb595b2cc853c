import Dataplane
import GuestKit
import Testing

/// Tags on the way in and out (802.1Q-2018 clauses 6.9 and 9), byte for byte; each case written by hand.
@Suite struct VLANTests {
  private static let destination: [UInt8] = [0x02, 0xAA, 0, 0, 0, 0x02]
  private static let source: [UInt8] = [0x02, 0xAA, 0, 0, 0, 0x01]
  private static let rest: [UInt8] = [0x08, 0x00] + (0..<48).map { UInt8($0) }

  /// A frame with these bytes between addresses and type.
  private func frame(_ tag: UInt8...) -> [UInt8] { Self.destination + Self.source + tag + Self.rest }

  /// Five ports: `in`, where frames come in; `a10`, `a20`, access; `t`, trunk of 10 and 20; `n`, the same with 10 native.
  private func ports(_ ingress: PortMode, _ body: (Bench) async throws -> Void) async throws {
    let allowed = VLANSet([10...10, 20...20])
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("in", ingress)
      try await bench.addGuest("a10", .access(vlan: 10))
      try await bench.addGuest("a20", .access(vlan: 20))
      try await bench.addGuest("t", .trunk(allowed: allowed, native: nil))
      try await bench.addGuest("n", .trunk(allowed: allowed, native: 10))
      try await body(bench)
    }
  }

  @Test func accessPortsTakeUntaggedAndTheirOwn() async throws {
    try await ports(.access(vlan: 10)) { bench in
      let out = ["a10": frame(), "t": frame(0x81, 0, 0, 10), "n": frame()]
      try bench.expect(frame(), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0, 0), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0, 10), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0, 20), from: "in", reaches: [:])
      #expect(try await bench.status("in").dropsIn == ["vlan-filtered": 1])
    }
  }

  @Test func trunksTakeTheirVLANsTagged() async throws {
    try await ports(.trunk(allowed: VLANSet([10...10, 20...20, 30...30]), native: nil)) { bench in
      try bench.expect(
        frame(0x81, 0, 0, 20), from: "in",
        reaches: ["a20": frame(), "t": frame(0x81, 0, 0, 20), "n": frame(0x81, 0, 0, 20)])
      try bench.expect(frame(0x81, 0, 0, 30), from: "in", reaches: [:])
      #expect(try await bench.status("in").dropsIn == [:])
      try bench.expect(frame(0x81, 0, 0, 40), from: "in", reaches: [:])
      try bench.expect(frame(), from: "in", reaches: [:])
      try bench.expect(frame(0x81, 0, 0xA0, 0), from: "in", reaches: [:])
      #expect(try await bench.status("in").dropsIn == ["vlan-filtered": 3])
    }
  }

  @Test func nativeTakesUntaggedAndSendsUntagged() async throws {
    try await ports(.trunk(allowed: VLANSet([10...10, 20...20]), native: 20)) { bench in
      let out = ["a20": frame(), "t": frame(0x81, 0, 0, 20), "n": frame(0x81, 0, 0, 20)]
      try bench.expect(frame(), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0, 0), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0, 20), from: "in", reaches: out)
      try bench.expect(
        frame(0x81, 0, 0, 10), from: "in", reaches: ["a10": frame(), "t": frame(0x81, 0, 0, 10), "n": frame()])
      try bench.expect(
        frame(0x81, 0, 0, 20), from: "t", reaches: ["in": frame(), "a20": frame(), "n": frame(0x81, 0, 0, 20)])
    }
  }

  @Test func priorityAndDropEligibilityAreKept() async throws {
    try await ports(.access(vlan: 10)) { bench in
      // PCP 5, DEI 1, VID 0 and VID 10.
      let out = ["a10": frame(), "t": frame(0x81, 0, 0xB0, 10), "n": frame()]
      try bench.expect(frame(0x81, 0, 0xB0, 0), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0xB0, 10), from: "in", reaches: out)
      try bench.expect(frame(0x81, 0, 0xE0, 10), from: "t", reaches: ["in": frame(), "a10": frame(), "n": frame()])
    }
  }

  @Test(arguments: [
    PortMode.access(vlan: 10), .trunk(allowed: .all, native: nil), .trunk(allowed: .all, native: 10),
    .access(vlan: 4094),
  ])
  func reservedVLANIsDropped(mode: PortMode) async throws {
    try await ports(mode) { bench in
      for bits in [0x0F, 0x1F, 0xEF] as [UInt8] {
        try bench.expect(frame(0x81, 0, bits, 0xFF), from: "in", reaches: [:])
      }
      #expect(try await bench.status("in").dropsIn == ["vlan-invalid": 3])
      #expect(await bench.stations().isEmpty)
    }
  }

  @Test func foreignTagsArePayload() async throws {
    try await ports(.access(vlan: 10)) { bench in
      let foreign = frame(0x88, 0xA8, 0, 20)
      try bench.expect(
        foreign, from: "in", reaches: ["a10": foreign, "t": frame(0x81, 0, 0, 10, 0x88, 0xA8, 0, 20), "n": foreign])
      let both = frame(0x88, 0xA8, 0, 20, 0x81, 0, 0, 20)
      try bench.expect(
        both, from: "in",
        reaches: ["a10": both, "t": frame(0x81, 0, 0, 10, 0x88, 0xA8, 0, 20, 0x81, 0, 0, 20), "n": both])
      let outdated = frame(0x91, 0, 0, 20)
      try bench.expect(
        outdated, from: "in", reaches: ["a10": outdated, "t": frame(0x81, 0, 0, 10, 0x91, 0, 0, 20), "n": outdated])
    }
  }

  @Test func onlyTheOuterTagCounts() async throws {
    try await ports(.trunk(allowed: .all, native: nil)) { bench in
      let double = frame(0x81, 0, 0, 20, 0x81, 0, 0, 10)
      try bench.expect(double, from: "in", reaches: ["a20": frame(0x81, 0, 0, 10), "t": double, "n": double])
    }
  }

  @Test func nothingIsLearntFromFilteredFrames() async throws {
    try await ports(.access(vlan: 10)) { bench in
      try bench.expect(frame(0x81, 0, 0, 20), from: "in", reaches: [:])
      try bench.expect(frame(0x81, 0, 0, 30), from: "in", reaches: [:])
      try bench.expect(frame(0x81, 0, 0x0F, 0xFF), from: "in", reaches: [:])
      try bench.expect(frame(), from: "t", reaches: [:])
      #expect(await bench.stations().isEmpty)
      // Nor does a filtered frame move a station.
      try bench.exchange(frame(), from: "a10")
      try bench.expect(frame(0x81, 0, 0, 10), from: "a20", reaches: [:])
      #expect(await bench.stations() == [Station(vlan: 10, address: Self.source): "a10"])
    }
  }

  /// A station known in a VLAN that its port does not carry any more is unknown.
  @Test func aPortTakenFromAVLANGetsNoMoreOfIt() async throws {
    try await ports(.trunk(allowed: VLANSet([10...10, 20...20]), native: nil)) { bench in
      let answer = { (tag: [UInt8]) in Self.source + Self.destination + tag + Self.rest }
      try bench.exchange(frame(0x81, 0, 0, 20), from: "in")
      try bench.expect(answer([]), from: "a20", reaches: ["in": answer([0x81, 0, 0, 20])])
      try await bench.dataplane.setMode(port: "in", .trunk(allowed: VLANSet([10...10]), native: nil))
      try bench.expect(
        answer([]), from: "a20", reaches: ["t": answer([0x81, 0, 0, 20]), "n": answer([0x81, 0, 0, 20])])
    }
  }

  /// Tags are edited in frames of every size and of several pieces.
  @Test(arguments: [14, 15, 16, 17, 18, 59, 60, 61, 63, 64, 65, 67, 68, 69, 255, 256, 257, 1514, 9000])
  func editsLeaveTheRestOfAFrameAlone(size: Int) async throws {
    try await ports(.access(vlan: 10)) { bench in
      let plain = FrameBuilder(to: Self.destination, from: Self.source).plain(size: size)
      let tagged = Array(plain[..<12] + [0x81, 0, 0x60, 10] + plain[12...])
      let retagged = Array(plain[..<12] + [0x81, 0, 0x60, 0] + plain[12...])
      let inserted = Array(plain[..<12] + [0x81, 0, 0, 10] + plain[12...])
      for pieces in [[], [12], [13], [24], [12, 12, 2, 2], [30, 60]] {
        let guest = try bench.guest("in")
        for (sent, onTrunk) in [(plain, inserted), (tagged, tagged), (retagged, tagged)] {
          try guest.send(sent, pieces: pieces)
          let got = try bench.collect(after: guest).mapValues { $0.map(\.frame) }
          #expect(got == ["a10": [plain], "t": [onTrunk], "n": [plain]])
        }
      }
    }
  }
}
