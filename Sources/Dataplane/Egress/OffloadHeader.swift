/// What the virtio-net header in front of a frame says of it (VIRTIO 1.2 section 5.1.6), without `num_buffers`, which
/// whoever fills buffers knows.
///
/// All zero: the frame is as it looks.
struct OffloadHeader: BitwiseCopyable {
  /// flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, in the order of memory.
  var word: UInt64 = 0
  /// csum_offset.
  var checksumOffset: UInt16 = 0

  @inline(__always)
  init() {}

  /// A header as it was read, all of it by one load.
  @inline(__always)
  init(word: UInt64, checksumOffset: UInt16) {
    self.word = word
    self.checksumOffset = checksumOffset
  }

  /// A checksum field that holds only the pseudo header's sum: NEEDS_CSUM.
  ///
  /// - Parameters:
  ///   - start: where the sum begins, in bytes of the frame as it leaves.
  ///   - offset: the field, from there.
  @inline(__always)
  init(checksumFrom start: Int, field offset: UInt16) {
    word = 1 | UInt64(UInt16(truncatingIfNeeded: start)) << 48
    checksumOffset = offset
  }

  /// A large frame that leaves uncut.
  ///
  /// - Parameters:
  ///   - type: VIRTIO_NET_HDR_GSO_*, with its ECN bit.
  ///   - headers: bytes of its headers as it leaves.
  ///   - size: bytes of payload of a segment.
  init(_ checksum: OffloadHeader, type: UInt8, headers: Int, size: UInt16) {
    word =
      checksum.word | UInt64(type) << 8 | UInt64(UInt16(truncatingIfNeeded: headers)) << 16 | UInt64(size) << 32
    checksumOffset = checksum.checksumOffset
  }

  /// The checksum is partial.
  @inline(__always)
  var needsChecksum: Bool { word & 1 != 0 }

  /// VIRTIO_NET_HDR_GSO_*, 0 = the frame is not to be cut; and the bytes of payload of a segment.
  @inline(__always)
  var segmentationType: UInt8 { UInt8(truncatingIfNeeded: word >> 8) }
  @inline(__always)
  var segmentSize: UInt16 { UInt16(truncatingIfNeeded: word >> 32) }

  @inline(__always)
  var checksumStart: UInt16 { UInt16(truncatingIfNeeded: word >> 48) }

  /// Byte of the frame behind the checksum's field; a tag that was put in may have moved it out of a scratch slot, where
  /// it could be completed no more.
  var checksumEnd: Int { needsChecksum ? Int(checksumStart) + Int(checksumOffset) + 2 : 0 }
}
