import Frames

/// Makes rules into words that are compared.
struct RuleCompiler {
  private(set) var rules: [RuleTable.Rule] = []
  private(set) var details: [RuleTable.Detail] = []
  private(set) var ranges: [ClosedRange<UInt16>] = []

  /// Adds a rule behind the others.
  mutating func add(_ rule: AccessRule) {
    var detail = RuleTable.Detail()
    var hasDetail = false
    var made = RuleTable.Rule(number: Int32(truncatingIfNeeded: rules.count), allows: rule.verdict == .allow)
    if case .number(let number) = rule.traffic {
      made.value |= UInt64(number) << 32
      made.mask |= 0xFF << 32
    }
    made.mask |= FrameKind.all.subtracting(Self.kinds(of: rule)).rawValue << 40
    hasDetail = add(rule.ports, shift: 16, to: &made, &detail.ports)
    if add(rule.fromPorts, shift: 0, to: &made, &detail.sourcePorts) { hasDetail = true }
    if let from = rule.from { hasDetail = Self.add(from, isSource: true, to: &made, &detail) || hasDetail }
    if let to = rule.to { hasDetail = Self.add(to, isSource: false, to: &made, &detail) || hasDetail }
    if let mac = rule.mac {
      detail.link = mac.bits
      detail.linkMask = 0xFFFF_FFFF_FFFF
      hasDetail = true
    }
    if let type = rule.etherType {
      detail.link |= UInt64(type.byteSwapped) << 48
      detail.linkMask |= 0xFFFF << 48
      hasDetail = true
    }
    if hasDetail {
      made.detail = Int32(truncatingIfNeeded: details.count)
      details.append(detail)
    }
    rules.append(made)
  }

  /// - Returns: there is more to it than one port.
  private mutating func add(
    _ ports: [ClosedRange<UInt16>], shift: UInt64, to rule: inout RuleTable.Rule, _ places: inout Range<Int>
  ) -> Bool {
    if ports.count == 1, let port = ports.first, port.lowerBound == port.upperBound {
      rule.value |= UInt64(port.lowerBound.byteSwapped) << shift
      rule.mask |= 0xFFFF << shift
      return false
    }
    places = ranges.count..<(ranges.count + ports.count)
    ranges += ports
    return !ports.isEmpty
  }

  private static func add(
    _ range: AddressRange, isSource: Bool, to rule: inout RuleTable.Rule, _ detail: inout RuleTable.Detail
  ) -> Bool {
    let (value, mask) = (range.memoryWords, range.memoryMask)
    guard range.isIPv6 else {
      rule.addresses |= value.low << (isSource ? 0 : 32)
      rule.addressMask |= mask.low << (isSource ? 0 : 32)
      return false
    }
    let place = isSource ? 0 : 2
    (detail.values[place], detail.values[place + 1]) = (value.high, value.low)
    (detail.masks[place], detail.masks[place + 1]) = (mask.high, mask.low)
    return true
  }

  /// What a rule takes.
  ///
  /// What a node needs is among it only where the rule names it: ARP, by its word or its type; neighbour discovery, by the
  /// number of its protocol; DHCP, by its ports.
  static func kinds(of rule: AccessRule) -> FrameKind {
    let hasPorts = !rule.ports.isEmpty || !rule.fromPorts.isEmpty
    var kinds: FrameKind
    switch rule.traffic {
    case .any: kinds = FrameKind.all.subtracting(.needed)
    case .arp: kinds = .arp
    case .ip: kinds = .version4
    case .ipv6: kinds = .version6
    case .tcp, .number(FrameView.protocolTCP): kinds = [.tcp4, .tcp6]
    case .udp, .number(FrameView.protocolUDP):
      kinds = hasPorts ? [.udp4, .udp6, .dhcp4, .dhcp6] : [.udp4, .udp6]
    case .icmp: kinds = [.icmp4, .icmp6]
    case .number(FrameView.protocolICMP): kinds = [.icmp4, .other6]
    case .number(FrameView.protocolICMP6): kinds = [.icmp6, .neighbours, .other4]
    case .number: kinds = [.other4, .other6]
    }
    if rule.etherType == 0x0806 || rule.etherType == Ethernet.typeRARP, rule.traffic == .any { kinds.insert(.arp) }
    for range in [rule.from, rule.to] {
      guard let range else { continue }
      kinds.formIntersection(
        range.isIPv6 ? FrameKind.version6.union([.neighbours, .dhcp6]) : FrameKind.version4.union([.arp, .dhcp4]))
    }
    return kinds
  }
}

extension AddressRange {
  /// The addresses' first bits as they lie in memory; of IPv4 in the lower 32 bits of `low`.
  var memoryWords: (high: UInt64, low: UInt64) {
    isIPv6 ? (high.byteSwapped, low.byteSwapped) : (0, UInt64(UInt32(truncatingIfNeeded: low).byteSwapped))
  }

  /// The bits that addresses have in common, in the same places.
  var memoryMask: (high: UInt64, low: UInt64) {
    let whole =
      isIPv6
      ? AddressRange(ipv6: .max, .max, length: length) : AddressRange(ipv4: .max, length: length)
    return whole.memoryWords
  }
}
