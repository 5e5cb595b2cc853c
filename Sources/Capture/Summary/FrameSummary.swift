/// What a frame is, in the few words that fit on a line.
package struct FrameSummary: Sendable, Equatable {
  /// Station addresses; `?` if the frame is too short to have them.
  package var source = "?"
  package var destination = "?"
  /// VLANs of its tags, the outermost first.
  package var vlans: [UInt16] = []
  /// Such as `ARP`, `TCP`, `LLDP`, or the type as `0x88b5`.
  package var protocolName = "?"
  /// What the protocol says: addresses, ports, flags; may be empty.
  package var details = ""
  /// Bytes of the frame before it was cut.
  package var length: Int

  /// Looks at a frame of which at least the first bytes are there.
  package init(_ bytes: [UInt8], length: Int) {
    self.length = length
    let view = FrameView(bytes: bytes)
    guard let destination = view.station(0), let source = view.station(6) else { return }
    self.destination = destination
    self.source = source
    var place = 12
    while let type = view.half(place), type == 0x8100 || type == 0x88A8, let tag = view.half(place + 2) {
      vlans.append(tag & 0x0FFF)
      place += 4
    }
    guard let type = view.half(place) else { return }
    (protocolName, details) = Self.network(type, place + 2, view)
  }

  /// All of it: `02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff vlan 10 ARP who has 10.0.0.2, tell 10.0.0.1, length 60`.
  package var text: String {
    var parts = ["\(source) > \(destination)"]
    for vlan in vlans { parts.append("vlan \(vlan)") }
    parts.append(protocolName)
    if !details.isEmpty { parts.append(details) }
    return parts.joined(separator: " ") + ", length \(length)"
  }

  private static func network(_ type: UInt16, _ place: Int, _ view: FrameView) -> (String, String) {
    switch type {
    case 0x0800: return internet4(place, view)
    case 0x86DD: return internet6(place, view)
    case 0x0806: return ("ARP", arp(place, view))
    case 0x8035: return ("RARP", view.station(place + 8).map { "announces \($0)" } ?? "")
    case 0x88CC: return ("LLDP", "")
    case 0x8809: return (view.byte(place) == 1 ? "LACP" : "slow protocol", "")
    case 0x8808: return ("pause", "")
    case 0x888E: return ("EAPOL", "")
    case ..<0x0600: return logicalLink(place, view)
    default: return ("0x" + hex(UInt64(type), digits: 4), "")
    }
  }

  /// IEEE 802.3 with a length in place of the type: spanning tree, and anything else.
  private static func logicalLink(_ place: Int, _ view: FrameView) -> (String, String) {
    guard view.half(place) == 0x4242 else {
      return view.half(place) == 0xAAAA ? ("SNAP", "") : ("LLC", "")
    }
    guard let version = view.byte(place + 5), let type = view.byte(place + 6) else { return ("STP", "") }
    let name = version >= 3 ? "MSTP" : version == 2 ? "RSTP" : "STP"
    if type == 0x80 { return (name, "topology change") }
    guard let priority = view.half(place + 8), let root = view.station(place + 10) else { return (name, "") }
    return (name, "root \(hex(UInt64(priority), digits: 4)).\(root)")
  }

  private static func arp(_ place: Int, _ view: FrameView) -> String {
    guard view.word(place) == 0x0001_0800, let operation = view.half(place + 6), let station = view.station(place + 8),
      let sender = view.version4(place + 14), let target = view.version4(place + 24)
    else { return "" }
    switch operation {
    case 1: return sender == target ? "announces \(sender)" : "who has \(target), tell \(sender)"
    case 2: return "\(sender) is at \(station)"
    default: return "operation \(operation)"
    }
  }

  private static func internet4(_ place: Int, _ view: FrameView) -> (String, String) {
    guard let first = view.byte(place), first >> 4 == 4, let proto = view.byte(place + 9),
      let source = view.version4(place + 12), let destination = view.version4(place + 16)
    else { return ("IPv4", "") }
    let fragment = (view.half(place + 6) ?? 0) & 0x1FFF
    guard fragment == 0 else { return ("IPv4", "\(source) > \(destination) fragment at \(Int(fragment) * 8)") }
    let size = Int(view.half(place + 2) ?? 0) - Int(first & 15) * 4
    return transport(proto, place + Int(first & 15) * 4, size, source, destination, view)
  }

  private static func internet6(_ place: Int, _ view: FrameView) -> (String, String) {
    guard let first = view.byte(place), first >> 4 == 6, var proto = view.byte(place + 6),
      let source = view.version6(place + 8), let destination = view.version6(place + 24)
    else { return ("IPv6", "") }
    var start = place + 40
    var size = Int(view.half(place + 4) ?? 0)
    // Hop-by-hop, routing and destination options, a few at most.
    for _ in 0..<8 where [0, 43, 60].contains(proto) {
      guard let next = view.byte(start), let count = view.byte(start + 1) else { break }
      proto = next
      start += 8 + 8 * Int(count)
      size -= 8 + 8 * Int(count)
    }
    return transport(proto, start, size, source, destination, view)
  }

  private static func transport(
    _ proto: UInt8, _ place: Int, _ size: Int, _ source: String, _ destination: String, _ view: FrameView
  ) -> (String, String) {
    let isVersion6 = source.contains(":")
    let pair = { (from: UInt16, to: UInt16) in
      isVersion6 ? "[\(source)]:\(from) > [\(destination)]:\(to)" : "\(source):\(from) > \(destination):\(to)"
    }
    switch proto {
    case 6:
      guard let from = view.half(place), let to = view.half(place + 2) else { break }
      return ("TCP", pair(from, to) + tcp(place, size, view))
    case 17:
      guard let from = view.half(place), let to = view.half(place + 2) else { break }
      return ("UDP", "\(pair(from, to)) \(max(size - 8, 0)) bytes")
    case 1: return ("ICMP", "\(source) > \(destination)" + icmp4(place, view))
    case 58: return ("ICMPv6", "\(source) > \(destination)" + icmp6(place, view))
    case 2: return ("IGMP", "\(source) > \(destination)")
    default: return (isVersion6 ? "IPv6" : "IPv4", "\(source) > \(destination) protocol \(proto)")
    }
    return (proto == 6 ? "TCP" : "UDP", "\(source) > \(destination)")
  }

  private static func tcp(_ place: Int, _ size: Int, _ view: FrameView) -> String {
    guard let header = view.byte(place + 12), let flags = view.byte(place + 13) else { return "" }
    let names: [(UInt8, String)] = [(2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK"), (32, "URG")]
    let set = names.filter { flags & $0.0 != 0 }.map(\.1).joined(separator: " ")
    return " \(set.isEmpty ? "no flag" : set) \(max(size - Int(header >> 4) * 4, 0)) bytes"
  }

  private static func icmp4(_ place: Int, _ view: FrameView) -> String {
    guard let type = view.byte(place) else { return "" }
    let number = view.half(place + 6).map { " \($0)" } ?? ""
    switch type {
    case 0: return " echo reply\(number)"
    case 8: return " echo request\(number)"
    case 3: return " unreachable, code \(view.byte(place + 1) ?? 0)"
    case 5: return " redirect"
    case 11: return " time exceeded"
    default: return " type \(type)"
    }
  }

  private static func icmp6(_ place: Int, _ view: FrameView) -> String {
    guard let type = view.byte(place) else { return "" }
    let number = view.half(place + 6).map { " \($0)" } ?? ""
    let target = view.version6(place + 8).map { " \($0)" } ?? ""
    switch type {
    case 1: return " unreachable, code \(view.byte(place + 1) ?? 0)"
    case 2: return " packet too big"
    case 3: return " time exceeded"
    case 128: return " echo request\(number)"
    case 129: return " echo reply\(number)"
    case 133: return " router solicitation"
    case 134: return " router advertisement"
    case 135: return " neighbor solicitation\(target)"
    case 136: return " neighbor advertisement\(target)"
    case 143: return " multicast listener report"
    default: return " type \(type)"
    }
  }
}
