import Frames

/// Which flow a frame is of, for a port that has several rings to its node.
///
/// Unsafe code. Invariants: looks go to the filled part of a slot.
extension Burst {
  /// A number that all frames of one flow have, well mixed, the highest bits best: of its IPv4 or IPv6 addresses, with the
  /// protocol and ports of TCP and UDP unless it is a fragment; of its addresses and type if it is of another type.
  ///
  /// Found behind one or two tags, too. Only the first 64 bytes are looked at, however many of a frame are in scratch: how
  /// many these are goes by other things (a checksum to complete, a capture), and a flow's frames must not part for that.
  /// What of the ports is not among them is left out (the destination's, of TCP over IPv6 behind two tags).
  @inline(__always)
  func flowHash(_ index: Int) -> UInt64 {
    let frame = frames[index]
    // SAFETY: the slot is filled so far; 16 bytes of it are always readable.
    let bytes = unsafe UnsafeRawPointer(scratchSlot(index))
    let limit = min(frame.scratchSize, Self.scratchRule)
    var (place, type) = (12, unsafe Self.half(bytes, 12))
    var tags = 0
    while type == Ethernet.typeVLAN || type == Ethernet.typeServiceVLAN, tags < 2, place + 6 <= limit {
      place += Ethernet.tagSize
      tags += 1
      // SAFETY: place + 2 <= limit.
      type = unsafe Self.half(bytes, place)
    }
    place += 2
    if type == Ethernet.typeIPv4, place + 20 <= limit { return unsafe Self.hash4(bytes, at: place, limit) }
    if type == Ethernet.typeIPv6, place + 40 <= limit { return unsafe Self.hash6(bytes, at: place, limit) }
    // SAFETY: the first 16 bytes, as above.
    let first = unsafe bytes.loadUnaligned(as: UInt64.self)
    let second = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    return Self.mix(first, UInt64(second) << 16 | UInt64(type))
  }

  /// - Parameter start: of the header, of which 20 bytes are below `limit`.
  @unsafe @inline(__always)
  private static func hash4(_ bytes: UnsafeRawPointer, at start: Int, _ limit: Int) -> UInt64 {
    // SAFETY: start + 20 <= limit.
    let addresses = unsafe bytes.loadUnaligned(fromByteOffset: start + 12, as: UInt64.self)
    let proto = unsafe bytes.load(fromByteOffset: start + 9, as: UInt8.self)
    let header = Int(unsafe bytes.load(fromByteOffset: start, as: UInt8.self) & 15) * 4
    // A fragment has an offset, or the bit that says that more come; only the first one has ports.
    guard unsafe half(bytes, start + 6) & 0x3FFF == 0, header >= 20 else { return mix(addresses, 0) }
    return mix(addresses, unsafe ports(bytes, at: start + header, proto, limit))
  }

  /// - Parameter start: of the header, of which 40 bytes are below `limit`.
  @unsafe @inline(__always)
  private static func hash6(_ bytes: UnsafeRawPointer, at start: Int, _ limit: Int) -> UInt64 {
    // SAFETY: start + 40 <= limit.
    let source = unsafe bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
    let source2 = unsafe bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt64.self)
    let destination = unsafe bytes.loadUnaligned(fromByteOffset: start + 24, as: UInt64.self)
    let destination2 = unsafe bytes.loadUnaligned(fromByteOffset: start + 32, as: UInt64.self)
    let next = unsafe bytes.load(fromByteOffset: start + 6, as: UInt8.self)
    // Behind other headers no ports are looked for: a fragment has one, and a flow's frames have the same.
    return mix(mix(source, source2) ^ destination, destination2 ^ (unsafe ports(bytes, at: start + 40, next, limit)))
  }

  /// Protocol and ports of TCP and UDP, 0 of others.
  @unsafe @inline(__always)
  private static func ports(_ bytes: UnsafeRawPointer, at start: Int, _ proto: UInt8, _ limit: Int) -> UInt64 {
    guard proto == 6 || proto == 17, start + 2 <= limit else { return 0 }
    // SAFETY: start + 2 <= limit, or start + 4.
    guard start + 4 <= limit else { return unsafe UInt64(proto) << 32 | UInt64(half(bytes, start)) }
    return unsafe UInt64(proto) << 32 | UInt64(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
  }

  @unsafe @inline(__always)
  private static func half(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt16 {
    // SAFETY: the caller vouches for two bytes.
    UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// Two multiplications by odd numbers without a pattern in them: each bit of both words reaches the highest ones.
  @inline(__always)
  private static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    var value = (first ^ second.byteSwapped) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 32
    value = (value ^ second) &* 0xD6E8_FEB8_6659_FD93
    return value ^ value >> 29
  }
}
