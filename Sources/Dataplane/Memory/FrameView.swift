import Frames

/// What rules judge of a frame, read once from its scratch copy, whatever tags are in front of it.
///
/// Words are as they lie in memory, so that reading them costs nothing and rules are made to fit.
struct FrameView: BitwiseCopyable {
  /// What could not be seen: it lies behind the end of the frame, or of what is looked at, or in another fragment.
  struct Unseen: OptionSet, BitwiseCopyable {
    var rawValue: UInt8
    /// Of more than two tags, or of none at all.
    static var type: Unseen { Unseen(rawValue: 1) }
    static var addresses: Unseen { Unseen(rawValue: 2) }
    /// TCP, UDP or what it is.
    static var transport: Unseen { Unseen(rawValue: 4) }
    /// Ports of TCP and UDP, the type of ICMP.
    static var ports: Unseen { Unseen(rawValue: 8) }
  }

  /// How it was sent.
  struct Form: OptionSet, BitwiseCopyable {
    var rawValue: UInt8
    static var fragment: Form { Form(rawValue: 1) }
    /// A fragment that has not the beginning.
    static var later: Form { Form(rawValue: 2) }
    /// A fragment that would lie over the header of TCP (RFC 3128).
    static var overlapping: Form { Form(rawValue: 4) }
    /// There was more of the frame than was looked at, and it mattered.
    static var cut: Form { Form(rawValue: 8) }
    /// The addresses are of IPv6.
    static var version6: Form { Form(rawValue: 16) }
  }

  /// Source port, destination port, each in network order; protocol from bit 32; `FrameKind` from bit 40.
  ///
  /// Of an ICMP echo, its identifier stands in the place of both ports.
  var word: UInt64 = 0
  /// Source and, of IPv4 and ARP from bit 32 on, destination.
  var source: UInt64 = 0
  var sourceLow: UInt64 = 0
  var destination: UInt64 = 0
  var destinationLow: UInt64 = 0
  /// Source station, and from bit 48 on the type behind tags, in network order.
  var link: UInt64 = 0
  var unseen: Unseen = []
  var form: Form = []
  /// Where the headers of network and transport begin; 0 = there is none, or it is not seen.
  var network: UInt8 = 0
  var transport: UInt8 = 0
  /// Flags of TCP, type of ICMP.
  var detail: UInt8 = 0
  /// Of IPv4 and IPv6.
  var hopLimit: UInt8 = 0

  init() {}

  /// TCP or UDP over IPv4 without options and not a fragment.
  @inline(__always)
  init(word: UInt64, addresses: UInt64, link: UInt64, detail: UInt8) {
    (self.word, source, self.link, self.detail) = (word, addresses, link, detail)
    (network, transport) = (14, 34)
  }

  @inline(__always) var kind: FrameKind { FrameKind(rawValue: word >> 40) }
  var proto: UInt8 { UInt8(truncatingIfNeeded: word >> 32) }
  var sourcePort: UInt16 { UInt16(truncatingIfNeeded: word).byteSwapped }
  var destinationPort: UInt16 { UInt16(truncatingIfNeeded: word >> 16).byteSwapped }
  /// The type behind tags.
  var type: UInt16 { UInt16(truncatingIfNeeded: link >> 48).byteSwapped }
  var station: MACAddress { MACAddress(bits: link) }

  /// Kinds that the frame is of, one of them, as far as it can be seen.
  var possibleKinds: FrameKind {
    if unseen.contains(.type) { return .all.subtracting(.needed) }
    guard unseen.contains(.transport) else { return kind }
    return form.contains(.version6) ? .version6 : .version4
  }

  /// The same with those that are let through where no rule names them.
  var possibleNeeds: FrameKind {
    if unseen.contains(.type) { return .needed }
    if unseen.contains(.transport) { return form.contains(.version6) ? [.neighbours, .dhcp6] : .dhcp4 }
    guard unseen.contains(.ports) else { return [] }
    switch kind {
    case .udp4: return .dhcp4
    case .udp6: return .dhcp6
    case .icmp6: return .neighbours
    default: return []
    }
  }
}

/// What a frame carries, one bit each: what a rule takes is a set of them.
struct FrameKind: OptionSet, BitwiseCopyable {
  var rawValue: UInt64

  /// Neither IP nor ARP.
  static var other: FrameKind { FrameKind(rawValue: 1) }
  /// ARP and RARP.
  static var arp: FrameKind { FrameKind(rawValue: 1 << 1) }
  static var other4: FrameKind { FrameKind(rawValue: 1 << 2) }
  static var tcp4: FrameKind { FrameKind(rawValue: 1 << 3) }
  static var udp4: FrameKind { FrameKind(rawValue: 1 << 4) }
  static var icmp4: FrameKind { FrameKind(rawValue: 1 << 5) }
  static var other6: FrameKind { FrameKind(rawValue: 1 << 6) }
  static var tcp6: FrameKind { FrameKind(rawValue: 1 << 7) }
  static var udp6: FrameKind { FrameKind(rawValue: 1 << 8) }
  static var icmp6: FrameKind { FrameKind(rawValue: 1 << 9) }
  /// Neighbour discovery (RFC 4861): routers, neighbours, redirects.
  static var neighbours: FrameKind { FrameKind(rawValue: 1 << 10) }
  static var dhcp4: FrameKind { FrameKind(rawValue: 1 << 11) }
  static var dhcp6: FrameKind { FrameKind(rawValue: 1 << 12) }

  static var version4: FrameKind { [.other4, .tcp4, .udp4, .icmp4] }
  static var version6: FrameKind { [.other6, .tcp6, .udp6, .icmp6] }
  /// Without these a node has no address, and finds nobody: they pass where no rule names them.
  static var needed: FrameKind { [.arp, .neighbours, .dhcp4, .dhcp6] }
  static var all: FrameKind { FrameKind(rawValue: (1 << 13) - 1) }
}
