/// Bytes of messages: integers in the host's byte order, as both ends run on one machine (little endian here).
///
/// Reading never traps: bytes past the end read as zero. `MessageTable` has checked a payload's size before a method
/// reads it, so zeros mean a mistake of ours, not of the peer.
package struct WireReader {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package func u32(_ offset: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: integer(offset, size: 4))
  }

  package func u64(_ offset: Int) -> UInt64 {
    integer(offset, size: 8)
  }

  private func integer(_ offset: Int, size: Int) -> UInt64 {
    var value: UInt64 = 0
    for position in 0..<size where bytes.indices.contains(offset + position) {
      value |= UInt64(bytes[offset + position]) << UInt64(8 * position)
    }
    return value
  }
}

extension [UInt8] {
  /// Appends an integer in the byte order of the wire.
  package mutating func appendWire<T: FixedWidthInteger>(_ value: T) {
    var rest = value
    for _ in 0..<(T.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}

/// The header of each message: `u32 request`, `u32 flags`, `u32 size` of the payload that follows.
package struct MessageHeader: Equatable, Sendable {
  package static let size = 12
  /// Version in flag bits 0 and 1; the only one there is.
  package static let version: UInt32 = 1
  package static let versionMask: UInt32 = 3
  package static let replyFlag: UInt32 = 1 << 2
  package static let needReplyFlag: UInt32 = 1 << 3

  package var request: UInt32
  package var flags: UInt32
  /// Bytes of payload.
  package var size: UInt32

  package init(request: UInt32, flags: UInt32, size: UInt32) {
    self.request = request
    self.flags = flags
    self.size = size
  }

  /// Reads the first 12 bytes.
  package init(_ bytes: [UInt8]) {
    let reader = WireReader(bytes)
    self.init(request: reader.u32(0), flags: reader.u32(4), size: reader.u32(8))
  }

  package var needsReply: Bool { flags & Self.needReplyFlag != 0 }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.size)
    bytes.appendWire(request)
    bytes.appendWire(flags)
    bytes.appendWire(size)
    return bytes
  }
}
