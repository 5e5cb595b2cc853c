import Frames
import Lab
import Topology

extension LabDocument {
  /// A list of `access`.
  struct Access: Described, Equatable {
    var name: String
    var stateful: Bool?
    var toNode: [AccessRule]?
    var fromNode: [AccessRule]?

    enum CodingKeys: String, CodingKey {
      case name, stateful
      case toNode = "to_node"
      case fromNode = "from_node"
    }

    init(_ list: AccessDefinition) {
      (name, stateful) = (list.name, list.isStateful ? true : nil)
      toNode = list.toNode.map { $0.map { AccessRule($0) } }
      fromNode = list.fromNode.map { $0.map { AccessRule($0) } }
    }

    func definition() throws(UserError) -> AccessDefinition {
      var definition = AccessDefinition(name: name)
      definition.isStateful = stateful ?? false
      definition.toNode = try Self.rules(toNode, of: name)
      definition.fromNode = try Self.rules(fromNode, of: name)
      return definition
    }

    private static func rules(_ rules: [AccessRule]?, of list: String) throws(UserError) -> [AccessRuleDefinition]? {
      guard let rules else { return nil }
      var definitions: [AccessRuleDefinition] = []
      for rule in rules { definitions.append(try rule.definition(of: list)) }
      return definitions
    }

    static let shape = Shape.object(
      "LabAccess", "An access list: the first rule that matches decides.",
      [
        Field("name", .text, "Its name."),
        Field(optional: "stateful", .boolean, "Answers to what was let through pass."),
        Field(optional: "to_node", .list(AccessRule.shape), "Of frames to the node; all pass without it."),
        Field(
          optional: "from_node", .list(AccessRule.shape), "Of frames from the node; all pass without it."),
      ])
  }

  /// A rule of such a list.
  struct AccessRule: Described, Equatable {
    var action: AccessRuleDefinition.Verdict
    var traffic: String
    var from: String?
    var to: String?
    var ports: [String]?
    var fromPorts: [String]?
    var mac: String?
    var etherType: Int?

    enum CodingKeys: String, CodingKey {
      case action, traffic, from, to, ports, mac
      case fromPorts = "from_ports"
      case etherType = "ethertype"
    }

    init(_ rule: AccessRuleDefinition) {
      (action, traffic) = (rule.verdict, rule.traffic.description)
      (from, to) = (rule.from?.description, rule.to?.description)
      ports = rule.ports.map { $0.map(\.description) }
      fromPorts = rule.fromPorts.map { $0.map(\.description) }
      (mac, etherType) = (rule.mac?.description, rule.etherType)
    }

    func definition(of list: String) throws(UserError) -> AccessRuleDefinition {
      func read<Value>(_ text: String?, _ what: String, _ make: (String) -> Value?) throws(UserError) -> Value? {
        guard let text else { return nil }
        if let value = make(text) { return value }
        throw UserError(.badInput, "access list \(list): \"\(text)\" is no \(what)")
      }
      guard let traffic = try read(traffic, "traffic of a rule", { AccessTraffic($0) }) else {
        throw UserError(.badInput, "access list \(list): a rule needs traffic")
      }
      var definition = AccessRuleDefinition(action, traffic)
      definition.from = try read(from, "address or prefix", { AddressBlock($0) })
      definition.to = try read(to, "address or prefix", { AddressBlock($0) })
      definition.mac = try read(mac, "MAC address", { MACAddress($0) })
      definition.etherType = etherType
      for text in ports ?? [] {
        guard let span = try read(text, "port or span of them", { PortSpan($0) }) else { continue }
        definition.ports = (definition.ports ?? []) + [span]
      }
      for text in fromPorts ?? [] {
        guard let span = try read(text, "port or span of them", { PortSpan($0) }) else { continue }
        definition.fromPorts = (definition.fromPorts ?? []) + [span]
      }
      return definition
    }

    static let shape = Shape.object(
      "LabAccessRule", "A rule of an access list.",
      [
        Field("action", .choice(AccessRuleDefinition.Verdict.allCases.map(\.rawValue)), "What becomes of the frame."),
        Field("traffic", .text, "`any`, `arp`, `ip`, `ipv6`, `tcp`, `udp`, `icmp`, or the number of a protocol."),
        Field(optional: "from", .text, "Source address or prefix."),
        Field(optional: "to", .text, "Destination address or prefix."),
        Field(optional: "ports", .counted(.text, 1...16), "Destination ports: `80`, `8000-8010`."),
        Field(optional: "from_ports", .counted(.text, 1...16), "Source ports."),
        Field(optional: "mac", .text, "Source station."),
        Field(optional: "ethertype", .integer(0x600...0xFFFF), "EtherType."),
      ])
  }
}
