/// Where the buffers of plain frames are, in loops that look into one region: the same checks as those of
/// `GuestRegion.translate`, with one comparison each.
///
/// Unsafe code. Invariants: the region is one of a `MemoryTable` that is installed in the same port. A size is compared
/// with `largest` before its buffer is looked for, so that no difference below can be less than nothing.
@safe
struct PlainBuffers: BitwiseCopyable {
  private let guestBase: UInt64
  private let regionSize: UInt64
  private let hostBase: UnsafeMutableRawPointer
  /// Bytes of the largest buffer that the region may hold, as far as a descriptor can say.
  let largest: UInt64

  @inline(__always)
  init(_ region: GuestRegion) {
    guestBase = region.guestBase
    regionSize = region.size
    unsafe hostBase = region.hostBase
    largest = min(region.size, UInt64(UInt32.max))
  }

  /// Bytes of the largest frame that the region may hold behind a header and that is taken without another look; `largest`
  /// is no less than the header.
  @inline(__always)
  func largestFrame(behind headerSize: Int) -> UInt64 {
    min(largest, UInt64(PlainFrames.largestDirect)) &- UInt64(truncatingIfNeeded: headerSize)
  }

  /// The host address of a buffer of `size` bytes, `largest` at most, or nil unless the region holds it all.
  @unsafe @inline(__always)
  func find(_ address: UInt64, size: UInt64) -> UnsafeMutableRawPointer? {
    let offset = address &- guestBase
    // SAFETY: size <= regionSize, so the range ends inside the mapping.
    guard offset <= regionSize &- size else { return nil }
    return unsafe hostBase + Int(truncatingIfNeeded: offset)
  }

  /// The host address of a frame of `size` bytes, `largestFrame` at most, behind the header at `address`, or nil unless
  /// the region holds both.
  @unsafe @inline(__always)
  func find(_ address: UInt64, size: UInt64, behind headerSize: Int) -> UnsafeMutableRawPointer? {
    let offset = address &- guestBase
    // SAFETY: as above.
    guard offset <= regionSize &- UInt64(truncatingIfNeeded: headerSize) &- size else { return nil }
    return unsafe hostBase + headerSize + Int(truncatingIfNeeded: offset)
  }
}
