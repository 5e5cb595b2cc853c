import Frames

/// What cannot be a rule.
extension AccessRule {
  /// What is wrong with it, in words; nil = nothing.
  package var problem: String? {
    for ports in [ports, fromPorts] where ports.count > Self.mostPorts {
      return "\(ports.count) ranges of ports, \(Self.mostPorts) can be had"
    }
    if !ports.isEmpty || !fromPorts.isEmpty, !hasPorts { return "ports are of tcp and udp" }
    if let from, let to, from.isIPv6 != to.isIPv6 { return "from and to are of different versions of IP" }
    if let etherType, let own = ownEtherType, etherType != own {
      return "no frame has this ethertype and this protocol"
    }
    return RuleCompiler.kinds(of: self).isEmpty ? "no frame has such addresses and this protocol" : nil
  }

  private var hasPorts: Bool {
    switch traffic {
    case .tcp, .udp, .number(FrameView.protocolTCP), .number(FrameView.protocolUDP): true
    default: false
    }
  }

  /// The only type that frames of this traffic have; nil = they may have several.
  private var ownEtherType: UInt16? {
    switch traffic {
    case .ip: Ethernet.typeIPv4
    case .ipv6: Ethernet.typeIPv6
    case .any: from.map { $0.isIPv6 ? Ethernet.typeIPv6 : etherType == 0x0806 ? 0x0806 : Ethernet.typeIPv4 }
    default: nil
    }
  }
}

extension PortRules {
  /// What `broadcastStorm` and the like may be.
  package static let stormRates = 1...10_000_000
  /// What `rateToNode` and `rateFromNode` may be, in bits a second.
  package static let rates: ClosedRange<UInt64> = 1000...1_000_000_000_000

  /// The first value that cannot be, in words; nil = all can.
  package var problem: String? {
    if let access, let problem = access.problem { return problem }
    if let macLock, macLock.isGroup || macLock.isZero { return "mac-lock \(macLock) is no station" }
    if let learnLimit, !(1...1 << 20).contains(learnLimit) { return "learn-limit \(learnLimit) is outside 1...1048576" }
    for storm in [broadcastStorm, multicastStorm, unknownStorm] {
      if let storm, !Self.stormRates.contains(storm) { return "storm of \(storm)/s is outside 1...10000000" }
    }
    for rate in [rateToNode, rateFromNode] {
      if let rate, !Self.rates.contains(rate) { return "rate of \(rate) bit/s is outside 1000...1000000000000" }
    }
    return nil
  }
}

extension AccessList {
  /// The first rule that cannot be, in words; nil = all can.
  package var problem: String? {
    for (direction, rules) in [("to-node", toNode ?? []), ("from-node", fromNode ?? [])] {
      guard rules.count <= Self.mostRules else {
        return "access list \(name): \(rules.count) rules \(direction), \(Self.mostRules) can be had"
      }
      for (number, rule) in rules.enumerated() {
        if let problem = rule.problem { return "access list \(name), \(direction) \(number + 1): \(problem)" }
      }
    }
    return nil
  }
}
