/// Cuts a frame that its sender left whole for the device to cut (virtio-net, VIRTIO_NET_HDR_GSO_*) as the device would.
package enum Segmentation {
  /// VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6 and _UDP_L4; the ECN bit may be set in each.
  package static let tcp4: UInt8 = 1
  package static let tcp6: UInt8 = 4
  package static let udp: UInt8 = 5
  private static let ecn: UInt8 = 0x80

  /// Where the headers of a frame end and begin.
  struct Layout {
    /// First byte of the IP header, of the TCP or UDP header, of the payload.
    var network: Int
    var transport: Int
    var payload: Int
    var isVersion4: Bool
    var isTCP: Bool
  }

  /// The segments, each a whole frame with its own checksums; nil if the frame is not what the type says, or is cut short.
  ///
  /// - Parameters:
  ///   - type: VIRTIO_NET_HDR_GSO_*.
  ///   - size: bytes of payload of each segment but the last.
  package static func segments(of frame: [UInt8], type: UInt8, size: Int) -> [[UInt8]]? {
    guard size > 0, let layout = layout(of: frame, type: type & ~ecn) else { return nil }
    let payload = frame.count - layout.payload
    guard payload > size else { return [finished(frame, layout)] }
    var segments: [[UInt8]] = []
    var offset = 0
    while offset < payload {
      let count = min(size, payload - offset)
      let start = layout.payload + offset
      var segment = Array(frame[..<layout.payload] + frame[start..<(start + count)])
      number(&segment, layout, index: segments.count, offset: offset, isLast: offset + count == payload)
      segments.append(finished(segment, layout))
      offset += count
    }
    return segments
  }

  /// Identification, sequence number and flags of one segment.
  private static func number(_ segment: inout [UInt8], _ layout: Layout, index: Int, offset: Int, isLast: Bool) {
    if layout.isVersion4 {
      let place = layout.network + 4
      put(&segment, place, UInt16(truncatingIfNeeded: Int(half(segment, place)) + index))
    }
    guard layout.isTCP else { return }
    let place = layout.transport + 4
    let sequence = UInt32(half(segment, place)) << 16 | UInt32(half(segment, place + 2))
    let next = sequence &+ UInt32(truncatingIfNeeded: offset)
    put(&segment, place, UInt16(truncatingIfNeeded: next >> 16))
    put(&segment, place + 2, UInt16(truncatingIfNeeded: next))
    // FIN and PSH belong to the last segment, CWR to the first.
    if !isLast { segment[layout.transport + 13] &= ~0x09 }
    if index > 0 { segment[layout.transport + 13] &= ~0x80 }
  }

  /// Lengths and checksums as the frame's size wants them.
  private static func finished(_ frame: [UInt8], _ layout: Layout) -> [UInt8] {
    var frame = frame
    let length = frame.count - layout.network
    if layout.isVersion4 {
      put(&frame, layout.network + 2, UInt16(truncatingIfNeeded: length))
      put(&frame, layout.network + 10, 0)
      var sum = InternetChecksum()
      sum.add(frame[layout.network..<layout.transport])
      store(&frame, layout.network + 10, sum.stored)
    } else {
      put(&frame, layout.network + 4, UInt16(truncatingIfNeeded: length - 40))
    }
    let transportLength = frame.count - layout.transport
    if !layout.isTCP { put(&frame, layout.transport + 4, UInt16(truncatingIfNeeded: transportLength)) }
    let field = layout.transport + (layout.isTCP ? 16 : 6)
    put(&frame, field, 0)
    var sum = InternetChecksum()
    let addresses = layout.isVersion4 ? 12..<20 : 8..<40
    sum.add(frame[(layout.network + addresses.lowerBound)..<(layout.network + addresses.upperBound)])
    sum.add([0, layout.isTCP ? 6 : 17, UInt8(truncatingIfNeeded: transportLength >> 8)] as [UInt8])
    sum.add([UInt8(truncatingIfNeeded: transportLength)] as [UInt8])
    sum.add(frame[layout.transport...])
    store(&frame, field, sum.stored == 0 ? 0xFFFF : sum.stored)
    return frame
  }

  /// Finds the headers; nil if they are not there, or not those of the type.
  private static func layout(of frame: [UInt8], type: UInt8) -> Layout? {
    var place = 12
    while place + 2 <= frame.count, half(frame, place) == 0x8100 || half(frame, place) == 0x88A8 { place += 4 }
    guard place + 2 <= frame.count else { return nil }
    let (etherType, network) = (half(frame, place), place + 2)
    let isTCP = type == tcp4 || type == tcp6
    guard isTCP || type == udp else { return nil }
    let transport: Int
    if etherType == Ethernet.typeIPv4, type != tcp6 {
      guard network + 20 <= frame.count, frame[network] >> 4 == 4, frame[network + 9] == (isTCP ? 6 : 17) else {
        return nil
      }
      transport = network + Int(frame[network] & 15) * 4
      guard transport >= network + 20 else { return nil }
    } else if etherType == Ethernet.typeIPv6, type != tcp4 {
      // Headers between this and the next are not cut by any sender that is known.
      guard network + 40 <= frame.count, frame[network + 6] == (isTCP ? 6 : 17) else { return nil }
      transport = network + 40
    } else {
      return nil
    }
    guard transport + (isTCP ? 20 : 8) <= frame.count else { return nil }
    let header = isTCP ? Int(frame[transport + 12] >> 4) * 4 : 8
    guard header >= (isTCP ? 20 : 8), transport + header <= frame.count else { return nil }
    return Layout(
      network: network, transport: transport, payload: transport + header, isVersion4: etherType == Ethernet.typeIPv4,
      isTCP: isTCP)
  }

  private static func half(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
    UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
  }

  private static func put(_ bytes: inout [UInt8], _ offset: Int, _ value: UInt16) {
    bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Stores a sum that is in memory order already.
  private static func store(_ bytes: inout [UInt8], _ offset: Int, _ sum: UInt16) {
    bytes[offset] = UInt8(truncatingIfNeeded: UInt16(littleEndian: sum))
    bytes[offset + 1] = UInt8(truncatingIfNeeded: UInt16(littleEndian: sum) >> 8)
  }
}
