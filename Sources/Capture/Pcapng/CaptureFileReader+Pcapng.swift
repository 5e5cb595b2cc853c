extension CaptureFileReader {
  /// The next thing in a pcapng file that is wanted; nil if more bytes are needed.
  mutating func nextBlock() throws(CaptureFileError) -> CaptureFileItem? {
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
    case Pcapng.Block.enhancedPacket: return .packet(try packet(size, number: buffer.word(8)))
    // In the place of the number: 2 bytes of it, 2 of how many were dropped before.
    case Pcapng.Block.oldPacket: return .packet(try packet(size, number: UInt32(buffer.half(8))))
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
      // A longer one than `epb_flags` can say is none.
      case Pcapng.Option.interfaceCheckSize where option.value.count == 1 && option.value[0] < 16:
        traits.checkSize = Int(option.value[0])
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
    traits.name = interface.name
    interfaces.append(traits)
    return interface
  }

  /// Layout: interface 4, time 4 + 4, bytes kept 4, bytes of the frame 4, the bytes, options.
  ///
  /// The old packet block (draft-ietf-opsawg-pcapng, "Obsolete Blocks") is the same but for the number.
  private func packet(_ size: Int, number: UInt32) throws(CaptureFileError) -> CaptureFilePacket {
    guard size >= 32 else { throw .badBlock(offset: buffer.position) }
    let count = Int(buffer.word(20))
    guard count <= size - 32 else { throw .badBlock(offset: buffer.position) }
    guard number < interfaces.count else { throw .unknownInterface(number, offset: buffer.position) }
    let traits = interfaces[Int(number)]
    var item = CaptureFilePacket()
    item.linkType = traits.linkType
    item.interfaceName = traits.name
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
      case Pcapng.Option.comment:
        item.packet.comment = item.packet.comment.map { "\($0); \(option.text)" } ?? option.text
      default: break
      }
    }
    let said = Int((item.packet.flags ?? 0) & Pcapng.Flags.checkSize) >> Pcapng.Flags.checkSizeShift
    item.packet.flags = item.packet.flags.map { $0 & ~Pcapng.Flags.checkSize }
    Self.removeCheck(said > 0 ? said : traits.checkSize, from: &item)
    return item
  }

  /// Layout: bytes of the frame 4, the bytes; of interface 0, whose snap length may have cut them.
  private func simplePacket(_ size: Int) throws(CaptureFileError) -> CaptureFilePacket {
    guard size >= 16 else { throw .badBlock(offset: buffer.position) }
    guard let traits = interfaces.first else { throw .unknownInterface(0, offset: buffer.position) }
    var item = CaptureFilePacket()
    item.hasTime = false
    item.linkType = traits.linkType
    item.interfaceName = traits.name
    item.packet.originalLength = Int(buffer.word(8))
    let kept = traits.snapLength == 0 ? Int.max : Int(traits.snapLength)
    item.bytes = buffer.bytes(12, min(item.packet.originalLength, kept, size - 16))
    Self.removeCheck(traits.checkSize, from: &item)
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
