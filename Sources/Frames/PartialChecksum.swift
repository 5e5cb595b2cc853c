/// A checksum that was left to whoever sends the frame on (virtio-net, VIRTIO_NET_HDR_F_NEEDS_CSUM): its field holds the
/// sum over the pseudo header alone.
package enum PartialChecksum {
  /// Completes the checksum in a whole frame; false, and nothing changed, if the field does not lie in it.
  ///
  /// - Parameters:
  ///   - start: where the sum starts, in bytes from the frame's first; it goes to the frame's end.
  ///   - offset: where the field is, from `start`.
  @discardableResult
  package static func complete(_ frame: inout [UInt8], start: Int, offset: Int) -> Bool {
    guard start >= 0, offset >= 0, start + offset + 2 <= frame.count else { return false }
    var sum = InternetChecksum()
    sum.add(frame[start...])
    // UDP writes a sum of zero as all ones (RFC 768); TCP does not care.
    let stored = sum.stored == 0 ? 0xFFFF : sum.stored
    // In memory order already.
    frame[start + offset] = UInt8(truncatingIfNeeded: UInt16(littleEndian: stored))
    frame[start + offset + 1] = UInt8(truncatingIfNeeded: UInt16(littleEndian: stored) >> 8)
    return true
  }
}
