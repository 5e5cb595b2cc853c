import Dataplane
import Frames
import Topology

/// How access lists and the rules of the lab file become those of the data plane.
extension PortRules {
  /// Whose rules they are, as far as these depend on it.
  struct Owner {
    /// Name of the port, for messages.
    var port: String
    /// Nil where nobody knows which station is behind the port.
    var station: MACAddress?
    /// Those of the node itself, without the lengths of their subnets.
    var addresses: [AddressBlock]
    var attachment: Attachment
  }

  /// - Throws: `UserError` (`badInput`) for a list that the lab has not, and for locks without anything to go by.
  init(_ rules: RulesDefinition, of owner: Owner, in lab: CanonicalLab) throws(UserError) {
    self.init(
      learnLimit: rules.learnLimit, isIsolated: rules.isIsolated, broadcastStorm: rules.broadcastStorm,
      multicastStorm: rules.multicastStorm, unknownStorm: rules.unknownStorm,
      rateToNode: rules.rateToNode.map { UInt64(clamping: $0) },
      rateFromNode: rules.rateFromNode.map { UInt64(clamping: $0) })
    if let name = rules.access {
      guard let list = lab.accessList(name) else {
        let complaint = lab.complaint(aboutAccess: name)
        throw UserError(.badInput, "port \(owner.port): \(complaint.message)", hint: complaint.hint)
      }
      access = AccessList(list)
    }
    if rules.isMACLocked {
      guard let station = owner.station else {
        throw UserError(
          .badInput, "port \(owner.port): mac-lock is for the station behind a port, and behind this one are others",
          hint: "learn-limit says how many there may be")
      }
      macLock = station
    }
    switch rules.ipLock {
    case .listed(let blocks)?: ipLock = blocks.map(\.range)
    case .own?:
      ipLock = owner.addresses.map(\.range)
      learnsAddresses = lab.hasServer(for: owner.attachment)
      guard !owner.addresses.isEmpty || learnsAddresses else {
        throw UserError(
          .badInput, "port \(owner.port): ip-lock is for the node's own addresses, and none is known",
          hint: "say which pass: ip-lock=10.0.0.5,fd00::5")
      }
    case nil: break
    }
  }
}

extension AccessList {
  /// What the lab file has of it.
  init(_ list: AccessDefinition) {
    self.init(
      name: list.name, isStateful: list.isStateful, toNode: list.toNode.map { $0.map { AccessRule($0) } },
      fromNode: list.fromNode.map { $0.map { AccessRule($0) } })
  }
}

extension AccessRule {
  fileprivate init(_ rule: AccessRuleDefinition) {
    self.init(
      rule.verdict == .allow ? .allow : .deny, Traffic(rule.traffic), from: rule.from?.range, to: rule.to?.range,
      ports: Self.spans(rule.ports), fromPorts: Self.spans(rule.fromPorts), mac: rule.mac,
      etherType: rule.etherType.map { UInt16(clamping: $0) })
  }

  private static func spans(_ spans: [PortSpan]?) -> [ClosedRange<UInt16>] {
    (spans ?? []).map { UInt16(clamping: $0.range.lowerBound)...UInt16(clamping: $0.range.upperBound) }
  }
}

extension AccessRule.Traffic {
  fileprivate init(_ traffic: AccessTraffic) {
    switch traffic {
    case .any: self = .any
    case .arp: self = .arp
    case .ip: self = .ip
    case .ipv6: self = .ipv6
    case .tcp: self = .tcp
    case .udp: self = .udp
    case .icmp: self = .icmp
    case .number(let number): self = .number(UInt8(clamping: number))
    }
  }
}

extension NICDefinition {
  /// What its port lets through.
  /// - Throws: `UserError` (`badInput`), see `PortRules.init(_:of:in:)`.
  func portRules(_ rules: RulesDefinition, of node: NodeDefinition, in lab: CanonicalLab) throws(UserError) -> PortRules
  {
    guard !rules.isEmpty else { return PortRules() }
    let owner = PortRules.Owner(
      port: Names.port(node: node.name, nic: name), station: node.traits.takesInterfaces ? nil : mac,
      addresses: addresses.compactMap { AddressBlock(of: $0) }, attachment: attachment)
    return try PortRules(rules, of: owner, in: lab)
  }
}

extension AddedPort {
  /// What it lets through, in the lab that has its access list.
  /// - Throws: `UserError` (`badInput`), see `PortRules.init(_:of:in:)`.
  func portRules(in lab: CanonicalLab) throws(UserError) -> PortRules {
    guard let rules else { return PortRules() }
    let owner = PortRules.Owner(
      port: name, station: mac, addresses: [], attachment: .switchPort(switch: switchName, mode: mode))
    return try PortRules(rules, of: owner, in: lab)
  }
}

extension RulesDefinition {
  /// These with other values of some keys.
  ///
  /// - Throws: `UserError` (`badInput`) for a value that is none.
  package func changed(by settings: [RuleKey: String]) throws(UserError) -> RulesDefinition {
    var rules = self
    for key in RuleKey.allCases {
      guard let text = settings[key] else { continue }
      do throws(ValueFault) {
        try rules.set(key, to: text)
      } catch {
        switch error {
        case .type(let wanted), .range(let wanted):
          throw UserError(.badInput, "\(key.rawValue) must be \(wanted), found \"\(ShownText.line(text))\"")
        }
      }
    }
    return rules
  }

  /// Nil where nothing is said.
  var orNil: RulesDefinition? { isEmpty ? nil : self }
}
