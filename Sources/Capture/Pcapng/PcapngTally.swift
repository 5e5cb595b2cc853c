/// Counts what goes by in a stream of whole blocks, as this module writes them.
package struct PcapngTally: Sendable, Equatable {
  package private(set) var packets: UInt64 = 0
  package private(set) var bytes: UInt64 = 0
  package private(set) var interfaces = 0
  /// Frames that a capture was too slow for, by its last statistics.
  package var dropped: UInt64 { droppedByInterface.values.reduce(0, +) }
  private var droppedByInterface: [UInt32: UInt64] = [:]

  package init() {}

  /// Takes in whole blocks.
  package mutating func add(_ blocks: [UInt8]) throws(CaptureFileError) {
    bytes += UInt64(blocks.count)
    var offset = 0
    while let size = try PcapngBlockSplitter.blockSize(blocks, at: offset), offset + size <= blocks.count {
      switch PcapngBlockSplitter.word(blocks, offset) {
      case Pcapng.Block.enhancedPacket, Pcapng.Block.simplePacket: packets += 1
      case Pcapng.Block.interface: interfaces += 1
      case Pcapng.Block.statistics: noteStatistics(blocks[offset..<offset + size])
      default: break
      }
      offset += size
    }
  }

  /// Looks for the count of dropped frames among the options of a statistics block.
  private mutating func noteStatistics(_ block: ArraySlice<UInt8>) {
    let bytes = Array(block)
    guard bytes.count >= 24 else { return }
    let interface = PcapngBlockSplitter.word(bytes, 8)
    var place = 20
    while place + 4 <= bytes.count - 4 {
      let head = PcapngBlockSplitter.word(bytes, place)
      let (code, size) = (UInt16(truncatingIfNeeded: head), Int(head >> 16))
      guard code != Pcapng.Option.end, place + 4 + size <= bytes.count - 4 else { return }
      if code == Pcapng.Option.statisticsDropped, size == 8 {
        let low = UInt64(PcapngBlockSplitter.word(bytes, place + 4))
        droppedByInterface[interface] = low | UInt64(PcapngBlockSplitter.word(bytes, place + 8)) << 32
      }
      place += 4 + (size + 3) & ~3
    }
  }
}
