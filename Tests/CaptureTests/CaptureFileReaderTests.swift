import Capture
import GuestKit
import TestSupport
import Testing

/// Files of every form, and bytes that are none.
@Suite struct CaptureFileReaderTests {
  /// Numbers in one of the byte orders.
  private struct Order {
    var isBig: Bool

    func bytes(_ value: UInt16) -> [UInt8] {
      let little = [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
      return isBig ? little.reversed() : little
    }

    func bytes(_ value: UInt32) -> [UInt8] {
      let little = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
      return isBig ? little.reversed() : little
    }

    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
      let size = UInt32(body.count + 12)
      return bytes(type) + bytes(size) + body + bytes(size)
    }

    func section() -> [UInt8] {
      let body = bytes(0x1A2B_3C4D as UInt32) + bytes(1 as UInt16) + bytes(0 as UInt16)
      return block(0x0A0D_0D0A, body + Array(repeating: 255, count: 8))
    }

    func interface(
      resolution: [UInt8]? = nil, linkType: UInt16 = 1, snap: UInt32 = 0, name: String = "", checkSize: UInt8? = nil
    ) -> [UInt8] {
      var body = bytes(linkType) + bytes(0 as UInt16) + bytes(snap)
      if !name.isEmpty { body += bytes(2 as UInt16) + bytes(UInt16(name.utf8.count)) + padded(Array(name.utf8)) }
      if let checkSize { body += bytes(13 as UInt16) + bytes(1 as UInt16) + [checkSize, 0, 0, 0] }
      if let resolution { body += bytes(9 as UInt16) + bytes(1 as UInt16) + resolution + [0, 0, 0] }
      return block(1, body + bytes(0 as UInt32))
    }

    func packet(
      _ frame: [UInt8], time: UInt64, interface: UInt32 = 0, length: Int? = nil, flags: UInt32? = nil,
      isOld: Bool = false
    ) -> [UInt8] {
      // The old one: a number of two bytes, then how many were dropped.
      var body = isOld ? bytes(UInt16(interface)) + bytes(7 as UInt16) : bytes(interface)
      body += bytes(UInt32(time >> 32)) + bytes(UInt32(truncatingIfNeeded: time))
      body += bytes(UInt32(frame.count)) + bytes(UInt32(length ?? frame.count)) + padded(frame)
      if let flags { body += bytes(2 as UInt16) + bytes(4 as UInt16) + bytes(flags) }
      return block(isOld ? 2 : 6, body)
    }

    func padded(_ frame: [UInt8]) -> [UInt8] { frame + Array(repeating: 0, count: (4 - frame.count % 4) % 4) }
  }

