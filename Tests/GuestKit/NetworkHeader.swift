/// `struct virtio_net_hdr` with `num_buffers` (VIRTIO 1.2 section 5.1.6): 12 bytes, little endian.
package struct NetworkHeader: Equatable, Sendable {
  package static let size = 12
  package static let needsChecksum: UInt8 = 1
  package static let dataValid: UInt8 = 2

  package var flags: UInt8 = 0
  package var segmentationType: UInt8 = 0
  /// Bytes of headers before the payload.
  package var headerSize: UInt16 = 0
  package var segmentSize: UInt16 = 0
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0
  package var bufferCount: UInt16 = 0

  package init() {}

  /// Checksum left to the receiver (VIRTIO_NET_HDR_F_NEEDS_CSUM), offsets in bytes.
  package init(checksumStart: Int, checksumOffset: Int) {
    flags = Self.needsChecksum
    self.checksumStart = UInt16(checksumStart)
    self.checksumOffset = UInt16(checksumOffset)
  }

  /// Reads the first 12 bytes.
  package init(_ bytes: [UInt8]) {
    func word(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
    flags = bytes[0]
    segmentationType = bytes[1]
    headerSize = word(2)
    segmentSize = word(4)
    checksumStart = word(6)
    checksumOffset = word(8)
    bufferCount = word(10)
  }

  package var bytes: [UInt8] {
    [flags, segmentationType]
      + [headerSize, segmentSize, checksumStart, checksumOffset, bufferCount]
      .flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }
}
