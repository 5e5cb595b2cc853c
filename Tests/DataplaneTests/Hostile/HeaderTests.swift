import Dataplane
import GuestKit
import Testing
import VhostUser

/// virtio-net headers that ask for what makes no sense or was not negotiated (facts/vhost-user.md 3.3: O1, O2, O5): the
/// frame is dropped as `header-invalid`, and nothing else happens.
@Suite(.everyRingFormat) struct HeaderTests {
  private static let frameSize = 200

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var flags: UInt8 = 1
    var segmentation: UInt8 = 0
    var headerSize: UInt16 = 0
    var segmentSize: UInt16 = 0
    var start: UInt16 = 34
    var offset: UInt16 = 6
    var testDescription: String { name }

    var header: NetworkHeader {
      var header = NetworkHeader()
      header.flags = flags
      header.segmentationType = segmentation
      header.headerSize = headerSize
      header.segmentSize = segmentSize
      header.checksumStart = start
      header.checksumOffset = offset
      return header
    }
  }

  private static let checksums = [
    Case(name: "start at the end", start: 200, offset: 0), Case(name: "start behind the end", start: 201, offset: 0),
    Case(name: "field over the end", start: 199, offset: 0), Case(name: "field behind the end", start: 34, offset: 165),
    Case(name: "start far away", start: 65_535, offset: 0), Case(name: "offset far away", start: 34, offset: 65_535),
    Case(name: "sum wraps 16 bits", start: 65_535, offset: 2),
    Case(name: "both far away", start: 65_535, offset: 65_535),
    Case(name: "start in the addresses", start: 0, offset: 0), Case(name: "field in the source", start: 0, offset: 6),
    Case(name: "start in the type", start: 12, offset: 2), Case(name: "start before the payload", start: 13, offset: 1),
  ]

  private static let segmentations: [Case] = [1, 3, 4, 5, 0x7F, 0x80, 0x81, 0xFF].flatMap { type in
    [
      Case(name: "type \(type)", flags: 0, segmentation: type),
      Case(name: "type \(type) with checksum", segmentation: type, headerSize: 54, segmentSize: 1448),
      Case(name: "type \(type), size 0", segmentation: type, segmentSize: 0),
      Case(name: "type \(type), size 1", segmentation: type, headerSize: 65_535, segmentSize: 1),
      Case(name: "type \(type), size 65535", flags: 0, segmentation: type, segmentSize: 65_535),
    ]
  }

  /// `EverySettingTests` has them too.
  static let cases = checksums + segmentations

  @Test(arguments: cases, [PortMode.access(vlan: 1), .wire])
  func suchFramesAreDropped(row: Case, mode: PortMode) async throws {
    try await Bench.with { bench in
      if mode == .wire {
        _ = try await bench.addWire()
      } else {
        try await bench.addSwitch()
        for name in ["a", "b"] { try await bench.addGuest(name, mode) }
      }
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: Self.frameSize)
      for pieces in [[], [12], [5, 100]] {
        try a.send(frame, header: row.header, pieces: pieces)
        #expect(try a.waitForTransmitted())
      }
      #expect(b.receiveRing().usedCount == 0)
      let status = try await bench.status("a")
      #expect(status.dropsIn == ["header-invalid": 3])
      #expect(status.receivePackets == 3)
      #expect(status.error == nil)
      #expect(await bench.dataplane.fdb(switchName: nil).isEmpty)
      try a.send(frame)
      #expect(try b.receive()?.frame == frame)
    }
  }

  /// Without CSUM negotiated nobody may leave checksums open.
  @Test func whatWasNotNegotiatedIsNotDone() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.features = ~VirtioFeature.checksum }
      let built = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
        .udp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: [1, 2, 3], checksum: .partial)
      try a.send(built.frame, header: built.header)
      #expect(try a.waitForTransmitted())
      #expect(b.receiveRing().usedCount == 0)
      #expect(try await bench.status("a").dropsIn == ["header-invalid": 1])
    }
  }

  /// Fields that mean nothing without their flag, and flags that are for the other direction (DATA_VALID, RSC_INFO).
  @Test func fieldsWithoutMeaningAreNotHandedOn() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: Self.frameSize)
      for flags in [0, 2, 4, 6, 0xFE] as [UInt8] {
        var header = Case(name: "", flags: flags, headerSize: 77, segmentSize: 66, start: 65_535, offset: 65_535).header
        header.bufferCount = 999
        try a.send(frame, header: header)
        let received = try #require(try b.receive())
        var expected = NetworkHeader()
        expected.bufferCount = 1
        #expect(received.header == expected)
        #expect(received.frame == frame)
      }
    }
  }

  /// A sum that starts in the tag would, once the tag is gone, be written over the source address that was checked.
  @Test(arguments: [14, 15, 16, 17])
  func aChecksumThatStartsInTheTagIsRefused(start: Int) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("in", .trunk(allowed: .all, native: nil))
      try await bench.addGuest("plain", .access(vlan: 5)) { $0.features = ~VirtioFeature.guestChecksum }
      let guest = try bench.guest("in")
      let tagged = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1), tags: [.init(5)])
      try guest.send(tagged.plain(size: 100), header: NetworkHeader(checksumStart: start, checksumOffset: 0))
      #expect(try bench.collect(after: guest).isEmpty)
      #expect(try await bench.status("in").dropsIn == ["header-invalid": 1])
      // Behind the tag it is served, whatever it covers.
      try guest.send(tagged.plain(size: 100), header: NetworkHeader(checksumStart: 18, checksumOffset: 0))
      let got = try #require(try bench.collect(after: guest)["plain"]?.first)
      #expect(Array(got.frame.prefix(12)) == FrameBuilder.broadcast + FrameBuilder.station(1))
      #expect(got.frame.count == 96)
    }
  }

  /// The field may lie anywhere within the first 256 bytes, at an odd place too.
  @Test(arguments: [(14, 0), (14, 184), (15, 5), (99, 99), (198, 0), (34, 164)])
  func theEdgesAreServed(start: Int, offset: Int) async throws {
    try await Bench.with { bench in
      try await bench.addGuest("a", .wire)
      try await bench.addGuest("b", .wire, offload: .off)
      try await bench.dataplane.connectWire("a", "b")
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: Self.frameSize)
      try bench.guest("a").send(frame, header: NetworkHeader(checksumStart: start, checksumOffset: offset))
      var expected = frame
      let sum = ~internetSum(Array(frame[start...]))
      expected[start + offset] = UInt8(sum >> 8)
      expected[start + offset + 1] = UInt8(sum & 0xFF)
      #expect(try bench.guest("b").receive()?.frame == expected)
    }
  }
}
