/// Cuts a stream of little-endian pcapng, as this module writes it, into whole blocks.
package struct PcapngBlockSplitter: Sendable {
  /// Bytes of the longest block that is believed.
  package static let longest = 1 << 20

  private var rest: [UInt8] = []

  package init() {}

  /// Bytes of a block that is not whole yet.
  package var pendingCount: Int { rest.count }

  /// Takes bytes in; returns the whole blocks that are there now, as one piece.
  /// - Throws: `badBlock` if the bytes are no blocks.
  package mutating func add(_ bytes: [UInt8]) throws(CaptureFileError) -> [UInt8] {
    rest += bytes
    var end = 0
    while let size = try Self.blockSize(rest, at: end), end + size <= rest.count { end += size }
    guard end > 0 else { return [] }
    let whole = Array(rest[..<end])
    rest.removeFirst(end)
    return whole
  }

  /// Bytes of the block at `offset`; nil if its head is not there.
  static func blockSize(_ bytes: [UInt8], at offset: Int) throws(CaptureFileError) -> Int? {
    guard offset + 8 <= bytes.count else { return nil }
    let size = Int(word(bytes, offset + 4))
    guard size >= 12, size & 3 == 0, size <= longest else { throw .badBlock(offset: UInt64(offset)) }
    return size
  }

  static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }
}
