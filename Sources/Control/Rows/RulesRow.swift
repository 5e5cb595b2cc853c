import Dataplane
import Frames
import Topology

/// What a port lets through, as `port show` tells it.
package struct RulesRow: Described, Equatable {
  /// Frames a second; nil = any number.
  package struct Storm: Described, Equatable {
    package var broadcast: Int?
    package var multicast: Int?
    package var unknown: Int?
  }

  /// Bits a second; nil = any number.
  package struct Rate: Described, Equatable {
    package var toNode: UInt64?
    package var fromNode: UInt64?

    enum CodingKeys: String, CodingKey {
      case toNode = "to_node"
      case fromNode = "from_node"
    }
  }

  package var access: String?
  package var macLock: String?
  /// Those that DHCP gave the node included.
  package var ipLock: [String]?
  package var learnLimit: Int?
  package var isolated: Bool
  package var storm: Storm
  package var rate: Rate
  package var flows: Int
  package var flowLimit: Int

  enum CodingKeys: String, CodingKey {
    case access, isolated, storm, rate, flows
    case macLock = "mac_lock"
    case ipLock = "ip_lock"
    case learnLimit = "learn_limit"
    case flowLimit = "flow_limit"
  }

  /// Nil for a port that lets everything through.
  init?(_ status: RuleStatus?) {
    guard let status, !status.rules.isEmpty else { return nil }
    let rules = status.rules
    access = rules.access?.name
    macLock = rules.macLock?.description
    let learnt = status.learntAddresses.map { AddressBlock($0).description }
    ipLock = rules.ipLock.map { $0.map { AddressBlock($0).description } + learnt }
    (learnLimit, isolated) = (rules.learnLimit, rules.isIsolated)
    storm = Storm(broadcast: rules.broadcastStorm, multicast: rules.multicastStorm, unknown: rules.unknownStorm)
    rate = Rate(toNode: rules.rateToNode, fromNode: rules.rateFromNode)
    (flows, flowLimit) = (status.flowCount, status.flowLimit)
  }

  package static let shape = Shape.object(
    "Rules", "What a port lets through.",
    [
      Field("access", .nullable(.text), "Name of its access list."),
      Field("mac_lock", .nullable(.text), "The only station whose frames pass."),
      Field("ip_lock", .nullable(.list(.text)), "The only addresses whose packets pass, those of DHCP included."),
      Field("learn_limit", .nullable(.count), "Stations that it may have."),
      Field("isolated", .boolean, "Nothing passes between it and other isolated ports."),
      Field("storm", Storm.shape, "Frames from the node that pass in a second."),
      Field("rate", Rate.shape, "Bits that pass in a second."),
      Field("flows", .count, "Flows whose answers pass, that are known now."),
      Field("flow_limit", .count, "How many may be."),
    ])

  /// Every key is always there; what is not limited is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(access, forKey: .access)
    try row.encode(macLock, forKey: .macLock)
    try row.encode(ipLock, forKey: .ipLock)
    try row.encode(learnLimit, forKey: .learnLimit)
    try row.encode(isolated, forKey: .isolated)
    try row.encode(storm, forKey: .storm)
    try row.encode(rate, forKey: .rate)
    try row.encode(flows, forKey: .flows)
    try row.encode(flowLimit, forKey: .flowLimit)
  }
}

extension RulesRow.Storm {
  package static let shape = Shape.object(
    "Storm", "Frames from a node that pass in a second; null = any number.",
    [
      Field("broadcast", .nullable(.count), "To all."), Field("multicast", .nullable(.count), "To groups."),
      Field("unknown", .nullable(.count), "To stations that the switch does not know."),
    ])

  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(broadcast, forKey: .broadcast)
    try row.encode(multicast, forKey: .multicast)
    try row.encode(unknown, forKey: .unknown)
  }
}

extension RulesRow.Rate {
  package static let shape = Shape.object(
    "Rate", "Bits that pass in a second; null = any number.",
    [Field("to_node", .nullable(.count), "To the node."), Field("from_node", .nullable(.count), "From the node.")])

  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(toNode, forKey: .toNode)
    try row.encode(fromNode, forKey: .fromNode)
  }
}

extension RulesRow {
  /// Lines of `port show`: what is limited, and how.
  var facts: [(String, String?)] {
    let storms = [("broadcast", storm.broadcast), ("multicast", storm.multicast), ("unknown", storm.unknown)]
      .compactMap { name, count in count.map { "\(name) \($0)/s" } }
    let rates = [("to the node", rate.toNode), ("from the node", rate.fromNode)]
      .compactMap { name, bits in bits.map { "\(ImpairmentText.rate(Int(clamping: $0))) \(name)" } }
    return [
      ("access", access), ("mac-lock", macLock),
      ("ip-lock", ipLock.map { $0.isEmpty ? "none" : $0.joined(separator: ", ") }),
      ("learn-limit", learnLimit.map { $0 == 1 ? "1 station" : "\($0) stations" }),
      ("isolated", isolated ? "yes" : nil),
      ("storm", storms.isEmpty ? nil : storms.joined(separator: ", ")),
      ("rate", rates.isEmpty ? nil : rates.joined(separator: ", ")),
      ("flows", flowLimit > 0 ? "\(flows) of \(flowLimit)" : nil),
    ]
  }
}
