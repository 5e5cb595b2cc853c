import Frames

/// Reads a frame's headers. Whatever they say, no more is looked at than is there, and chains are bounded.
extension FrameView {
  /// VLAN tags that are looked behind.
  static var tagLimit: Int { 2 }
  /// Extension headers of IPv6 that are followed.
  static var extensionLimit: Int { 8 }

  static var protocolICMP: UInt8 { 1 }
  static var protocolTCP: UInt8 { 6 }
  static var protocolUDP: UInt8 { 17 }
  static var protocolICMP6: UInt8 { 58 }

  /// - Parameter bytes: the first ones of the frame, a slot's at most; 14 or more.
  init(parsing bytes: HeaderBytes) {
    self.init()
    parse(bytes)
  }

  private mutating func parse(_ bytes: HeaderBytes) {
    for position in 0..<6 { link |= UInt64(bytes[6 + position]) << UInt64(8 * position) }
    var place = 12
    var tags = 0
    while true {
      guard has(place + 2, bytes) else { return miss([.type, .addresses, .transport, .ports], .other) }
      let type = bytes.half(place)
      link = link & 0xFFFF_FFFF_FFFF | UInt64(type.byteSwapped) << 48
      guard type == Ethernet.typeVLAN || type == Ethernet.typeServiceVLAN else { break }
      guard tags < Self.tagLimit else { return miss([.type, .addresses, .transport, .ports], .other) }
      tags += 1
      place += Ethernet.tagSize
    }
    network = UInt8(truncatingIfNeeded: place + 2)
    switch type {
    case 0x0806, Ethernet.typeRARP: parseARP(bytes, at: place + 2)
    case Ethernet.typeIPv4: parseVersion4(bytes, at: place + 2)
    case Ethernet.typeIPv6: parseVersion6(bytes, at: place + 2)
    default: word = FrameKind.other.rawValue << 40
    }
  }

  private mutating func miss(_ unseen: Unseen, _ kind: FrameKind) {
    self.unseen.formUnion(unseen)
    word = word & 0xFF_FFFF_FFFF | kind.rawValue << 40
  }

  /// So many bytes are there; otherwise notes that more were wanted.
  private mutating func has(_ count: Int, _ bytes: HeaderBytes) -> Bool {
    guard count > bytes.count else { return true }
    form.insert(.cut)
    return false
  }

  /// Eight bytes as they lie in memory.
  static func memory(_ bytes: HeaderBytes, _ place: Int, count: Int = 8) -> UInt64 {
    var value: UInt64 = 0
    for position in 0..<count { value |= UInt64(bytes[place + position]) << UInt64(8 * position) }
    return value
  }

  private mutating func parseARP(_ bytes: HeaderBytes, at start: Int) {
    word = FrameKind.arp.rawValue << 40
    // Ethernet and IPv4, of 6 and 4 bytes (RFC 826).
    guard has(start + 28, bytes), bytes.half(start) == 1, bytes.half(start + 2) == 0x0800,
      bytes[start + 4] == 6, bytes[start + 5] == 4
    else { return miss(.addresses, .arp) }
    source = Self.memory(bytes, start + 14, count: 4) | Self.memory(bytes, start + 24, count: 4) << 32
  }

  private mutating func parseVersion4(_ bytes: HeaderBytes, at start: Int) {
    let header = Int(bytes[start] & 15) * 4
    guard has(start + 20, bytes), bytes[start] >> 4 == 4, header >= 20 else {
      return miss([.addresses, .transport, .ports], .other4)
    }
    source = Self.memory(bytes, start + 12)
    hopLimit = bytes[start + 8]
    let fragment = bytes.half(start + 6)
    noteFragment(offset: Int(fragment & 0x1FFF), hasMore: fragment & 0x2000 != 0)
    let end = start + Int(bytes.half(start + 2))
    parseTransport(bytes, bytes[start + 9], at: start + header, end: end)
  }

  private mutating func noteFragment(offset: Int, hasMore: Bool) {
    if offset > 0 || hasMore { form.insert(.fragment) }
    if offset > 0 { form.insert(.later) }
    if offset == 1 { form.insert(.overlapping) }
  }

