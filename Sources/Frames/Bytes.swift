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
    var (sum, offset): (UInt64, Int) = (0, 0)
    if count >= 64 {
      // Four words at a time, their halves apart: additions of sixteen bytes that wait for nothing.
      var (low, high) = (SIMD4<UInt64>(), SIMD4<UInt64>())
      let half = SIMD4<UInt64>(repeating: 0xFFFF_FFFF)
      repeat {
        // SAFETY: offset + 32 <= count.
        let words = unsafe base.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
        low &+= words & half
        high &+= words &>> 32
        offset &+= 32
      } while count &- offset >= 32
      sum = (low &+ high).wrappedSum()
    }
    while count &- offset >= 8 {
      // SAFETY: offset + 8 <= count.
      let word = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      sum &+= (word & 0xFFFF_FFFF) &+ (word >> 32)
      offset &+= 8
    }
    if count &- offset >= 4 {
      // SAFETY: offset + 4 <= count.
      sum &+= UInt64(unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      offset &+= 4
    }
    if count &- offset >= 2 {
      // SAFETY: offset + 2 <= count.
      sum &+= UInt64(unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      offset &+= 2
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

/// The first bytes of a frame, to look at: every look is within them.
///
/// Unsafe code. Invariants: `base` has `count` bytes, which nobody changes, for as long as the view is used, which is
/// within the call that it was made for.
@safe
package struct HeaderBytes: BitwiseCopyable {
  private let base: UnsafeRawPointer
  /// Bytes that are there.
  package let count: Int

  /// A view of `count` bytes at `base`, which the caller vouches for.
  @unsafe @inline(__always)
  package init(_ base: UnsafeRawPointer, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  /// One byte; zero behind the end.
  package subscript(position: Int) -> UInt8 {
    // SAFETY: the position is in range.
    UInt(bitPattern: position) < UInt(bitPattern: count)
      ? unsafe base.load(fromByteOffset: position, as: UInt8.self) : 0
  }

  /// Two bytes in network order.
  package func half(_ position: Int) -> UInt16 { UInt16(self[position]) << 8 | UInt16(self[position + 1]) }

  /// Shows the bytes of an array to `body`.
  package static func withFirst<Result>(of frame: [UInt8], _ body: (HeaderBytes) -> Result?) -> Result? {
    unsafe frame.withUnsafeBytes { bytes in
      // SAFETY: the bytes of the array, for the time of the call.
      guard let base = bytes.baseAddress else { return nil }
      return unsafe body(HeaderBytes(base, count: bytes.count))
    }
  }
}
