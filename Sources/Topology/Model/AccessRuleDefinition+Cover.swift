/// Which frames rules are for, and whether one leaves any to another.
extension AccessRuleDefinition {
  /// What carries a packet, as far as rules tell it apart.
  enum Carrier: CaseIterable { case arp, ipv4, ipv6, other }

  /// What frames of the rule can be carried by; empty = no frame is like it.
  var carriers: [Carrier] {
    Carrier.allCases.filter { carrier in
      trafficGoes(over: carrier) && addressesGo(over: carrier) && (etherType.map { carrier.has($0) } ?? true)
    }
  }

  private func trafficGoes(over carrier: Carrier) -> Bool {
    switch traffic {
    case .any: carrier != .arp || etherType == Carrier.typeOfARP
    case .arp: carrier == .arp
    case .ip: carrier == .ipv4
    case .ipv6: carrier == .ipv6
    case .tcp, .udp, .icmp: carrier == .ipv4 || carrier == .ipv6
    case .number(let number):
      (carrier == .ipv4 && number != Self.icmpOverIPv6) || (carrier == .ipv6 && number != Self.icmpOverIPv4)
    }
  }

  private func addressesGo(over carrier: Carrier) -> Bool {
    let blocks = [from, to].compactMap(\.self)
    guard !blocks.isEmpty else { return (ports ?? fromPorts) == nil || carrier == .ipv4 || carrier == .ipv6 }
    switch carrier {
    case .arp: return blocks.allSatisfy { !$0.isIPv6 } && (ports ?? fromPorts) == nil
    case .ipv4: return blocks.allSatisfy { !$0.isIPv6 }
    case .ipv6: return blocks.allSatisfy(\.isIPv6)
    case .other: return false
    }
  }

  private static let icmpOverIPv4 = 1
  private static let icmpOverIPv6 = 58

  /// Whether every frame of the other rule is one of this, so that the other one, behind it, never decides.
  func covers(_ other: AccessRuleDefinition) -> Bool {
    // What a node needs to be on a network at all is left alone by rules that do not name it.
    guard !other.namesNeighbours || namesNeighbours, !other.namesDHCP || hasUDPPorts else { return false }
    let carriers = carriers
    guard other.carriers.allSatisfy({ carriers.contains($0) && coversTraffic(of: other, over: $0) }) else {
      return false
    }
    guard Self.covers(from, other.from), Self.covers(to, other.to) else { return false }
    guard Self.covers(ports, other.ports), Self.covers(fromPorts, other.fromPorts) else { return false }
    guard mac == nil || mac == other.mac else { return false }
    return etherType == nil || etherType == other.etherType || !other.carriers.contains(.other)
  }

  /// It is for neighbour discovery too, by the number of its protocol.
  private var namesNeighbours: Bool { traffic == .number(Self.icmpOverIPv6) }

  private var hasUDPPorts: Bool { traffic == .udp && (ports ?? fromPorts) != nil }

  /// It is for DHCP too, by its ports.
  private var namesDHCP: Bool {
    hasUDPPorts
      && [ports, fromPorts].allSatisfy { spans in
        spans.map { $0.contains { span in Self.portsOfDHCP.contains { span.range.contains($0) } } } ?? true
      }
  }

  private static let portsOfDHCP = [67, 68, 546, 547]

  private func coversTraffic(of other: AccessRuleDefinition, over carrier: Carrier) -> Bool {
    guard let own = protocolNumber(over: carrier) else { return true }
    return own == other.protocolNumber(over: carrier)
  }

  /// IANA number of the protocol that it is for; nil = any.
  private func protocolNumber(over carrier: Carrier) -> Int? {
    switch traffic {
    case .any, .arp, .ip, .ipv6: nil
    case .tcp: 6
    case .udp: 17
    case .icmp: carrier == .ipv6 ? Self.icmpOverIPv6 : Self.icmpOverIPv4
    case .number(let number): number
    }
  }

  private static func covers(_ one: AddressBlock?, _ other: AddressBlock?) -> Bool {
    guard let one else { return true }
    return other.map { one.contains($0) } ?? false
  }

  private static func covers(_ one: [PortSpan]?, _ other: [PortSpan]?) -> Bool {
    guard let one else { return true }
    guard let other else { return false }
    return other.allSatisfy { span in
      one.contains { $0.range.lowerBound <= span.range.lowerBound && span.range.upperBound <= $0.range.upperBound }
    }
  }
}

extension AccessRuleDefinition.Carrier {
  static let typeOfARP = 0x0806

  /// Whether a packet in it can have that EtherType.
  func has(_ etherType: Int) -> Bool {
    switch etherType {
    case Self.typeOfARP: self == .arp
    case 0x0800: self == .ipv4
    case 0x86DD: self == .ipv6
    default: self == .other
    }
  }
}
