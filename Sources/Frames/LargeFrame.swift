/// Where the headers of a large frame end and begin: one that its sender left whole for somebody else to cut.
///
/// Found in the frame itself, whatever its sender said of it (`hdr_len` in the virtio-net header is never believed). All
/// offsets are in bytes from the frame's first.
package struct LargeFrame: BitwiseCopyable, Sendable, Equatable {
  /// First byte of the IP header, of the TCP or UDP header, and of the payload, which is the headers' size.
  package var network: UInt8
  package var transport: UInt8
  package var payload: UInt8
  package var isVersion4: Bool
  package var isTCP: Bool

  /// VLAN tags (0x8100 and 0x88A8) that are followed at most.
  private static var tagLimit: Int { 2 }
  /// IPv6 extension headers that are followed at most.
  private static var extensionLimit: Int { 8 }
  private static var protocolTCP: UInt8 { 6 }
  private static var protocolUDP: UInt8 { 17 }
  /// A TCP segment with one of these is never a part of many: SYN and URG.
  private static var lonelyFlags: UInt8 { 0x22 }

  /// Finds the headers; nil if they are not those that the type says, do not fit into `bytes`, or contradict the frame.
  ///
  /// - Parameters:
  ///   - bytes: the first ones of the frame; headers that end behind them are not found.
  ///   - type: VIRTIO_NET_HDR_GSO_*, with the ECN bit if it is set.
  ///   - size: bytes of the whole frame.
  package init?(_ bytes: HeaderBytes, type: UInt8, size: Int) {
    isTCP = type & ~Segmentation.ecn == Segmentation.tcp4 || type & ~Segmentation.ecn == Segmentation.tcp6
    guard isTCP || type == Segmentation.udp else { return nil }
    guard let (etherType, start) = Self.network(of: bytes) else { return nil }
    let wanted = isTCP ? Self.protocolTCP : Self.protocolUDP
    let found: Int?
    if etherType == Ethernet.typeIPv4, type & ~Segmentation.ecn != Segmentation.tcp6 {
      found = Self.transport4(of: bytes, at: start, wanted, size: size)
      isVersion4 = true
    } else if etherType == Ethernet.typeIPv6, type & ~Segmentation.ecn != Segmentation.tcp4 {
      found = Self.transport6(of: bytes, at: start, wanted, size: size)
      isVersion4 = false
    } else {
      return nil
    }
    guard let found,
      let end = isTCP ? Self.endTCP(of: bytes, at: found) : Self.endUDP(of: bytes, at: found, size: size),
      end < size, end <= min(bytes.count, Int(UInt8.max))
    else { return nil }
    network = UInt8(truncatingIfNeeded: start)
    transport = UInt8(truncatingIfNeeded: found)
    payload = UInt8(truncatingIfNeeded: end)
  }

  /// Bytes from the transport header's first to its checksum's.
  package var checksumOffset: Int { isTCP ? 16 : 6 }

  /// The type behind the tags, and where its header begins.
  private static func network(of bytes: HeaderBytes) -> (type: UInt16, start: Int)? {
    var place = 12
    var tags = 0
    while true {
      guard place + 2 <= bytes.count else { return nil }
      let type = bytes.half(place)
      guard type == Ethernet.typeVLAN || type == Ethernet.typeServiceVLAN else { return (type, place + 2) }
      guard tags < tagLimit else { return nil }
      tags += 1
      place += Ethernet.tagSize
    }
  }

  private static func transport4(of bytes: HeaderBytes, at start: Int, _ wanted: UInt8, size: Int) -> Int? {
    guard start + 20 <= bytes.count, bytes[start] >> 4 == 4, bytes[start + 9] == wanted else { return nil }
    let header = Int(bytes[start] & 15) * 4
    // A fragment has an offset or the bit that says that more come.
    guard header >= 20, bytes.half(start + 6) & 0x3FFF == 0, Int(bytes.half(start + 2)) == size - start else {
      return nil
    }
    return start + header
  }

  private static func transport6(of bytes: HeaderBytes, at start: Int, _ wanted: UInt8, size: Int) -> Int? {
    guard start + 40 <= bytes.count, bytes[start] >> 4 == 6, Int(bytes.half(start + 4)) == size - start - 40 else {
      return nil
    }
    var next = bytes[start + 6]
    var place = start + 40
    for _ in 0...extensionLimit {
      if next == wanted { return place }
      // Hop-by-hop options, routing, destination options: each says the next one, and its own size.
      guard next == 0 || next == 43 || next == 60, place + 8 <= bytes.count else { return nil }
      next = bytes[place]
      place += 8 + 8 * Int(bytes[place + 1])
    }
    return nil
  }

  private static func endTCP(of bytes: HeaderBytes, at start: Int) -> Int? {
    guard start + 20 <= bytes.count, bytes[start + 13] & lonelyFlags == 0 else { return nil }
    let header = Int(bytes[start + 12] >> 4) * 4
    return header >= 20 ? start + header : nil
  }

  private static func endUDP(of bytes: HeaderBytes, at start: Int, size: Int) -> Int? {
    guard start + 8 <= bytes.count, Int(bytes.half(start + 4)) == size - start else { return nil }
    return start + 8
  }
}
