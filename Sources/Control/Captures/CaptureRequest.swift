import Capture
import Dataplane
import Lab
import Topology

/// What a capture is to be, as the API's query says it.
package struct CaptureRequest: RouteQuery, Equatable {
  /// Ports, links, nodes, switches, or `all`.
  package var targets = ["all"]
  /// Name among the running captures; the daemon finds one where there is none.
  package var id: String?
  package var filter: String?
  /// Bytes of each frame that are kept; 0 and nil = all.
  package var snap: Int?
  /// Frames after which it ends.
  package var count: Int?
  /// Seconds after which it ends.
  package var duration: Double?
  /// `in`, `out` or `both`; nil = both, or for links alone each frame once, as it was sent.
  package var direction: String?
  /// `include` = dropped frames too, with their reason; `only` = nothing else.
  package var drops: String?
  /// Partial checksums stay as they are.
  package var isRaw = false
  /// Frames that a device would cut into segments are cut.
  package var segments = false

  /// Drop codes are written as verdicts too.
  package var writesVerdicts = false

  package init(_ targets: [String]) { self.targets = targets }
  package init() {}

  private enum CodingKeys: String, CodingKey {
    case targets = "target"
    case id, filter, snap, count, duration, direction, drops
    case isRaw = "raw"
    case segments = "segment"
    case writesVerdicts = "verdicts"
  }

  package init(from decoder: any Decoder) throws {
    let query = try decoder.container(keyedBy: CodingKeys.self)
    targets = try query.decodeIfPresent([String].self, forKey: .targets) ?? targets
    id = try query.decodeIfPresent(String.self, forKey: .id)
    filter = try query.decodeIfPresent(String.self, forKey: .filter)
    snap = try query.decodeIfPresent(Int.self, forKey: .snap)
    count = try query.decodeIfPresent(Int.self, forKey: .count)
    duration = try query.decodeIfPresent(Double.self, forKey: .duration)
    direction = try query.decodeIfPresent(String.self, forKey: .direction)
    drops = try query.decodeIfPresent(String.self, forKey: .drops)
    isRaw = try query.decodeIfPresent(Bool.self, forKey: .isRaw) ?? false
    segments = try query.decodeIfPresent(Bool.self, forKey: .segments) ?? false
    writesVerdicts = try query.decodeIfPresent(Bool.self, forKey: .writesVerdicts) ?? false
  }

  package static let shape = Shape.object(
    "CaptureRequest", "What a capture is to be.",
    [
      Field(optional: "target", .list(.text), "Ports, links, nodes, switches, or `all`, which it is without it."),
      Field(optional: "id", .text, "A name of your own among the captures that run."),
      Field(optional: "filter", .text, "As tcpdump has it."),
      Field(optional: "snap", .count, "Bytes of each frame that are kept; 0 = all."),
      Field(optional: "count", .integer(1...Int.max), "Frames after which it ends."),
      Field(optional: "duration", .number(above: 0, orEqual: false), "Seconds after which it ends."),
      Field(
        optional: "direction", .choice(["in", "out", "both"]),
        "`in` = from the node into the switch. Without it both; of links alone each frame once, as it was sent."),
      Field(
        optional: "drops", .choice(["include", "only"]),
        "`include` = dropped frames too, with their reason; `only` = nothing else."),
      Field(optional: "raw", .boolean, "Partial checksums stay as they are."),
      Field(optional: "segment", .boolean, "Frames that a device would cut into segments are cut."),
      Field(optional: "verdicts", .boolean, "Drop codes are written as verdicts too."),
    ])
}

extension CaptureRequest {
  /// Settings of the session.
  func settings(_ lab: CanonicalLab, linksOnly: Bool) throws(UserError) -> CaptureSettings {
    var settings = CaptureSettings()
    settings.filter = try filter.map { text throws(UserError) in try Self.filter(text) }
    settings.snapLength = snap ?? 0
    settings.count = count.map { UInt64($0) }
    settings.duration = duration.map { .seconds(min($0, 1e9)) }
    settings.isRaw = isRaw
    settings.segments = segments
    switch direction ?? (linksOnly ? "in" : "both") {
    case "in": settings.directions = .fromNode
    case "out": settings.directions = .toNode
    default: settings.directions = .both
    }
    switch drops {
    case "include": settings.drops = .included
    case "only": settings.drops = .only
    default: settings.drops = .ignored
    }
    settings.section = Self.section(lab)
    settings.names = Self.names(lab)
    settings.writesVerdicts = writesVerdicts
    return settings
  }

  static func filter(_ text: String) throws(UserError) -> Filter {
    do {
      return try Filter(text)
    } catch {
      throw UserError(.badInput, "filter \"\(text)\": \(error)")
    }
  }

  static func section(_ lab: CanonicalLab) -> PcapngSection {
    var section = PcapngSection()
    section.application = "apus \(Product.version)"
    section.system = "Linux"
    section.comment = "lab \(lab.name)"
    return section
  }

  /// Names of all stations and hosts of a lab.
  static func names(_ lab: CanonicalLab) -> [PcapngName] {
    var settings = CaptureSettings()
    // Stations are called as their nodes; the NIC is added where a node has several.
    for node in lab.nodes {
      settings.addNames(
        node.nics.map { ($0.mac, node.nics.count == 1 ? node.name : Names.port(node: node.name, nic: $0.name)) })
    }
    return settings.names + hosts(lab)
  }

  /// Hosts are called as their nodes, whichever of their NICs has the address.
  static func hosts(_ lab: CanonicalLab) -> [PcapngName] {
    lab.nodes.flatMap { node in
      node.nics.flatMap(\.addresses).compactMap(\.bytes).map { PcapngName(address: $0, name: node.name) }
    }
  }
}

/// Which ports a capture's targets stand for.
struct CaptureTargets {
  let lab: CanonicalLab

  /// Names of the ports of a target among those that are there.
  /// - Returns: nil for a name that nothing in the lab has.
  func ports(of target: String, among ports: [PortStatus]) -> [String]? {
    if target == "all" { return ports.filter { $0.kind != .trunk }.map(\.name) }
    if let port = PortName.find(target, in: ports, by: \.name) { return [port.name] }
    if let link = lab.links.first(where: { $0.name == target }) { return self.ports(of: link) }
    if lab.nodes.contains(where: { $0.name == target }) {
      return ports.map(\.name).filter { PortName($0)?.node == target }
    }
    if lab.switches.contains(where: { $0.name == target }) {
      return ports.filter { $0.switchName == target }.map(\.name)
    }
    return nil
  }

  /// Whether a target is one port, by either way to write it.
  func isPort(_ target: String, in ports: [String]) -> Bool {
    PortName.find(target, in: ports, by: \.self) != nil
  }

  /// Every target is a wire or a trunk: then a frame is taken once, at the end that sends it.
  func areLinks(_ targets: [String]) -> Bool {
    targets.allSatisfy { target in lab.links.contains { $0.name == target } }
  }

  private func ports(of link: LinkDefinition) -> [String] {
    link.ends.map { end in
      switch end {
      case .nic(let node, let nic): PortName.nic(node: node, nic: nic).description
      case .switchPort(let name): PortName.end(switch: name, link: link.name).description
      }
    }
  }

  /// All names that a target may be, for a message.
  func known(_ ports: [PortStatus]) -> String {
    let names = ["all"] + lab.switches.map(\.name) + lab.nodes.map(\.name) + lab.links.map(\.name) + ports.map(\.name)
    return names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", ..." : "")
  }
}