  private let frame = Array(FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 61))

  @Test(arguments: [false, true]) func bothByteOrders(isBig: Bool) throws {
    let order = Order(isBig: isBig)
    let simple = order.block(3, order.bytes(UInt32(frame.count)) + order.padded(frame))
    let bytes =
      order.section() + order.interface() + order.packet(frame, time: 1_700_000_000_000_001)
      + order.block(0xBAD, [1, 2, 3, 4]) + simple
    let contents = try FileContents(bytes, step: 5)
    #expect(contents.packets.map(\.bytes) == [frame, frame])
    #expect(contents.packets.map(\.hasTime) == [true, false])
    // Microseconds, if nothing is said.
    #expect(contents.packets[0].packet.timestamp == 1_700_000_000_000_001_000)
    #expect(contents.packets.allSatisfy { $0.linkType == 1 && $0.packet.originalLength == 61 })
  }

  /// A second section in the other byte order, with interfaces of its own.
  @Test func sectionsMayDiffer() throws {
    let (little, big) = (Order(isBig: false), Order(isBig: true))
    let bytes =
      little.section() + little.interface() + little.packet(frame, time: 1) + big.section()
      + big.interface(linkType: 113, name: "x") + big.packet(frame, time: 2)
    let packets = try FileContents(bytes).packets
    #expect(packets.map(\.linkType) == [1, 113] && packets.map(\.interfaceName) == ["", "x"])
  }

  @Test(
    arguments: [
      (6, 1_500_000, 1_500_000_000), (9, 1_500_000_000, 1_500_000_000), (3, 1500, 1_500_000_000), (0, 1, 1_000_000_000),
      (12, 1_500_000_000_000, 1_500_000_000), (30, UInt64.max, 0), (127, 5, 0), (0x80, 3, 3_000_000_000),
      (0x81, 3, 1_500_000_000), (0x80 + 20, 1 << 20, 1_000_000_000), (0x80 + 63, 1 << 63, 1_000_000_000),
      (0x80 + 64, 1 << 63, 500_000_000), (0xFF, UInt64.max, 0), (0, UInt64.max, UInt64.max),
      (0x80, UInt64.max, UInt64.max),
    ] as [(UInt8, UInt64, UInt64)])
  func timesOfAnyResolution(code: UInt8, time: UInt64, nanoseconds: UInt64) throws {
    let order = Order(isBig: false)
    let bytes = order.section() + order.interface(resolution: [code]) + order.packet(frame, time: time)
    #expect(try FileContents(bytes).packets[0].packet.timestamp == nanoseconds)
  }

  @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
  func classicFiles(isBig: Bool, hasNanoseconds: Bool) throws {
    let order = Order(isBig: isBig)
    let magic: UInt32 = hasNanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4
    var bytes = order.bytes(magic) + order.bytes(2 as UInt16) + order.bytes(4 as UInt16)
    bytes += order.bytes(0 as UInt32) + order.bytes(0 as UInt32) + order.bytes(65_535 as UInt32)
    bytes += order.bytes(1 as UInt32)
    for number in 0..<3 as Range<UInt32> {
      bytes += order.bytes(1_700_000_000 + number) + order.bytes(5 as UInt32)
      bytes += order.bytes(UInt32(frame.count)) + order.bytes(99 as UInt32) + frame
    }
    for step in [1, 24, 1000] {
      let contents = try FileContents(bytes, step: step)
      #expect(contents.packets.map(\.bytes) == [frame, frame, frame])
      #expect(contents.packets[2].packet.timestamp == 1_700_000_002_000_000_000 + (hasNanoseconds ? 5 : 5000))
      #expect(contents.packets.allSatisfy { $0.packet.originalLength == 99 && $0.linkType == 1 })
    }
  }

  /// Frame check sequences, which are there if bit 26 of the link type says so, are no part of the frames.
  @Test(arguments: [(0x2400_0001, 4), (0x1400_0001, 2), (0x2000_0001, 0), (0x0000_0001, 0)] as [(UInt32, Int)])
  func checkSequencesAreTakenOff(link: UInt32, checkSize: Int) throws {
    let order = Order(isBig: false)
    var bytes = order.bytes(0xA1B2_C3D4 as UInt32) + order.bytes(2 as UInt16) + order.bytes(4 as UInt16)
    bytes += order.bytes(0 as UInt32) + order.bytes(0 as UInt32) + order.bytes(65_535 as UInt32)
    bytes += order.bytes(link)
    let size = UInt32(frame.count + checkSize)
    let head = order.bytes(1 as UInt32) + order.bytes(0 as UInt32)
    bytes += head + order.bytes(size) + order.bytes(size) + frame
    bytes += [UInt8](repeating: 7, count: checkSize)
    // Cut inside the frame.
    bytes += head + order.bytes(20 as UInt32) + order.bytes(size)
    bytes += frame.prefix(20)
    let packets = try FileContents(bytes).packets
    #expect(packets.map(\.bytes) == [frame, Array(frame.prefix(20))])
    #expect(packets.allSatisfy { $0.packet.originalLength == frame.count && $0.linkType == 1 })
  }

  /// Packet blocks as programs of before 2009 write them.
  @Test(arguments: [false, true]) func oldPacketBlocks(isBig: Bool) throws {
    let order = Order(isBig: isBig)
    let bytes =
      order.section() + order.interface() + order.interface(name: "eth1")
      + order.packet(frame, time: 5, interface: 1, length: 99, flags: 2, isOld: true)
      + order.packet(frame, time: 6, isOld: true)
    let packets = try FileContents(bytes, step: 7).packets
    #expect(packets.map(\.bytes) == [frame, frame] && packets.map(\.interfaceName) == ["eth1", ""])
    #expect(packets.map(\.packet.timestamp) == [5000, 6000] && packets.map(\.packet.interface) == [1, 0])
    #expect(packets.map(\.packet.originalLength) == [99, 61] && packets.map(\.packet.flags) == [2, nil])
    let missing = order.section() + order.interface()
    #expect(throws: CaptureFileError.unknownInterface(1, offset: UInt64(missing.count))) {
      try FileContents(missing + order.packet(frame, time: 1, interface: 1, isOld: true))
    }
  }

  /// In pcapng the interface says how long frame check sequences are, or the packet does.
  @Test(arguments: [false, true]) func checkSequencesOfPcapng(isBig: Bool) throws {
    let order = Order(isBig: isBig)
    let check: [UInt8] = [1, 2, 3, 4]
    var bytes = order.section() + order.interface(checkSize: 4) + order.interface() + order.interface(checkSize: 32)
    bytes += order.packet(frame + check, time: 1)
    // Cut inside the sequence, and inside the frame.
    bytes += order.packet(frame + [1], time: 2, length: frame.count + 4)
    bytes += order.packet(Array(frame.prefix(20)), time: 3, length: frame.count + 4)
    bytes += order.packet(frame + check[..<2], time: 4, flags: 1 | 2 << 5)
    bytes += order.packet(frame + check, time: 5, interface: 1, flags: 4 << 5 | 1 << 9)
    bytes += order.packet(frame, time: 6, interface: 1, flags: 2)
    bytes += order.packet(frame + check, time: 7, isOld: true)
    bytes += order.packet(frame, time: 8, interface: 2)
    bytes += order.block(3, order.bytes(UInt32(frame.count + 4)) + order.padded(frame + check))
    let packets = try FileContents(bytes, step: 11).packets
    #expect(
      packets.map(\.bytes)
        == [frame, frame, Array(frame.prefix(20)), frame, frame, frame, frame, frame, frame])
    #expect(packets.allSatisfy { $0.packet.originalLength == frame.count })
    #expect(packets.map(\.packet.flags) == [nil, nil, nil, 1, 1 << 9, 2, nil, nil, nil])
  }

  /// Records with eight more bytes, whose seventh is the direction.
  @Test(arguments: [false, true]) func modifiedClassicFiles(isBig: Bool) throws {
    let order = Order(isBig: isBig)
    var bytes = order.bytes(0xA1B2_CD34 as UInt32) + order.bytes(2 as UInt16) + order.bytes(4 as UInt16)
    bytes += order.bytes(0 as UInt32) + order.bytes(0 as UInt32) + order.bytes(65_535 as UInt32)
    bytes += order.bytes(1 as UInt32)
    for type in [0, 4] as [UInt8] {
      bytes += order.bytes(1_700_000_000 as UInt32) + order.bytes(5 as UInt32)
      bytes += order.bytes(UInt32(frame.count)) + order.bytes(UInt32(frame.count))
      bytes += order.bytes(2 as UInt32) + order.bytes(0x0800 as UInt16) + [type, 0] + frame
    }
    let packets = try FileContents(bytes, step: 13).packets
    #expect(packets.map(\.bytes) == [frame, frame] && packets.map(\.packet.flags) == [1, 2])
    #expect(packets.allSatisfy { $0.packet.timestamp == 1_700_000_000_000_005_000 && $0.linkType == 1 })
  }

  @Test func damageIsSaid() throws {
    let order = Order(isBig: false)
    let head = order.section() + order.interface()
    let good = head + order.packet(frame, time: 1)
    #expect(throws: CaptureFileError.notACapture) { try FileContents([1, 2, 3, 4]) }
    #expect(throws: CaptureFileError.notACapture) { try FileContents([0x0A]) }
    #expect(throws: CaptureFileError.cutShort) { try FileContents(Array(good.dropLast())) }
    #expect(throws: CaptureFileError.unknownInterface(7, offset: UInt64(head.count))) {
      try FileContents(head + order.packet(frame, time: 1, interface: 7))
    }
    for (offset, value) in [(4, 13), (4, 8), (7, 255), (20, 200), (30, 1)] as [(Int, UInt8)] {
      var bytes = good
      bytes[head.count + offset] = value
      if offset == 30 { bytes[bytes.count - 4] ^= 4 }
      #expect(throws: CaptureFileError.badBlock(offset: UInt64(head.count)), "\(offset)") { try FileContents(bytes) }
    }
    #expect(try FileContents([]).packets.isEmpty)
  }

  /// Whatever the bytes are, the reader ends, with packets or an error, and in bounds.
  @Test func anyBytesAtAll() throws {
    var random = SeededRandom(seed: 4711)
    var read = 0
    for round in 0..<20_000 {
      let order = Order(isBig: round % 2 == 0)
      var bytes: [UInt8]
      switch round % 4 {
      case 0: bytes = (0..<Int(random.next() % 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      case 1:
        bytes = order.bytes(0xA1B2_C3D4 as UInt32)
        bytes += (0..<Int(random.next() % 200)).map { _ in UInt8(random.next() % 4 == 0 ? random.next() % 256 : 0) }
      default:
        bytes = order.section() + order.interface(resolution: [UInt8(truncatingIfNeeded: random.next())])
        for _ in 0..<(random.next() % 4) { bytes += order.packet(frame, time: random.next()) }
        bytes += order.block(3, order.bytes(UInt32(random.next() % 100)) + order.padded(frame))
        let body = (0..<Int(4 * (random.next() % 16))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        bytes += order.block(UInt32(random.next() % 8), body)
        for _ in 0..<(random.next() % 6) {
          bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next() >> 8)
        }
      }
      if let contents = try? FileContents(bytes, step: 1 + Int(random.next() % 100)) { read += contents.packets.count }
    }
    #expect(read > 1000)
  }
}
