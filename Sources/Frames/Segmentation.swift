/// Cuts a frame that its sender left whole for the device to cut (virtio-net, VIRTIO_NET_HDR_GSO_*) as the device would.
public enum Segmentation {
  /// VIRTIO_NET_HDR_GSO_TCPV4: TCP over IPv4.
  @inlinable public static var tcp4: UInt8 { 1 }
  /// VIRTIO_NET_HDR_GSO_TCPV6: TCP over IPv6.
  @inlinable public static var tcp6: UInt8 { 4 }
  /// VIRTIO_NET_HDR_GSO_UDP_L4: UDP over either.
  @inlinable public static var udp: UInt8 { 5 }
  /// VIRTIO_NET_HDR_GSO_ECN, a bit beside a type of TCP: CWR is set, which belongs to the first segment alone.
  @inlinable public static var ecn: UInt8 { 0x80 }
  /// Segments of one frame at most; what asks for more is refused.
  ///
  /// A TCP with the smallest segments that Linux takes makes 1,820 of 64 KiB.
  @inlinable public static var segmentLimit: Int { 2048 }
  /// Segments of a large UDP frame that a Linux kernel takes whole.
  @inlinable public static var datagramLimit: Int { 128 }

  /// The segments, each a whole frame with its own checksums; nil if the frame is not what the type says, or is cut short.
  ///
  /// - Parameters:
  ///   - type: VIRTIO_NET_HDR_GSO_*.
  ///   - size: bytes of payload of each segment but the last.
  package static func segments(of frame: [UInt8], type: UInt8, size: Int) -> [[UInt8]]? {
    guard size > 0, let layout = HeaderBytes.withFirst(of: frame, { LargeFrame($0, type: type, size: frame.count) })
    else { return nil }
    let start = Int(layout.payload)
    let payload = frame.count - start
    guard payload <= size * segmentLimit else { return nil }
    var segments: [[UInt8]] = []
    var offset = 0
    while offset < payload {
      let count = min(size, payload - offset)
      let header = SegmentHeader(
        number: segments.count, offset: offset, size: count, total: payload)
      var segment = Array(frame[..<start])
      header.write(to: &segment, layout)
      segment += frame[(start + offset)..<(start + offset + count)]
      PartialChecksum.complete(&segment, start: Int(layout.transport), offset: layout.checksumOffset)
      segments.append(segment)
      offset += count
    }
    return segments
  }
}
