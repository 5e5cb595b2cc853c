/// The Internet checksum (RFC 1071) over bytes that come in pieces of any size.
///
/// Sums are kept in memory order (no byte swap until the end), which the one's complement sum allows.
package struct InternetChecksum: Sendable {
  private var sum: UInt64 = 0
  /// An odd number of bytes was added: the next byte is the second of its pair.
  private var isOdd = false

  package init() {}

  /// Adds bytes held as a Swift collection; for tests and headers made by hand.
  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { addByte(byte) }
  }

  /// Adds one byte.
  package mutating func addByte(_ byte: UInt8) {
    sum &+= isOdd ? UInt64(byte) << 8 : UInt64(byte)
    isOdd.toggle()
  }

  /// Adds a partial sum of a piece of `count` bytes, as `Bytes.partialSum` gives it.
  package mutating func add(partial: UInt64, count: Int) {
    var folded = Self.fold(partial)
    if isOdd { folded = folded.byteSwapped }
    sum &+= UInt64(folded)
    if count & 1 != 0 { isOdd.toggle() }
  }

  /// Folds a sum of 16-bit words to 16 bits with end-around carry.
  package static func fold(_ value: UInt64) -> UInt16 {
    var folded = value
    while folded >> 16 != 0 { folded = (folded & 0xFFFF) &+ (folded >> 16) }
    return UInt16(truncatingIfNeeded: folded)
  }

  /// The complement of the sum, to be stored in memory as it is (its bytes are in wire order already).
  package var stored: UInt16 { ~Self.fold(sum) }
}
