/// The Internet checksum (RFC 1071) over bytes that come in pieces of any size.
///
/// Sums are kept in memory order (no byte swap until the end), which the one's complement sum allows. Public, so that other
/// modules inline it.
@frozen
public struct InternetChecksum: Sendable {
  @usableFromInline var sum: UInt64 = 0
  /// An odd number of bytes was added: the next byte is the second of its pair.
  @usableFromInline var isOdd = false

  /// A sum of nothing.
  @inlinable @inline(__always)
  public init() {}

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
  @inlinable @inline(__always)
  public mutating func add(partial: UInt64, count: Int) {
    let folded = Self.fold(partial)
    sum &+= UInt64(isOdd ? folded.byteSwapped : folded)
    if count & 1 != 0 { isOdd.toggle() }
  }

  /// Folds a sum of 16-bit words to 16 bits with end-around carry.
  @inlinable @inline(__always)
  public static func fold(_ value: UInt64) -> UInt16 {
    // 33 bits at most, then 18, then 17, then 16: what was carried over is never carried on.
    var folded = (value & 0xFFFF_FFFF) &+ (value >> 32)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    folded = (folded & 0xFFFF) &+ (folded >> 16)
    return UInt16(truncatingIfNeeded: folded)
  }

  /// The complement of the sum, to be stored in memory as it is (its bytes are in wire order already).
  @inlinable @inline(__always)
  public var stored: UInt16 { ~Self.fold(sum) }
}
