import Frames

/// One line of an access list: what it matches, and what becomes of it.
package struct AccessRule: Sendable, Hashable, Codable {
  package enum Verdict: String, Sendable, Hashable, Codable { case allow, deny }

  /// What a frame carries.
  package enum Traffic: Sendable, Hashable, Codable {
    /// Any frame.
    case any
    case arp
    /// Any IPv4.
    case ip
    /// Any IPv6.
    case ipv6
    /// Over IPv4 or IPv6, as the ones below.
    case tcp, udp
    /// ICMP over IPv4, ICMPv6 over IPv6.
    case icmp
    /// A protocol by its IANA number.
    case number(UInt8)
  }

  package var verdict: Verdict
  package var traffic: Traffic
  /// Source and destination address (of ARP: sender's and target's); nil = any.
  package var from: AddressRange?
  package var to: AddressRange?
  /// Destination ports of TCP and UDP, at most `mostPorts`; empty = any.
  package var ports: [ClosedRange<UInt16>]
  /// Source ports; empty = any.
  package var fromPorts: [ClosedRange<UInt16>]
  /// Source station; nil = any.
  package var mac: MACAddress?
  /// EtherType behind a VLAN tag; nil = any.
  package var etherType: UInt16?

  /// Ranges of ports a rule, each way.
  package static let mostPorts = 16

  package init(
    _ verdict: Verdict, _ traffic: Traffic, from: AddressRange? = nil, to: AddressRange? = nil,
    ports: [ClosedRange<UInt16>] = [], fromPorts: [ClosedRange<UInt16>] = [], mac: MACAddress? = nil,
    etherType: UInt16? = nil
  ) {
    (self.verdict, self.traffic, self.from, self.to) = (verdict, traffic, from, to)
    (self.ports, self.fromPorts, self.mac, self.etherType) = (ports, fromPorts, mac, etherType)
  }
}

/// A named list of rules: the first that matches decides, then the default, which denies.
package struct AccessList: Sendable, Hashable, Codable {
  package var name: String
  /// Answers to what was let through pass.
  package var isStateful: Bool
  /// Frames to the node; nil = all pass, and an empty list lets nothing pass but ARP, ND and DHCP.
  package var toNode: [AccessRule]?
  package var fromNode: [AccessRule]?

  /// Rules a direction.
  package static let mostRules = 256

  package init(name: String, isStateful: Bool = false, toNode: [AccessRule]? = nil, fromNode: [AccessRule]? = nil) {
    (self.name, self.isStateful, self.toNode, self.fromNode) = (name, isStateful, toNode, fromNode)
  }
}

/// What a port lets through, and how much of it.
package struct PortRules: Sendable, Hashable, Codable {
  package var access: AccessList?
  /// The only source station of frames from the node; nil = any.
  package var macLock: MACAddress?
  /// The only source addresses of IP frames, ARP and ND from the node; nil = any, empty = none (but what a node needs to
  /// get an address: DHCP, ND's duplicate address detection, link-local IPv6 made of its station).
  package var ipLock: [AddressRange]?
  /// Addresses that DHCP servers behind other ports of the VLAN give the node are added to `ipLock`.
  package var learnsAddresses: Bool
  /// Stations that the port may have at once, 1 or more; nil = as the switch has it.
  package var learnLimit: Int?
  /// Sends nothing to other isolated ports of its switch.
  package var isIsolated: Bool
  /// Frames a second from the node; nil = any, otherwise 1...10_000_000.
  package var broadcastStorm: Int?
  package var multicastStorm: Int?
  /// Of frames to stations that are not known.
  package var unknownStorm: Int?
  /// Bits a second, as of `Impairment.rate`; nil = any, otherwise 1000...1_000_000_000_000.
  package var rateToNode: UInt64?
  package var rateFromNode: UInt64?

  package init(
    access: AccessList? = nil, macLock: MACAddress? = nil, ipLock: [AddressRange]? = nil, learnsAddresses: Bool = false,
    learnLimit: Int? = nil, isIsolated: Bool = false, broadcastStorm: Int? = nil, multicastStorm: Int? = nil,
    unknownStorm: Int? = nil, rateToNode: UInt64? = nil, rateFromNode: UInt64? = nil
  ) {
    (self.access, self.macLock, self.ipLock, self.learnsAddresses) = (access, macLock, ipLock, learnsAddresses)
    (self.learnLimit, self.isIsolated) = (learnLimit, isIsolated)
    (self.broadcastStorm, self.multicastStorm, self.unknownStorm) = (broadcastStorm, multicastStorm, unknownStorm)
    (self.rateToNode, self.rateFromNode) = (rateToNode, rateFromNode)
  }

  /// Lets everything through.
  package var isEmpty: Bool { self == PortRules() }
}

/// What a port's rules did so far.
package struct RuleStatus: Sendable, Hashable {
  package var rules: PortRules
  /// Frames that each rule of the access list matched, in its order; then those that came to the default.
  package var toNodeHits: [UInt64] = []
  package var fromNodeHits: [UInt64] = []
  /// Of frames that no rule named and that pass nonetheless: ARP, ND and DHCP.
  package var toNodeNeeded: UInt64 = 0
  package var fromNodeNeeded: UInt64 = 0
  /// Of answers to what was let through.
  package var toNodeAnswers: UInt64 = 0
  package var fromNodeAnswers: UInt64 = 0
  /// Flows in the table of state, and how many there may be.
  package var flowCount = 0
  package var flowLimit = 0
  /// Flows that were let through, but found no room in the table: their answers did not pass.
  package var flowsWithoutState: UInt64 = 0
  /// Addresses that were learnt from DHCP.
  package var learntAddresses: [AddressRange] = []

  package init(rules: PortRules) { self.rules = rules }
}
