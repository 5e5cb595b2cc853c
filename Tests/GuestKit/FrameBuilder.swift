import Frames

/// Builds Ethernet frames byte by byte, independent of the code under test.
///
/// Addresses are arrays of bytes in network order: 6 for stations, 4 or 16 for IP.
package struct FrameBuilder: Sendable {
  /// An 802.1Q tag.
  package struct Tag: Sendable, Equatable {
    package var type: UInt16 = 0x8100
    package var priority: UInt16 = 0
    package var vlan: UInt16

    package init(_ vlan: UInt16, priority: UInt16 = 0, type: UInt16 = 0x8100) {
      self.vlan = vlan
      self.priority = priority
      self.type = type
    }
  }

  /// What a TCP or UDP header holds as checksum.
  package enum Checksum: Sendable {
    case full
    /// The sum over the pseudo header alone; the rest is left to the receiver by the virtio-net header.
    case partial
    case wrong
    /// 0: for UDP over IPv4 "no checksum".
    case absent
  }

  /// A frame and the virtio-net header that goes with it.
  package struct Built: Sendable {
    package var frame: [UInt8]
    package var header: NetworkHeader
  }

  package var destination: [UInt8]
  package var source: [UInt8]
  /// Outermost first.
  package var tags: [Tag]

  package init(to destination: [UInt8], from source: [UInt8], tags: [Tag] = []) {
    self.destination = destination
    self.source = source
    self.tags = tags
  }

  /// The locally administered station number `number`.
  package static func station(_ number: Int) -> [UInt8] {
    [0x02, 0, 0] + (0..<3).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// The same station as an address.
  package static func address(_ number: Int) -> MACAddress { MACAddress(bytes: station(number)) ?? .broadcast }

  package static let broadcast = [UInt8](repeating: 0xFF, count: 6)

  /// Bytes of Ethernet header, tags included.
  package var headerSize: Int { 14 + 4 * tags.count }

  /// A frame of any type; not padded.
  package func frame(type: UInt16, payload: [UInt8]) -> [UInt8] {
    let tagBytes = tags.flatMap { big($0.type) + big($0.priority << 13 | $0.vlan) }
    return destination + source + tagBytes + big(type) + payload
  }

  /// A frame of `size` bytes, tags included, of the type for experiments, with a payload that differs by `seed`.
  package func plain(size: Int, seed: Int = 0) -> [UInt8] {
    let count = max(0, size - headerSize)
    return frame(type: 0x88B5, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 7 &+ 1) })
  }

  /// An ARP packet (RFC 826), padded to 60 bytes; operation 1 = request, 2 = reply.
  package func arp(
    operation: UInt16, senderAddress: [UInt8], senderIP: [UInt8], targetAddress: [UInt8], targetIP: [UInt8]
  ) -> [UInt8] {
    let payload =
      big(1) + big(0x0800) + [6, 4] + big(operation) + senderAddress + senderIP + targetAddress + targetIP
    let bytes = frame(type: 0x0806, payload: payload)
    return bytes + [UInt8](repeating: 0, count: max(0, 60 - bytes.count))
  }

  /// UDP over IPv4 or IPv6, by the length of the addresses.
  package func udp(
    from sourceIP: [UInt8], to destinationIP: [UInt8], ports: (UInt16, UInt16) = (4000, 5000), payload: [UInt8],
    checksum: Checksum = .full
  ) -> Built {
    let segment = big(ports.0) + big(ports.1) + big(UInt16(8 + payload.count)) + big(0) + payload
    return packet(sourceIP, destinationIP, proto: 17, segment: segment, checksumOffset: 6, checksum)
  }

  /// TCP with PSH and ACK set, over IPv4 or IPv6.
  package func tcp(
    from sourceIP: [UInt8], to destinationIP: [UInt8], ports: (UInt16, UInt16) = (4000, 5000), payload: [UInt8],
    checksum: Checksum = .full
  ) -> Built {
    let segment =
      big(ports.0) + big(ports.1) + [0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18] + big(0xFFFF) + big(0) + big(0) + payload
    return packet(sourceIP, destinationIP, proto: 6, segment: segment, checksumOffset: 16, checksum)
  }

  private func packet(
    _ sourceIP: [UInt8], _ destinationIP: [UInt8], proto: UInt8, segment: [UInt8], checksumOffset: Int,
    _ checksum: Checksum
  ) -> Built {
    let isVersion4 = sourceIP.count == 4
    let pseudo = sourceIP + destinationIP + [0, proto] + big(UInt16(segment.count))
    var segment = segment
    let value: UInt16
    switch checksum {
    case .full: value = nonZero(~internetSum(pseudo + segment), isUDP: proto == 17)
    case .partial: value = internetSum(pseudo)
    case .wrong: value = ~internetSum(pseudo + segment) ^ 0x5555
    case .absent: value = 0
    }
    segment.replaceSubrange(checksumOffset..<(checksumOffset + 2), with: big(value))
    let ip = isVersion4 ? ipv4(sourceIP, destinationIP, proto, segment) : ipv6(sourceIP, destinationIP, proto, segment)
    var header = NetworkHeader()
    if case .partial = checksum {
      header = NetworkHeader(
        checksumStart: headerSize + (isVersion4 ? 20 : 40), checksumOffset: checksumOffset)
    }
    return Built(frame: frame(type: isVersion4 ? 0x0800 : 0x86DD, payload: ip), header: header)
  }

  private func ipv4(_ source: [UInt8], _ destination: [UInt8], _ proto: UInt8, _ segment: [UInt8]) -> [UInt8] {
    var header = [0x45, 0] + big(UInt16(20 + segment.count)) + [0, 0, 0x40, 0, 64, proto, 0, 0] + source + destination
    header.replaceSubrange(10..<12, with: big(~internetSum(header)))
    return header + segment
  }

  private func ipv6(_ source: [UInt8], _ destination: [UInt8], _ proto: UInt8, _ segment: [UInt8]) -> [UInt8] {
    [0x60, 0, 0, 0] + big(UInt16(segment.count)) + [proto, 64] + source + destination + segment
  }
}

