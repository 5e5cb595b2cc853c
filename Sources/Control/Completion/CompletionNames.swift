import Lab
import Topology

/// What the names are of that a shell completes.
package enum CompletionNames: String, CaseIterable, Sendable {
  case labs, nodes, ports, links, switches, images, vlans, captures, presets
  /// What can be captured.
  case targets
  /// Words of `link set`, `port set` and `trace`.
  case linkSettings = "link-settings"
  case portSettings = "port-settings"
  case ruleSettings = "rule-settings"
  case frame
  /// Ends of links.
  case ends
  /// A lab, or the file of one.
  case labsAndFiles = "labs-and-files"

  /// Those that need no lab.
  var fixed: [CompletionEngine.Choice]? {
    switch self {
    case .presets: ImpairmentDefinition.presets.map { .init($0.name, "impairment") }
    case .linkSettings:
      [.init("up", "carrier"), .init("down", "carrier")] + ImpairmentKey.allCases.map { .init("\($0.rawValue)=") }
    case .portSettings: PortChange.keys.map { .init("\($0)=") }
    case .ruleSettings: RuleKey.allCases.map { .init("\($0.rawValue)=") }
    default: nil
    }
  }

  /// The names of a lab, as its daemon tells them.
  package func choices(of client: ControlClient, within seconds: Double) async throws -> [CompletionEngine.Choice] {
    if let fixed { return fixed }
    func ask<Value>(_ route: Route<NoQuery, NoBody, Single<[Value]>>) async throws -> [Value] {
      try await client.ask(route, within: seconds) ?? []
    }
    switch self {
    case .nodes: return try await ask(API.nodes).map { .init($0.node, "\($0.kind), \($0.state)") }
    case .ports:
      return try await ask(API.ports).map { .init($0.name, "\($0.switchName ?? "wire"), \($0.carrier)") }
    case .links: return try await ask(API.links).map { .init($0.name, $0.ends.joined(separator: " - ")) }
    case .ends: return Self.distinct(try await ask(API.links).flatMap(\.ends).map { .init($0) })
    case .switches: return Self.distinct(try await ask(API.ports).compactMap(\.switchName).map { .init($0) })
    case .vlans: return Self.vlans(try await ask(API.vlans))
    case .captures:
      return try await ask(API.captures).map { .init($0.id, $0.targets.joined(separator: " ")) }
    case .targets:
      let (ports, links, nodes) = (try await ask(API.ports), try await ask(API.links), try await ask(API.nodes))
      return Self.distinct(
        [.init("all", "the whole lab")] + nodes.map { .init($0.node, "node") } + ports.map { .init($0.name, "port") }
          + links.map { .init($0.name, "link") } + ports.compactMap(\.switchName).map { .init($0, "switch") })
    case .frame:
      let ports = try await ask(API.ports)
      return ["src=", "dst="].flatMap { key in [.init(key)] + ports.map { .init(key + $0.name, $0.mac ?? "") } }
        + [
          "from=", "to=", "proto=tcp", "proto=udp", "proto=icmp", "port=", "from-port=", "vlan=", "priority=", "size=",
          "type=arp", "type=ipv4", "type=ipv6", "type=lldp",
        ].map { .init($0) }
    case .labs, .labsAndFiles, .images, .presets, .linkSettings, .portSettings, .ruleSettings: return []
    }
  }

  private static func vlans(_ rows: [VLANRow]) -> [CompletionEngine.Choice] {
    let single = rows.filter { Int($0.vlan) != nil }
    return distinct(
      single.compactMap { row in row.name.map { .init($0, "VLAN \(row.vlan)") } }
        + single.map { .init($0.vlan, $0.name ?? "VLAN") })
  }

  private static func distinct(_ choices: [CompletionEngine.Choice]) -> [CompletionEngine.Choice] {
    var seen: Set<String> = []
    return choices.filter { seen.insert($0.value).inserted }
  }
}
