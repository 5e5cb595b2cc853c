/// The headers of one segment of a large frame, made of those of the whole.
///
/// The one place that knows what tells a segment's headers from the whole's: captures and the data path cut by it.
///
/// Unsafe code. Invariants: the caller's headers have as many bytes as the layout says, `growth` more; fields lie within
/// them, as `LargeFrame` found.
package struct SegmentHeader: BitwiseCopyable, Sendable {
  // Narrow fields: it is copied with every frame that leaves.

  private let (storedNumber, storedOffset, storedSize, storedTotal): (UInt16, UInt32, UInt32, UInt32)

  /// - Parameters:
  ///   - number: which it is, from 0 on.
  ///   - offset: where its payload begins in that of the whole, in bytes.
  ///   - size: bytes of its payload.
  ///   - total: bytes of payload of the whole.
  package init(number: Int, offset: Int, size: Int, total: Int) {
    storedNumber = UInt16(truncatingIfNeeded: number)
    storedOffset = UInt32(truncatingIfNeeded: offset)
    storedSize = UInt32(truncatingIfNeeded: size)
    storedTotal = UInt32(truncatingIfNeeded: total)
  }

  /// Bytes of its payload.
  package var size: Int { Int(storedSize) }
  private var number: Int { Int(storedNumber) }
  private var offset: Int { Int(storedOffset) }
  private var total: Int { Int(storedTotal) }
  private var isLast: Bool { offset + size == total }

  /// Turns the headers of the whole frame, which lie at `base`, into those of this segment, with the sum over the pseudo
  /// header in the checksum's field, not inverted, as a partial checksum has it.
  ///
  /// - Parameter growth: bytes by which a tag that was put in, or taken off, has moved the headers.
  /// - Returns: where the transport header begins.
  @unsafe
  package func write(to base: UnsafeMutableRawPointer, _ layout: LargeFrame, growth: Int) -> Int {
    let network = unsafe base + Int(layout.network) + growth
    let start = Int(layout.transport) + growth
    let transport = unsafe base + start
    let length = Int(layout.payload) - Int(layout.transport) + size
    if layout.isVersion4 {
      unsafe writeVersion4(network, header: Int(layout.transport) - Int(layout.network), length: length)
    } else {
      let extensions = Int(layout.transport) - Int(layout.network) - 40
      unsafe Self.put(network, 4, length + extensions)
    }
    if layout.isTCP {
      let sequence = unsafe UInt32(bigEndian: transport.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      unsafe transport.storeBytes(
        of: (sequence &+ UInt32(truncatingIfNeeded: offset)).bigEndian, toByteOffset: 4, as: UInt32.self)
      // FIN and PSH belong to the last segment, CWR to the first.
      var flags = unsafe transport.load(fromByteOffset: 13, as: UInt8.self)
      if !isLast { flags &= ~0x09 }
      if number > 0 { flags &= ~0x80 }
      unsafe transport.storeBytes(of: flags, toByteOffset: 13, as: UInt8.self)
    } else {
      unsafe Self.put(transport, 4, length)
    }
    let sum =
      Int(layout.transport) - Int(layout.network) > 40
      ? unsafe adjustedSum(transport, layout, length: length) : unsafe Self.pseudoSum(network, layout, length: length)
    unsafe transport.storeBytes(of: sum, toByteOffset: layout.checksumOffset, as: UInt16.self)
    return start
  }

  @unsafe
  private func writeVersion4(_ network: UnsafeMutableRawPointer, header: Int, length: Int) {
    unsafe Self.put(network, 2, header + length)
    let identification = unsafe UInt16(bigEndian: network.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
    unsafe Self.put(network, 4, Int(identification) + number)
    unsafe Self.put(network, 10, 0)
    var sum = InternetChecksum()
    unsafe sum.add(partial: Bytes.partialSum(UnsafeRawPointer(network), count: header), count: header)
    unsafe network.storeBytes(of: sum.stored, toByteOffset: 10, as: UInt16.self)
  }

  /// The sum that the sender left for the whole, with the segment's length in place of that.
  ///
  /// Behind extension headers of IPv6 (there are more than 40 bytes in front) the addresses of the pseudo header may be
  /// others than those of the IPv6 header: a routing header has the final destination (RFC 8200 section 8.1).
  @unsafe
  private func adjustedSum(_ transport: UnsafeMutableRawPointer, _ layout: LargeFrame, length: Int) -> UInt16 {
    let field = unsafe transport.loadUnaligned(fromByteOffset: layout.checksumOffset, as: UInt16.self)
    let whole = UInt16(truncatingIfNeeded: length - size + total)
    return InternetChecksum.fold(
      UInt64(field) &+ UInt64(~whole.bigEndian) &+ UInt64(UInt16(truncatingIfNeeded: length).bigEndian))
  }

  /// Sum over addresses, protocol and length, in the order of memory.
  @unsafe
  private static func pseudoSum(_ network: UnsafeMutableRawPointer, _ layout: LargeFrame, length: Int) -> UInt16 {
    let (start, count) = layout.isVersion4 ? (12, 8) : (8, 32)
    let sum = unsafe Bytes.partialSum(UnsafeRawPointer(network) + start, count: count)
    let words = (layout.isTCP ? UInt16(6) : 17).bigEndian
    return InternetChecksum.fold(sum &+ UInt64(words) &+ UInt64(UInt16(truncatingIfNeeded: length).bigEndian))
  }

  /// Stores the low 16 bits of a value in network order.
  @unsafe @inline(__always)
  private static func put(_ base: UnsafeMutableRawPointer, _ offset: Int, _ value: Int) {
    unsafe base.storeBytes(of: UInt16(truncatingIfNeeded: value).bigEndian, toByteOffset: offset, as: UInt16.self)
  }
}

extension SegmentHeader {
  /// The same for headers in an array; what is too short for the layout is a mistake of this program, and traps.
  package func write(to headers: inout [UInt8], _ layout: LargeFrame) {
    precondition(headers.count >= Int(layout.payload))
    unsafe headers.withUnsafeMutableBytes { bytes in
      // SAFETY: all headers are there, so there is a first byte.
      if let base = bytes.baseAddress { unsafe _ = write(to: base, layout, growth: 0) }
    }
  }
}