/// A frame from one numbered station to another, or to all, of `size` bytes with its tags, whose payload differs by `seed`.
package func frame(
  _ source: Int, to destination: Int? = nil, tags: [FrameBuilder.Tag] = [], size: Int = 100, seed: Int = 0
) -> [UInt8] {
  FrameBuilder(
    to: destination.map(FrameBuilder.station) ?? FrameBuilder.broadcast, from: FrameBuilder.station(source), tags: tags
  ).plain(size: size, seed: seed)
}

/// A frame with one more tag, of type 0x8100, in front of those that it has.
package func tagged(_ vlan: UInt16, priority: UInt16 = 0, _ frame: [UInt8]) -> [UInt8] {
  Array(frame[..<12]) + [0x81, 0] + big(priority << 13 | vlan) + frame[12...]
}

/// What a look at the TCP or UDP checksum of a frame says.
package enum ChecksumState: Sendable, Equatable {
  case right, wrong
  /// UDP over IPv4 without one, or not TCP or UDP at all.
  case absent
}

/// Looks at the TCP or UDP checksum of an untagged or tagged IPv4 (no options) or IPv6 frame.
package func checksumState(_ frame: [UInt8]) -> ChecksumState {
  var position = 12
  func word(_ offset: Int) -> Int { Int(frame[offset]) << 8 | Int(frame[offset + 1]) }
  while frame.count >= position + 2, word(position) == 0x8100 || word(position) == 0x88A8 { position += 4 }
  guard frame.count >= position + 2 + 28 else { return .absent }
  let ip = position + 2
  let isVersion4 = word(position) == 0x0800
  guard isVersion4 || (word(position) == 0x86DD && frame.count >= ip + 48) else { return .absent }
  let proto = frame[ip + (isVersion4 ? 9 : 6)]
  let start = ip + (isVersion4 ? 20 : 40)
  let end = isVersion4 ? ip + word(ip + 2) : start + word(ip + 4)
  guard proto == 6 || proto == 17, end <= frame.count, end > start + 7 else { return .absent }
  if proto == 17, isVersion4, word(start + 6) == 0 { return .absent }
  let addresses = isVersion4 ? frame[(ip + 12)..<(ip + 20)] : frame[(ip + 8)..<(ip + 40)]
  let pseudo = addresses + [0, proto] + big(UInt16(end - start))
  return internetSum(pseudo + frame[start..<end]) == 0xFFFF ? .right : .wrong
}

/// The one's complement sum of 16-bit words (RFC 1071), not inverted.
package func internetSum(_ bytes: [UInt8]) -> UInt16 {
  var sum = 0
  for (position, byte) in bytes.enumerated() { sum += position % 2 == 0 ? Int(byte) << 8 : Int(byte) }
  while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
  return UInt16(sum)
}

private func internetSum(_ bytes: ArraySlice<UInt8>) -> UInt16 { internetSum(Array(bytes)) }

private func nonZero(_ checksum: UInt16, isUDP: Bool) -> UInt16 {
  isUDP && checksum == 0 ? 0xFFFF : checksum
}

private func big(_ value: UInt16) -> [UInt8] {
  [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
}
