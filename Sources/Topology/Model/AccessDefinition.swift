import Frames

/// A list of `access:`: what passes a port, the first rule that matches deciding; what none matches is dropped.
package struct AccessDefinition: Codable, Sendable, Hashable {
  package var name: String
  /// Answers to what was let through pass.
  package var isStateful = false
  /// Nil = all passes; in an empty list nothing does but ARP, ND and DHCP.
  package var toNode: [AccessRuleDefinition]?
  package var fromNode: [AccessRuleDefinition]?

  private enum CodingKeys: String, CodingKey {
    case name
    case isStateful = "stateful"
    case toNode, fromNode
  }

  package init(name: String) { self.name = name }

  /// Ways of frames, with the rules for each; nil = all pass.
  package var directions: [(word: String, rules: [AccessRuleDefinition]?)] {
    [("to-node", toNode), ("from-node", fromNode)]
  }

  /// What a NIC or a command says where no list is meant; no list can be called so.
  package static let noneWord = "none"
}

/// One line of an access list.
package struct AccessRuleDefinition: Codable, Sendable, Hashable {
  package enum Verdict: String, Codable, Sendable, CaseIterable { case allow, deny }

  package var verdict: Verdict
  package var traffic: AccessTraffic
  /// Nil = any.
  package var from: AddressBlock?
  package var to: AddressBlock?
  /// Destination and source ports of TCP and UDP, ascending; nil = any.
  package var ports: [PortSpan]?
  package var fromPorts: [PortSpan]?
  /// Source station; nil = any.
  package var mac: MACAddress?
  /// 0x600 to 0xFFFF; nil = any.
  package var etherType: Int?

  package init(_ verdict: Verdict, _ traffic: AccessTraffic) { (self.verdict, self.traffic) = (verdict, traffic) }

  /// `allow tcp from 10.9.0.0/16 port 80,443`.
  package var words: String {
    var words = ["\(verdict.rawValue) \(traffic.description)"]
    if let from { words.append("from \(from)") }
    if let to { words.append("to \(to)") }
    if let ports { words.append("port \(Self.list(ports))") }
    if let fromPorts { words.append("from-port \(Self.list(fromPorts))") }
    if let mac { words.append("mac \(mac)") }
    if let etherType { words.append("ethertype 0x\(String(etherType, radix: 16))") }
    return words.joined(separator: " ")
  }

  private static func list(_ spans: [PortSpan]) -> String { spans.map(\.description).joined(separator: ",") }
}

/// What a frame carries that a rule is for.
package enum AccessTraffic: Sendable, Hashable, CustomStringConvertible {
  case any, arp, ip, ipv6, tcp, udp, icmp
  /// A protocol over IPv4 or IPv6 by its IANA number, other than TCP and UDP.
  case number(Int)

  /// The words for it; a number stands for any other.
  static let words = ["any", "arp", "ip", "ipv6", "tcp", "udp", "icmp"]

  /// Numbers of protocols.
  static let numbers = 0...255

  /// Reads one of the words, or a number from 0 to 255.
  package init?(_ text: String) {
    switch text {
    case "any": self = .any
    case "arp": self = .arp
    case "ip": self = .ip
    case "ipv6": self = .ipv6
    case "tcp", "6": self = .tcp
    case "udp", "17": self = .udp
    case "icmp": self = .icmp
    default:
      guard let number = ValueReader.integer(text), Self.numbers.contains(number) else { return nil }
      self = number == 6 ? .tcp : number == 17 ? .udp : .number(number)
    }
  }

  package var description: String {
    switch self {
    case .any: "any"
    case .arp: "arp"
    case .ip: "ip"
    case .ipv6: "ipv6"
    case .tcp: "tcp"
    case .udp: "udp"
    case .icmp: "icmp"
    case .number(let number): "\(number)"
    }
  }
}

/// A text wherever it is written down.
extension AccessTraffic: TextCoded {
  package static var mistake: String { "no traffic of a rule" }
}
