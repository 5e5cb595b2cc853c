import Dataplane
import GuestKit
import TestSupport
import Testing

/// Frames that a switch does not forward whatever their VLAN, and wires, which forward everything.
@Suite struct FilterTests {
  private static let station = FrameBuilder.station(1)

  private func accessPorts(
    _ policy: LinkLocalPolicy = .standard, _ body: (Bench) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw") { $0.linkLocal = policy }
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      try await bench.addGuest("t", .trunk(allowed: .all, native: nil))
      try await body(bench)
    }
  }

  @Test(arguments: LinkLocalPolicy.allCases)
  func linkLocalFramesFollowThePolicy(policy: LinkLocalPolicy) async throws {
    try await accessPorts(policy) { bench in
      var dropped: UInt64 = 0
      for last in 0...16 as ClosedRange<UInt8> {
        let destination: [UInt8] = [0x01, 0x80, 0xC2, 0, 0, last]
        let passes =
          switch policy {
          case .standard: last == 16
          case .linux: last == 0 || last == 16
          case .transparent: last != 1
          }
        if !passes { dropped += 2 }
        let frame = FrameBuilder(to: destination, from: Self.station).plain(size: 60)
        let tagged = FrameBuilder(to: destination, from: Self.station, tags: [.init(1)]).plain(size: 64)
        try bench.expect(frame, from: "a", reaches: passes ? ["b": frame, "t": tagged] : [:])
        try bench.expect(tagged, from: "a", reaches: passes ? ["b": frame, "t": tagged] : [:])
      }
      #expect(try await bench.status("a").dropsIn == ["link-local": dropped])
    }
  }

  @Test(arguments: LinkLocalPolicy.allCases)
  func vendorsGroupsAreOrdinary(policy: LinkLocalPolicy) async throws {
    try await accessPorts(policy) { bench in
      for destination in [
        [0x01, 0x00, 0x0C, 0xCC, 0xCC, 0xCC], [0x01, 0x00, 0x0C, 0xCC, 0xCC, 0xCD],
        [0x01, 0x00, 0x0C, 0xCD, 0xCD, 0xCD],
        [0x01, 0x80, 0xC2, 0x00, 0x00, 0x21], [0x00, 0xE0, 0x2B, 0x00, 0x00, 0x00],
      ] as [[UInt8]] {
        let frame = FrameBuilder(to: destination, from: Self.station).plain(size: 60)
        let tagged = FrameBuilder(to: destination, from: Self.station, tags: [.init(1)]).plain(size: 64)
        try bench.expect(frame, from: "a", reaches: ["b": frame, "t": tagged])
      }
    }
  }

  @Test func linkLocalFramesTeachNothing() async throws {
    try await accessPorts { bench in
      try bench.exchange(FrameBuilder(to: [1, 0x80, 0xC2, 0, 0, 0xE], from: Self.station).plain(size: 60), from: "a")
      #expect(await bench.stations().isEmpty)
    }
  }

  @Test func groupAndZeroSourcesAreDropped() async throws {
    try await accessPorts { bench in
      let sources: [[UInt8]] = [
        [0x01, 0, 0x5E, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1], FrameBuilder.broadcast, [0, 0, 0, 0, 0, 0],
        [0x03, 0, 0, 0, 0, 1],
      ]
      for source in sources {
        for destination in [FrameBuilder.broadcast, FrameBuilder.station(9)] {
          try bench.expect(
            FrameBuilder(to: destination, from: source).plain(size: 60), from: "a", reaches: [:])
          try bench.expect(
            FrameBuilder(to: destination, from: source, tags: [.init(7)]).plain(size: 60), from: "t", reaches: [:])
        }
      }
      #expect(try await bench.status("a").dropsIn == ["source-invalid": UInt64(2 * sources.count)])
      #expect(try await bench.status("t").dropsIn == ["source-invalid": UInt64(2 * sources.count)])
      #expect(await bench.stations().isEmpty)
      // Almost zero is a station like any other.
      let odd = FrameBuilder(to: FrameBuilder.broadcast, from: [0, 0, 0, 0, 0, 1]).plain(size: 60)
      #expect(try bench.exchange(odd, from: "a")["b"] == [odd])
    }
  }

  @Test func runtsAreDropped() async throws {
    try await accessPorts { bench in
      let whole = FrameBuilder.broadcast + Self.station + [0x81, 0, 0, 1, 8, 0]
      for size in 0...13 {
        for pieces in [[], [12], [5, 5, 5]] {
          let guest = try bench.guest("a")
          try guest.send(Array(whole.prefix(size)), pieces: pieces)
          #expect(try bench.collect(after: guest).isEmpty)
        }
      }
      #expect(try await bench.status("a").dropsIn == ["runt": 42])
      for size in 14...17 { try bench.expect(Array(whole.prefix(size)), from: "a", reaches: [:]) }
      #expect(try await bench.status("a").dropsIn == ["runt": 46])
      #expect(await bench.stations().isEmpty)
      let untagged = Array(whole.prefix(12)) + [8, 0]
      try bench.expect(whole, from: "a", reaches: ["b": untagged, "t": whole])
      try bench.expect(untagged, from: "a", reaches: ["b": untagged, "t": whole])
    }
  }

  /// A short frame must not be judged by what an earlier one left behind.
  @Test func runtsShowNothingOfEarlierFrames() async throws {
    try await accessPorts { bench in
      let guest = try bench.guest("t")
      let tagged = FrameBuilder(to: FrameBuilder.broadcast, from: Self.station, tags: [.init(1)]).plain(size: 100)
      try guest.send(burst: [tagged, Array(tagged.prefix(16)), Array(tagged.prefix(6)), Array(tagged.prefix(12))])
      #expect(try bench.collect(after: guest).mapValues(\.count) == ["a": 1, "b": 1])
      #expect(try await bench.status("t").dropsIn == ["runt": 3])
    }
  }

  @Test func framesBackToTheirPortAreDropped() async throws {
    try await accessPorts { bench in
      try bench.exchange(
        FrameBuilder(to: FrameBuilder.station(9), from: FrameBuilder.station(5)).plain(size: 60), from: "a")
      try bench.expect(
        FrameBuilder(to: FrameBuilder.station(5), from: FrameBuilder.station(6)).plain(size: 60), from: "a",
        reaches: [:])
      try bench.expect(
        FrameBuilder(to: FrameBuilder.station(6), from: FrameBuilder.station(6)).plain(size: 60), from: "a",
        reaches: [:])
      let status = try await bench.status("a")
      #expect(status.dropsOut == ["hairpin": 2])
      #expect(status.dropsIn == [:])
    }
  }

  @Test func wiresPassEverything() async throws {
    try await Bench.with { bench in
      _ = try await bench.addWire()
      let group: [UInt8] = [0x01, 0x80, 0xC2, 0, 0, 0]
      var frames: [[UInt8]] = (0...15).map { last in
        FrameBuilder(to: Array(group.prefix(5)) + [UInt8(last)], from: Self.station).plain(size: 60)
      }
      for tag in [0, 1, 4094, 4095] as [UInt16] {
        frames.append(
          FrameBuilder(to: FrameBuilder.station(2), from: Self.station, tags: [.init(tag, priority: 7)]).plain(size: 64)
        )
      }
      frames.append(
        FrameBuilder(to: FrameBuilder.station(2), from: Self.station, tags: [.init(3, type: 0x88A8)]).plain(size: 64))
      frames.append(FrameBuilder(to: FrameBuilder.station(1), from: Self.station).plain(size: 60))
      frames.append(FrameBuilder(to: FrameBuilder.broadcast, from: group).plain(size: 60))
      frames.append(FrameBuilder(to: FrameBuilder.station(2), from: [0, 0, 0, 0, 0, 0]).plain(size: 14))
      // The type of a tag without the tag behind it: a wire does not look.
      frames.append(FrameBuilder.station(2) + Self.station + [0x81, 0, 5])
      for frame in frames {
        try bench.expect(frame, from: "a", reaches: ["b": frame])
        try bench.expect(frame, from: "b", reaches: ["a": frame])
      }
      for size in 0...13 { try bench.expect(Array(frames[0].prefix(size)), from: "a", reaches: [:]) }
      let status = try await bench.status("a")
      #expect(status.dropsIn == ["runt": 14])
      #expect(status.peer == "b")
      #expect(status.receivePackets == UInt64(frames.count + 14))
    }
  }

  @Test func aWireWithoutItsOtherEndDrops() async throws {
    try await Bench.with { bench in
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: Self.station).plain(size: 60)
      _ = try await bench.addWire()
      try await bench.addGuest("single", .wire)
      try bench.expect(frame, from: "single", reaches: [:])
      #expect(try await bench.status("single").dropsIn == ["port-down": 1])

      try bench.guest("b").disconnect()
      #expect(try await eventually { try await bench.status("b").carrier == false })
      try bench.expect(frame, from: "a", reaches: [:])
      #expect(try await bench.status("b").dropsOut == ["carrier-down": 1])

      bench.dropGuest("b")
      try await bench.dataplane.removePort("b")
      try bench.expect(frame, from: "a", reaches: [:])
      let status = try await bench.status("a")
      #expect(status.dropsIn == ["port-down": 1])
      #expect(status.peer == nil)
    }
  }
}
