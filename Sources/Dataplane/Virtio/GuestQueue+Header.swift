/// The virtio-net header (VIRTIO 1.2 section 5.1.6) as it is written; Egress/ArrivingHeader.swift judges those that come.
///
/// Layout: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, csum_offset 2, num_buffers 2; the last one is not
/// there in a header of 10 bytes.
extension GuestQueue where Format: ~Copyable {
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
