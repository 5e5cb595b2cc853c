/// Raw loads and sums over bytes of frames.
///
/// Unsafe code. Invariants: a caller passes memory of at least the size it names; nothing is kept beyond the call;
/// every load is unaligned and fetches its bytes once.
@unsafe
public enum Bytes {
  /// The first 16 bytes of a frame.
  ///
  /// At least 16 bytes must be readable at `base`.
  @inlinable @inline(__always)
  public static func header(at base: UnsafeRawPointer) -> EthernetHeader {
    // SAFETY: the caller vouches for 16 readable bytes.
    unsafe EthernetHeader(
      first: UInt64(littleEndian: base.loadUnaligned(as: UInt64.self)),
      second: UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }

  /// Sum of the 16-bit words of `count` bytes in memory order; an odd last byte counts as a word's first byte.
  ///
  /// Never overflows: 2^32 words of 16 bits fit in 64 bits, and `count` is a frame's size.
  public static func partialSum(_ base: UnsafeRawPointer, count: Int) -> UInt64 {
    var sum: UInt64 = 0
    var offset = 0
    while count - offset >= 8 {
      // SAFETY: offset + 8 <= count.
      let word = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      sum &+= (word & 0xFFFF_FFFF) &+ (word >> 32)
      offset += 8
    }
    while count - offset >= 2 {
      // SAFETY: offset + 2 <= count.
      sum &+= UInt64(unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      offset += 2
    }
    if offset < count {
      // SAFETY: one byte is left.
      sum &+= UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self))
    }
    return sum
  }
}

extension InternetChecksum {
  /// Adds a piece of a frame held as an array.
  package mutating func add(_ bytes: ArraySlice<UInt8>) {
    unsafe bytes.withUnsafeBytes { buffer in
      // SAFETY: `buffer.count` bytes are there for the call.
      guard let base = buffer.baseAddress else { return }
      unsafe add(partial: Bytes.partialSum(base, count: buffer.count), count: buffer.count)
    }
  }
}