  private mutating func parseVersion6(_ bytes: HeaderBytes, at start: Int) {
    form.insert(.version6)
    guard has(start + 40, bytes), bytes[start] >> 4 == 6 else {
      return miss([.addresses, .transport, .ports], .other6)
    }
    (source, sourceLow) = (Self.memory(bytes, start + 8), Self.memory(bytes, start + 16))
    (destination, destinationLow) = (Self.memory(bytes, start + 24), Self.memory(bytes, start + 32))
    hopLimit = bytes[start + 7]
    let end = start + 40 + Int(bytes.half(start + 4))
    var (next, place) = (bytes[start + 6], start + 40)
    for _ in 0...Self.extensionLimit {
      guard Self.isExtension(next) else { return parseTransport(bytes, next, at: place, end: end) }
      guard !form.contains(.later), has(place + 8, bytes), place + 8 <= end else { break }
      let (size, following) = (Int(bytes[place + 1]), bytes[place])
      switch next {
      case 44:
        let fragment = bytes.half(place + 2)
        noteFragment(offset: Int(fragment >> 3), hasMore: fragment & 1 != 0)
        place += 8
      case 51: place += 4 * (size + 2)
      default: place += 8 + 8 * size
      }
      next = following
    }
    form.remove(.overlapping)
    miss([.transport, .ports], .other6)
  }

  /// Hop-by-hop options, routing, fragment, authentication, destination options, mobility, HIP, shim6: each says what follows,
  /// and its own size.
  private static func isExtension(_ number: UInt8) -> Bool {
    switch number {
    case 0, 43, 44, 51, 60, 135, 139, 140: true
    default: false
    }
  }

  /// - Parameter end: of the packet, as it says itself.
  private mutating func parseTransport(_ bytes: HeaderBytes, _ number: UInt8, at start: Int, end: Int) {
    let isVersion6 = form.contains(.version6)
    let kind: FrameKind
    let least: Int
    switch number {
    case Self.protocolTCP: (kind, least) = (isVersion6 ? .tcp6 : .tcp4, 14)
    case Self.protocolUDP: (kind, least) = (isVersion6 ? .udp6 : .udp4, 8)
    case isVersion6 ? Self.protocolICMP6 : Self.protocolICMP: (kind, least) = (isVersion6 ? .icmp6 : .icmp4, 8)
    default: (kind, least) = (isVersion6 ? .other6 : .other4, 0)
    }
    word = UInt64(number) << 32 | kind.rawValue << 40
    if form.contains(.overlapping), number != Self.protocolTCP { form.remove(.overlapping) }
    guard least > 0 else { return }
    guard !form.contains(.later), start + least <= end, has(start + least, bytes) else { return miss(.ports, kind) }
    transport = UInt8(truncatingIfNeeded: start)
    switch number {
    case Self.protocolTCP:
      detail = bytes[start + 13]
      word |= Self.memory(bytes, start, count: 4)
    case Self.protocolUDP:
      word |= Self.memory(bytes, start, count: 4)
      noteDHCP()
    default: parseICMP(bytes, at: start)
    }
  }

  /// DHCP goes between ports 67 and 68, or 546 and 547 over IPv6; both ports of a frame are among them.
  private mutating func noteDHCP() {
    let ports: ClosedRange<UInt16> = form.contains(.version6) ? 546...547 : 67...68
    guard ports.contains(sourcePort), ports.contains(destinationPort) else { return }
    let kind: FrameKind = form.contains(.version6) ? .dhcp6 : .dhcp4
    word = word & 0xFF_FFFF_FFFF | kind.rawValue << 40
  }

  private mutating func parseICMP(_ bytes: HeaderBytes, at start: Int) {
    detail = bytes[start]
    let identifier = Self.memory(bytes, start + 4, count: 2)
    if isEcho { word |= identifier | identifier << 16 }
    // Neighbour discovery comes from a link only, and never in fragments (RFC 4861 section 7.1, RFC 6980).
    guard form.contains(.version6), (133...137).contains(detail), bytes[start + 1] == 0, hopLimit == 255,
      !form.contains(.fragment)
    else { return }
    word = word & 0xFF_FFFF_FFFF | FrameKind.neighbours.rawValue << 40
  }

  /// Asks for an echo; the first of both of the types.
  var isEchoRequest: Bool { form.contains(.version6) ? detail == 128 : detail == 8 }
  var isEcho: Bool { form.contains(.version6) ? detail == 128 || detail == 129 : detail == 8 || detail == 0 }

  /// An ICMP message about another packet, of which it has the beginning.
  var isICMPError: Bool {
    switch kind {
    case .icmp4: detail == 3 || detail == 4 || detail == 5 || detail == 11 || detail == 12
    case .icmp6: (1...4).contains(detail)
    default: false
    }
  }
}
