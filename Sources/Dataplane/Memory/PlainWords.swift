import Frames

/// What most frames are judged by: TCP or UDP over IPv4 without tags, options and fragments, and no DHCP.
///
/// Unsafe code. Invariants: a slot of scratch is 256 bytes long, so that the words of headers lie in it; what they say counts
/// only if the frame's own bytes fill it so far.
struct PlainWords: BitwiseCopyable {
  /// As of `FrameView`.
  let word: UInt64
  let addresses: UInt64
  /// Of TCP.
  let flags: UInt8

  /// Bytes that have to be seen.
  private static var depth: Int { 54 }

  /// Nil if the frame is another one, and has to be looked at with care.
  ///
  /// - Parameters:
  ///   - slot: a frame's slot of scratch.
  ///   - filled: bytes of the frame that are in it.
  @unsafe @inline(__always)
  init?(at slot: UnsafeRawPointer, filled: Int) {
    // SAFETY: as said above. Small loads, each of which is one instruction with its comparison.
    let head = unsafe slot.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    guard head &<< 8 == 0x4500_0800,
      unsafe slot.loadUnaligned(fromByteOffset: 20, as: UInt16.self) & 0xFF3F == 0, filled >= Self.depth
    else { return nil }
    let ports = unsafe UInt64(slot.loadUnaligned(fromByteOffset: 34, as: UInt32.self))
    let number = unsafe slot.load(fromByteOffset: 23, as: UInt8.self)
    let length = unsafe slot.loadUnaligned(fromByteOffset: 16, as: UInt16.self).byteSwapped
    if number == FrameView.protocolTCP {
      guard length >= 40 else { return nil }
      word = ports | (FrameKind.tcp4.rawValue << 40 | UInt64(FrameView.protocolTCP) << 32)
    } else {
      // Ports 64 to 71, and DHCP among them, are for others to judge.
      guard number == FrameView.protocolUDP, length >= 28, ports & 0xF8FF_F8FF != 0x4000_4000 else { return nil }
      word = ports | (FrameKind.udp4.rawValue << 40 | UInt64(FrameView.protocolUDP) << 32)
    }
    addresses = unsafe slot.loadUnaligned(fromByteOffset: 26, as: UInt64.self)
    flags = unsafe slot.load(fromByteOffset: 47, as: UInt8.self)
  }
}
