import Dataplane
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// The virtio-net header is 10 bytes long without VERSION_1 and MRG_RXBUF, otherwise 12 (VIRTIO 1.2 section 5.1.6.1).
@Suite(.everyRingFormat) struct HeaderSizeTests {
  private let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
  private static let legacy = ~(VirtioFeature.version1 | VirtioFeature.mergeableBuffers)

  private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  @Test(arguments: [[], [10], [9], [11], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [5, 100]])
  func legacyGuestsHaveTheShortHeader(pieces: [Int]) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.features = Self.legacy }
      for size in [14, 60, 64, 65, 1514] {
        let frame = builder.plain(size: size, seed: size)
        try a.sendRaw(zeros(10) + frame, pieces: pieces)
        #expect(try b.receiveRaw() == zeros(10) + frame)
      }
      #expect(try await bench.status("b").error == nil)
    }
  }

  @Test func legacyGuestsThatMergeHaveTheLongHeader() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.features = ~VirtioFeature.version1
        $0.receiveLayout = [512]
      }
      let frame = builder.plain(size: 1400)
      try a.send(frame)
      let received = try #require(try b.receive())
      #expect(received.frame == frame)
      #expect(received.header.bufferCount == 3)
    }
  }

  @Test func guestsOfBothKindsUnderstandEachOther() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("old", .access(vlan: 1)) { $0.features = Self.legacy }
      try await bench.addGuest("new", .access(vlan: 1))
      let (old, new) = (try bench.guest("old"), try bench.guest("new"))
      let frame = builder.plain(size: 300)
      try old.sendRaw(zeros(10) + frame)
      #expect(try new.receive()?.frame == frame)
      let answer = FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2)).plain(size: 300)
      try new.send(answer)
      #expect(try old.receiveRaw() == zeros(10) + answer)
    }
  }

  @Test func partialChecksumsAreHandedOverInTheShortHeader() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.features = Self.legacy }
      let built = builder.udp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: [1, 2, 3], checksum: .partial)
      try a.sendRaw(Array(built.header.bytes.prefix(10)) + built.frame)
      #expect(try b.receiveRaw() == Array(built.header.bytes.prefix(10)) + built.frame)
    }
  }
}
