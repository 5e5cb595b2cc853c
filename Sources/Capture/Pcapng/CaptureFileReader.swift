/// A frame read from a capture file.
package struct CaptureFilePacket: Sendable, Equatable {
  /// As in the file; the times in nanoseconds, whatever they were there.
  package var packet = PcapngPacket()
  package var bytes: [UInt8] = []
  /// LINKTYPE_*; 1 = Ethernet.
  package var linkType: UInt16 = 0
  /// The file says when it was; false for simple packet blocks.
  package var hasTime = true
  package init() {}
}

/// Something read from a capture file.
package enum CaptureFileItem: Sendable, Equatable {
  /// The next interface of the section; the first is number 0.
  case interface(PcapngInterface)
  case packet(CaptureFilePacket)
  case statistics(PcapngStatistics)
}

/// Reads pcapng and pcap, from bytes in pieces of any size.
///
/// Both byte orders, several sections, enhanced and simple packet blocks; times of any resolution become nanoseconds.
/// Blocks of other kinds are passed over. Bytes are whatever somebody put into a file: nothing of them is believed before
/// it was compared with what is there, and a block is `longestBlock` bytes at most.
package struct CaptureFileReader: Sendable {
  /// Bytes of a block that is read; a longer one is damage.
  package static let longestBlock = 16 << 20
  /// Interfaces of a section.
  static let mostInterfaces = 65_536

  enum Form: Sendable {
    case unknown
    case pcapng
    /// `checkSize`: bytes at a frame's end that are its check sequence.
    case pcap(nanoseconds: Bool, linkType: UInt16, checkSize: Int)
  }

  private var buffer = FileBytes()
  private var form = Form.unknown
  var interfaces: [InterfaceTraits] = []

  /// What a packet needs of its interface.
  struct InterfaceTraits: Sendable {
    var linkType: UInt16
    var snapLength: UInt32
    var resolution = PcapngResolution()
  }

  package init() {}

  /// Takes in what comes next in the file.
  package mutating func append(_ bytes: [UInt8]) { buffer.append(bytes) }

  /// To be asked when the file is at its end: whether it ends where a block does.
  package func finish() throws(CaptureFileError) {
    guard buffer.left == 0 else {
      if case .unknown = form { throw .notACapture }
      throw .cutShort
    }
  }

  /// The next thing in the file; nil if more bytes are needed.
  package mutating func next() throws(CaptureFileError) -> CaptureFileItem? {
    if case .unknown = form {
      guard try findForm() else { return nil }
    }
    switch form {
    case .unknown: return nil
    case .pcap(let nanoseconds, let linkType, let checkSize):
      return try nextRecord(nanoseconds: nanoseconds, linkType: linkType, checkSize: checkSize)
    case .pcapng: return try nextBlock()
    }
  }

  /// Looks at the first word; false if it is not there yet.
  private mutating func findForm() throws(CaptureFileError) -> Bool {
    guard buffer.left >= 4 else { return false }
    if buffer.word(0) == Pcapng.Block.section {
      form = .pcapng
      return true
    }
    for isBig in [false, true] {
      buffer.isBig = isBig
      let magic = buffer.word(0)
      guard magic == 0xA1B2_C3D4 || magic == 0xA1B2_3C4D else { continue }
      guard buffer.left >= 24 else { return false }
      let link = buffer.word(20)
      // Bit 26: the upper four bits say how long frame check sequences are, in units of two bytes.
      let checkSize = link & 1 << 26 != 0 ? Int(link >> 28) * 2 : 0
      form = .pcap(
        nanoseconds: magic == 0xA1B2_3C4D, linkType: UInt16(truncatingIfNeeded: link), checkSize: checkSize)
      buffer.drop(24)
      return true
    }
    throw .notACapture
  }

  // pcap.

  /// Layout: seconds 4, micro- or nanoseconds 4, bytes kept 4, bytes of the frame 4.
  private mutating func nextRecord(
    nanoseconds: Bool, linkType: UInt16, checkSize: Int
  ) throws(CaptureFileError) -> CaptureFileItem? {
    guard buffer.left >= 16 else { return nil }
    let count = Int(buffer.word(8))
    guard count <= Self.longestBlock else { throw .badBlock(offset: buffer.position) }
    guard buffer.left >= 16 + count else { return nil }
    var item = CaptureFilePacket()
    item.packet.timestamp =
      UInt64(buffer.word(0)) * 1_000_000_000 + UInt64(buffer.word(4)) * (nanoseconds ? 1 : 1000)
    item.packet.originalLength = max(0, Int(buffer.word(12)) - checkSize)
    item.linkType = linkType
    item.bytes = buffer.bytes(16, checkSize > 0 ? min(count, item.packet.originalLength) : count)
    buffer.drop(16 + count)
    return .packet(item)
  }

  // pcapng.

  private mutating func nextBlock() throws(CaptureFileError) -> CaptureFileItem? {
    while true {
      guard buffer.left >= 12 else { return nil }
      if buffer.word(0) == Pcapng.Block.section {
        // Says the byte order of all that follows, its own size included.
        buffer.isBig = false
        if buffer.word(8) != Pcapng.byteOrderMagic { buffer.isBig = true }
        guard buffer.word(8) == Pcapng.byteOrderMagic else { throw .badBlock(offset: buffer.position) }
      }
      let size = Int(buffer.word(4))
      guard size >= 12, size & 3 == 0, size <= Self.longestBlock else { throw .badBlock(offset: buffer.position) }
      guard buffer.left >= size else { return nil }
      guard buffer.word(size - 4) == UInt32(size) else { throw .badBlock(offset: buffer.position) }
      let item = try item(of: buffer.word(0), size)
      buffer.drop(size)
      if let item { return item }
    }
  }

  /// What the whole block at the buffer's start says; nil if nothing that is wanted.
  private mutating func item(of type: UInt32, _ size: Int) throws(CaptureFileError) -> CaptureFileItem? {
    switch type {
    case Pcapng.Block.section:
      // Magic 4, version 2 + 2, length 8.
      guard size >= 28, buffer.half(12) == 1 else { throw .badBlock(offset: buffer.position) }
      interfaces = []
      return nil
    case Pcapng.Block.interface: return .interface(try interface(size))
    case Pcapng.Block.enhancedPacket: return .packet(try enhancedPacket(size))
    case Pcapng.Block.simplePacket: return .packet(try simplePacket(size))
    case Pcapng.Block.statistics: return .statistics(try statistics(size))
    default: return nil
    }
  }

  private mutating func interface(_ size: Int) throws(CaptureFileError) -> PcapngInterface {
    guard size >= 20, interfaces.count < Self.mostInterfaces else { throw .badBlock(offset: buffer.position) }
    var traits = InterfaceTraits(linkType: buffer.half(8), snapLength: buffer.word(12))
    var interface = PcapngInterface()
    interface.snapLength = Int(traits.snapLength)
    for option in buffer.options(from: 16, to: size - 4) {
      switch option.code {
      case Pcapng.Option.interfaceName: interface.name = option.text
      case Pcapng.Option.interfaceDescription: interface.description = option.text
      case Pcapng.Option.interfaceAddress where option.value.count == 6: interface.address = option.value
      case Pcapng.Option.interfaceSpeed: interface.speed = option.long(isBig: buffer.isBig)
      case Pcapng.Option.interfaceResolution: traits.resolution.code = option.value.first ?? 6
      case Pcapng.Option.interfaceFilter where option.value.first == 0:
        interface.filter = String(decoding: option.value.dropFirst(), as: UTF8.self)
      case Pcapng.Option.interfaceOffset:
        traits.resolution.offset = Int64(bitPattern: option.long(isBig: buffer.isBig) ?? 0)
      case Pcapng.Option.interfaceHardware: interface.hardware = option.text
      default: break
      }
    }
    interfaces.append(traits)
    return interface
  }

  /// Layout: interface 4, time 4 + 4, bytes kept 4, bytes of the frame 4, the bytes, options.
  private func enhancedPacket(_ size: Int) throws(CaptureFileError) -> CaptureFilePacket {
    guard size >= 32 else { throw .badBlock(offset: buffer.position) }
    let (number, count) = (buffer.word(8), Int(buffer.word(20)))
    guard count <= size - 32 else { throw .badBlock(offset: buffer.position) }
    guard number < interfaces.count else { throw .unknownInterface(number, offset: buffer.position) }
    let traits = interfaces[Int(number)]
    var item = CaptureFilePacket()
    item.linkType = traits.linkType
    item.packet.interface = number
    item.packet.timestamp = traits.resolution.nanoseconds(UInt64(buffer.word(12)) << 32 | UInt64(buffer.word(16)))
    item.packet.originalLength = Int(buffer.word(24))
    item.bytes = buffer.bytes(28, count)
    for option in buffer.options(from: 28 + (count + 3) & ~3, to: size - 4) {
      switch option.code {
      case Pcapng.Option.packetFlags: item.packet.flags = option.word(isBig: buffer.isBig)
      case Pcapng.Option.packetID: item.packet.packetID = option.long(isBig: buffer.isBig)
      case Pcapng.Option.packetQueue: item.packet.queue = option.word(isBig: buffer.isBig)
      case Pcapng.Option.packetVerdict where option.value.count == 2 && option.value[0] == 0:
        item.packet.verdict = option.value[1]
      case Pcapng.Option.comment: item.packet.comment = option.text
      default: break
      }
    }
    return item
  }

  /// Layout: bytes of the frame 4, the bytes; of interface 0, whose snap length may have cut them.
  private func simplePacket(_ size: Int) throws(CaptureFileError) -> CaptureFilePacket {
    guard size >= 16 else { throw .badBlock(offset: buffer.position) }
    guard let traits = interfaces.first else { throw .unknownInterface(0, offset: buffer.position) }
    var item = CaptureFilePacket()
    item.hasTime = false
    item.linkType = traits.linkType
    item.packet.originalLength = Int(buffer.word(8))
    let kept = traits.snapLength == 0 ? Int.max : Int(traits.snapLength)
    item.bytes = buffer.bytes(12, min(item.packet.originalLength, kept, size - 16))
    return item
  }

  private func statistics(_ size: Int) throws(CaptureFileError) -> PcapngStatistics {
    guard size >= 24 else { throw .badBlock(offset: buffer.position) }
    let number = buffer.word(8)
    guard number < interfaces.count else { throw .unknownInterface(number, offset: buffer.position) }
    let resolution = interfaces[Int(number)].resolution
    var statistics = PcapngStatistics()
    statistics.interface = number
    statistics.end = resolution.nanoseconds(UInt64(buffer.word(12)) << 32 | UInt64(buffer.word(16)))
    for option in buffer.options(from: 20, to: size - 4) {
      switch option.code {
      case Pcapng.Option.statisticsStart:
        statistics.start = resolution.nanoseconds(option.time(isBig: buffer.isBig) ?? 0)
      case Pcapng.Option.statisticsEnd:
        statistics.end = resolution.nanoseconds(option.time(isBig: buffer.isBig) ?? 0)
      case Pcapng.Option.statisticsReceived: statistics.received = option.long(isBig: buffer.isBig) ?? 0
      case Pcapng.Option.statisticsDropped: statistics.dropped = option.long(isBig: buffer.isBig) ?? 0
      case Pcapng.Option.statisticsAccepted: statistics.accepted = option.long(isBig: buffer.isBig) ?? 0
      case Pcapng.Option.statisticsDelivered: statistics.delivered = option.long(isBig: buffer.isBig) ?? 0
      default: break
      }
    }
    return statistics
  }
}
