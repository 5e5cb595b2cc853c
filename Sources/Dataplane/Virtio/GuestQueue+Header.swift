import Frames

/// The virtio-net header (VIRTIO 1.2 section 5.1.6), read and written.
///
/// Layout: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, csum_offset 2, num_buffers 2; the last one is not
/// there in a header of 10 bytes.
extension GuestQueue where Format: ~Copyable {
  /// Takes over what a header asks for if it was negotiated and lies inside the frame (section 5.1.6.2).
  ///
  /// DATA_VALID and RSC_INFO are for the other direction and are dropped.
  /// - Parameters:
  ///   - word: the first eight bytes, all of one load.
  ///   - offset: `csum_offset`.
  @inline(never)
  func judgeHeader(_ word: UInt64, offset: UInt16, _ frame: inout Frame) {
    let flags = UInt8(truncatingIfNeeded: word)
    let segmentation = UInt8(truncatingIfNeeded: word >> 8)
    if segmentation != 0 {
      frame.segmentationType = segmentation
      frame.segmentSize = UInt16(truncatingIfNeeded: word >> 32)
      frame.flags.insert(.headerInvalid)
    }
    guard flags & 1 != 0 else { return }
    frame.checksumStart = UInt16(truncatingIfNeeded: word >> 48)
    frame.checksumOffset = offset
    let end = Int(frame.checksumStart) + Int(offset) + 2
    guard allowsPartialChecksum, end <= frame.size, end <= Burst.scratchSlotSize,
      Int(frame.checksumStart) >= Ethernet.headerSize
    else {
      frame.flags.insert(.headerInvalid)
      return
    }
    frame.flags.insert(.needsChecksum)
  }

  /// Writes the header of a frame that is delivered (section 5.1.6.4): what Egress says of it, and `num_buffers`.
  @unsafe @inline(__always)
  func storeHeader(at base: UnsafeMutableRawPointer, _ header: OffloadHeader, buffers: Int) {
    let offset = UInt32(header.checksumOffset)
    // SAFETY: `headerSize` bytes, 10 or 12, are writable at `base`.
    unsafe base.storeBytes(of: header.word, as: UInt64.self)
    if headerSize == 12 {
      unsafe base.storeBytes(of: offset | UInt32(truncatingIfNeeded: buffers) << 16, toByteOffset: 8, as: UInt32.self)
    } else {
      unsafe base.storeBytes(of: UInt16(truncatingIfNeeded: offset), toByteOffset: 8, as: UInt16.self)
    }
  }
}
