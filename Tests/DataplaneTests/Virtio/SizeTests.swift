import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Rings and frames of every size.
@Suite(.everyRingFormat) struct SizeTests {
  private let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))

  @Test(arguments: [2, 4, 8, 16, 64, 256, 1024, 4096, 16384, 32768], [0, 0xFFFB] as [UInt16])
  func ringsOfEverySizeWork(size: Int, first: UInt16) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = size
        $0.firstIndex = first
        $0.transmitSize = 256
        $0.receiveLayout = [256]
        $0.receiveCount = min(size, 1024)
        $0.memorySize = 32 << 20
      }
      for turn in 0..<40 {
        let frames = (0..<min(size, 48)).map { builder.plain(size: 60 + $0, seed: turn + $0) }
        try a.send(burst: frames)
        for frame in frames { #expect(try b.receive()?.frame == frame) }
      }
      #expect(try a.waitForTransmitted())
      let status = try await bench.status("b")
      #expect(status.transmitPackets == UInt64(40 * min(size, 48)))
      #expect(status.vhostUser?.queues.map(\.size) == [size, size])
      #expect(status.error == nil)
    }
  }

  /// A packed ring's size need be no power of two.
  @Test(arguments: [1, 2, 3, 5, 100, 1000, 32_767, 32_768], [0, 1, 7, 0x7FFF, 0xFFFB] as [UInt16])
  func packedRingsOfAnySizeWork(size: Int, first: UInt16) async throws {
    guard RingFormat.current == .packed else { return }
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = size
        $0.firstIndex = first
        $0.transmitSize = 256
        $0.receiveLayout = size > 2 ? [12, 256] : [256]
        $0.receiveCount = min(size, 512)
        $0.memorySize = 32 << 20
      }
      // As many as have room at once in the receive ring.
      let count = max(1, min(size / b.options.receiveLayout.count, 40))
      for turn in 0..<60 {
        let frames = (0..<count).map { builder.plain(size: 60 + $0, seed: turn + $0) }
        for (number, frame) in frames.enumerated() { try a.add(frame, pieces: size > 2 && number % 5 == 1 ? [40] : []) }
        a.transmitRing().publish()
        a.transmitRing().kickIfWanted()
        for frame in frames { #expect(try b.receive()?.frame == frame) }
      }
      #expect(try a.waitForTransmitted())
      let status = try await bench.status("b")
      #expect(status.transmitPackets == UInt64(60 * count) && status.dropsOut == [:])
      #expect(status.vhostUser?.queues.map(\.size) == [size, size])
      #expect(status.vhostUser?.queues.map(\.ring) == ["packed", "packed"])
      #expect(status.error == nil)
    }
  }

  /// A ring that is full at every publication, over the end of its indices.
  @Test func indicesWrapUnderAFullRing() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = 256
        $0.firstIndex = 0xFB00
        $0.transmitSize = 128
        $0.receiveLayout = [128]
        $0.memorySize = 4 << 20
      }
      let frames = (0..<256).map { builder.plain(size: 60, seed: $0) }
      for _ in 0..<12 {
        try a.send(burst: frames)
        for frame in frames { #expect(try b.receive()?.frame == frame) }
      }
      #expect(try await bench.status("b").transmitPackets == 3072)
      #expect(try await bench.status("b").dropsOut == [:])
    }
  }

  @Test(arguments: [false, true])
  func framesOfEverySizePass(isMerging: Bool) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        if !isMerging { $0.features = ~VirtioFeature.mergeableBuffers }
        $0.receiveLayout = [isMerging ? 2048 : 66_000]
      }
      for size in Array(14...140) + [
        254, 255, 256, 257, 1513, 1514, 1515, 1518, 2036, 2037, 9014, 9018, 65_520, 65_535,
      ] {
        let frame = builder.plain(size: size, seed: size)
        try a.send(frame, pieces: size % 3 == 0 ? [] : [12, size / 2])
        #expect(try b.receive()?.frame == frame, "\(size)")
      }
    }
  }

  /// 65521 bytes of payload, header and tag are the most that a port takes.
  @Test(arguments: [[], [12], [1000, 30_000]])
  func longerFramesAreRefused(pieces: [Int]) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.transmitSize = 66_600 }
      let tagged = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1), tags: [.init(5)])
      for builder in [tagged.plain(size: 65_539), self.builder.plain(size: 65_535)] {
        try a.send(builder, pieces: pieces)
        #expect(try b.receive()?.frame == builder)
      }
      for size in [65_540, 65_550, 66_000] {
        try a.send(tagged.plain(size: size), pieces: pieces)
        #expect(try a.waitForTransmitted())
      }
      try a.send(builder.plain(size: 65_536), pieces: pieces)
      #expect(try a.waitForTransmitted())
      #expect(try b.receive(timeout: 0) == nil)
      #expect(try await bench.status("a").dropsIn == ["header-invalid": 3])
      #expect(try await bench.status("b").dropsOut == ["too-big": 1])
      #expect(try await bench.status("a").error == nil)
    }
  }

  /// A tag does not count as payload.
  @Test(arguments: [68, 1500, 9000])
  func longerPayloadsThanTheMTUAreDropped(mtu: Int) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("in", .trunk(allowed: .all, native: 1))
      try await bench.addGuest("access", .access(vlan: 1), mtu: mtu)
      try await bench.addGuest("native", .trunk(allowed: .all, native: 1), mtu: mtu)
      try await bench.addGuest("trunk", .trunk(allowed: .all, native: nil), mtu: mtu)
      let source = FrameBuilder.station(1)
      for (size, passes) in [(14 + mtu - 1, true), (14 + mtu, true), (14 + mtu + 1, false), (14 + mtu + 4, false)] {
        let plain = FrameBuilder(to: FrameBuilder.broadcast, from: source).plain(size: size)
        let tagged = FrameBuilder(to: FrameBuilder.broadcast, from: source, tags: [.init(1)]).plain(size: size + 4)
        let expected = passes ? ["access": plain, "native": plain, "trunk": tagged] : [:]
        try bench.expect(plain, from: "in", reaches: expected)
        try bench.expect(tagged, from: "in", reaches: expected)
      }
      for name in ["access", "native", "trunk"] {
        #expect(try await bench.status(name).dropsOut == ["too-big": 4])
        #expect(try await bench.status(name).mtu == mtu)
      }
    }
  }

  @Test func aGuestMayAskForAShorterMTU() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      try b.say { try $0.setMTU(1000) }
      try a.send(builder.plain(size: 1015))
      try a.send(builder.plain(size: 1014))
      #expect(try b.receive()?.frame.count == 1014)
      #expect(try await bench.status("b").mtu == 1000)
      #expect(try await bench.status("b").dropsOut == ["too-big": 1])
      // A new session begins with the port's own.
      b.disconnect()
      #expect(try await eventually { try await bench.status("b").mtu == 65_521 })
    }
  }
}
