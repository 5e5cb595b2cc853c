/// A large frame as a sender makes it, and the segments that a device must cut it into: each built anew from what the
/// sender meant, not cut from the whole.
package struct LargeFrameModel: Sendable {
  package enum Transport: CaseIterable, Sendable { case tcp, udp }

  package var destination = FrameBuilder.station(2)
  package var source = FrameBuilder.station(1)
  /// TPID and control of each tag, the outer one first.
  package var tags: [(UInt16, UInt16)] = []
  package var isVersion4 = true
  package var transport = Transport.tcp
  /// Options of the IPv4 header, or extension headers of IPv6 without their first byte's chain; a multiple of 4 or 8.
  package var networkOptions: [UInt8] = []
  /// The final destination, if an IPv6 routing header (RFC 8754) of 24 bytes with one segment left says it.
  package var routedTo: [UInt8]?
  /// TCP options, a multiple of 4.
  package var transportOptions: [UInt8] = []
  package var identification: UInt16 = 0x1234
  package var sequence: UInt32 = 0xFFFF_FC00
  package var flags: UInt8 = 0x18
  package var payload: [UInt8] = []
  /// Bytes of payload of a segment.
  package var segmentSize = 1448
  /// The header says that CWR is set (VIRTIO_NET_HDR_GSO_ECN).
  package var isECN = false

  package init() {}

  package var type: UInt8 {
    (transport == .udp ? 5 : isVersion4 ? 1 : 4) | (isECN ? 0x80 : 0)
  }

  package var networkStart: Int { 14 + 4 * tags.count }
  package var transportStart: Int { networkStart + (isVersion4 ? 20 : 40) + extensions.count }
  package var headerSize: Int { transportStart + (transport == .tcp ? 20 + transportOptions.count : 8) }
  private var checksumOffset: Int { transport == .tcp ? 16 : 6 }

  /// The frame as it comes, its checksum partial.
  package var whole: [UInt8] { frame(payload, number: 0, offset: 0, flags, .partial) }

  /// Its virtio-net header, with a length of headers that is the truth.
  package var header: NetworkHeader {
    var header = NetworkHeader(checksumStart: transportStart, checksumOffset: checksumOffset)
    header.segmentationType = type
    header.segmentSize = UInt16(segmentSize)
    header.headerSize = UInt16(headerSize)
    return header
  }

  /// The header of each segment whose checksum is left to the receiver.
  package var segmentHeader: NetworkHeader {
    NetworkHeader(checksumStart: transportStart, checksumOffset: checksumOffset)
  }

  /// The segments, as the kernel of Linux would cut them.
  package func segments(_ checksum: FrameBuilder.Checksum) -> [[UInt8]] {
    let starts = Array(stride(from: 0, to: payload.count, by: segmentSize))
    return starts.enumerated().map { number, start in
      var flags = flags
      if number > 0 { flags &= 0x7F }
      if number < starts.count - 1 { flags &= 0xF6 }
      let part = Array(payload[start..<min(start + segmentSize, payload.count)])
      return frame(part, number: number, offset: start, flags, checksum)
    }
  }

  private func frame(
    _ payload: [UInt8], number: Int, offset: Int, _ flags: UInt8, _ checksum: FrameBuilder.Checksum
  ) -> [UInt8] {
    var segment: [UInt8]
    if transport == .tcp {
      let next = sequence &+ UInt32(offset)
      segment = big(5001) + big(42_000) + big(UInt16(next >> 16)) + big(UInt16(next & 0xFFFF)) + [0, 0, 1, 2]
      segment += [UInt8(5 + transportOptions.count / 4) << 4, flags] + big(512) + [0, 0, 0, 0] + transportOptions
    } else {
      segment = big(5001) + big(42_000) + big(UInt16(8 + payload.count)) + [0, 0]
    }
    segment += payload
    let final = routedTo ?? addresses[1]
    let pseudo = addresses[0] + final + [0, transport == .tcp ? 6 : 17] + big(UInt16(segment.count))
    let partial = internetSum(pseudo)
    var sum = partial
    if checksum == .full {
      sum = ~internetSum(pseudo + segment)
      if sum == 0 { sum = 0xFFFF }
    }
    segment.replaceSubrange(checksumOffset..<(checksumOffset + 2), with: big(sum))
    let ethernet = destination + source + tags.flatMap { big($0.0) + big($0.1) }
    return ethernet + big(isVersion4 ? 0x0800 : 0x86DD) + network(segment.count, number) + segment
  }

  private var extensions: [UInt8] { routedTo == nil ? networkOptions : [UInt8](repeating: 0, count: 24) }

  private var addresses: [[UInt8]] {
    isVersion4
      ? [[10, 1, 2, 3], [10, 4, 5, 6]]
      : [[0xFD] + [UInt8](repeating: 7, count: 15), [0xFE, 0x80] + [UInt8](repeating: 9, count: 14)]
  }

  private func network(_ count: Int, _ number: Int) -> [UInt8] {
    let next: UInt8 = transport == .tcp ? 6 : 17
    guard isVersion4 else {
      // Options for the destination, of 8 bytes each, one header behind the other.
      if let routedTo {
        return [0x60, 3, 0, 5] + big(UInt16(24 + count)) + [43, 64] + addresses.flatMap { $0 }
          + [next, 2, 4, 1, 0, 0, 0, 0] + routedTo
      }
      let headers = networkOptions.count / 8
      var options = networkOptions
      for header in 0..<headers {
        options[8 * header] = header == headers - 1 ? next : 60
        options[8 * header + 1] = 0
      }
      return [0x60, 3, 0, 5] + big(UInt16(options.count + count)) + [headers > 0 ? 60 : next, 64]
        + addresses.flatMap { $0 } + options
    }
    var bytes: [UInt8] = [UInt8(0x45 + networkOptions.count / 4), 2]
    bytes +=
      big(UInt16(20 + networkOptions.count + count)) + big(identification &+ UInt16(number)) + [0x40, 0, 63, next]
    bytes += [0, 0] + addresses.flatMap { $0 } + networkOptions
    bytes.replaceSubrange(10..<12, with: big(~internetSum(bytes)))
    return bytes
  }

  private func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
