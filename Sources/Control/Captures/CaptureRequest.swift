import Capture
import Dataplane
import Lab
import Topology

/// What a capture is to be, as the API's query says it.
package struct CaptureRequest: Codable, Sendable, Equatable {
  /// Ports, links, nodes, switches, or `all`.
  package var targets: [String] = []
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
}

extension CaptureRequest {
  /// As parameters of a query.
  package var query: [String: String?] {
    [
      "target": targets.joined(separator: ","), "id": id, "filter": filter, "snap": snap.map { "\($0)" },
      "count": count.map { "\($0)" }, "duration": duration.map { "\($0)" }, "direction": direction, "drops": drops,
      "raw": isRaw ? "true" : nil, "segment": segments ? "true" : nil,
      "verdicts": writesVerdicts ? "true" : nil,
    ]
  }

  /// - Throws: `UserError` for values that are none.
  init(query: (String) -> String?) throws(UserError) {
    func number<Value: LosslessStringConvertible & Comparable>(
      _ name: String, _ type: Value.Type, above least: Value, _ wanted: String = "a number above 0"
    ) throws(UserError) -> Value? {
      guard let text = query(name) else { return nil }
      guard let value = Value(text), value > least else {
        throw UserError(.badInput, "\(name) must be \(wanted), found \"\(text)\"")
      }
      return value
    }
    func word(_ name: String, _ known: [String]) throws(UserError) -> String? {
      guard let text = query(name) else { return nil }
      guard known.contains(text) else {
        throw UserError(
          .badInput, "\(name) must be one of \(known.joined(separator: ", ")), found \"\(text)\"")
      }
      return text
    }
    targets = (query("target") ?? "all").split(separator: ",").map { String($0) }
    guard !targets.isEmpty else { throw UserError(.badInput, "target names nothing") }
    id = query("id")
    filter = query("filter")
    snap = try number("snap", Int.self, above: -1, "0 or more")
    count = try number("count", Int.self, above: 0)
    duration = try number("duration", Double.self, above: 0)
    direction = try word("direction", ["in", "out", "both"])
    drops = try word("drops", ["include", "only"])
    isRaw = query("raw") == "true"
    segments = query("segment") == "true"
    writesVerdicts = query("verdicts") == "true"
  }

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
    settings.addNames(stations(lab))
    return settings.names + hosts(lab)
  }

  /// Stations are called as their nodes; the NIC is added where a node has several.
  static func stations(_ lab: CanonicalLab) -> [(address: String, name: String)] {
    lab.nodes.flatMap { node in
      node.nics.map { ($0.mac, node.nics.count == 1 ? node.name : "\(node.name).\($0.name)") }
    }
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
    let name = target.replacing(":", with: ".", maxReplacements: 1)
    if target == "all" { return ports.filter { $0.kind != .patch }.map(\.name) }
    // The end of a trunk has a colon in its own name.
    if let port = ports.first(where: { $0.name == target || $0.name == name }) { return [port.name] }
    if let link = lab.links.first(where: { $0.name == target }) { return self.ports(of: link) }
    if lab.nodes.contains(where: { $0.name == target }) {
      return ports.filter { $0.name.hasPrefix("\(target).") }.map(\.name)
    }
    if lab.switches.contains(where: { $0.name == target }) {
      return ports.filter { $0.switchName == target }.map(\.name)
    }
    return nil
  }

  /// Whether a target is one port, by either way to write it.
  func isPort(_ target: String, in ports: [String]) -> Bool {
    ports.contains(target) || ports.contains(target.replacing(":", with: ".", maxReplacements: 1))
  }

  /// Every target is a wire or a trunk: then a frame is taken once, at the end that sends it.
  func areLinks(_ targets: [String]) -> Bool {
    targets.allSatisfy { target in lab.links.contains { $0.name == target } }
  }

  private func ports(of link: LinkDefinition) -> [String] {
    link.ends.map { end in
      switch end {
      case .nic(let node, let nic): Names.port(node: node, nic: nic)
      case .switchPort(let name): "\(name):\(link.name)"
      }
    }
  }

  /// All names that a target may be, for a message.
  func known(_ ports: [PortStatus]) -> String {
    let names = ["all"] + lab.switches.map(\.name) + lab.nodes.map(\.name) + lab.links.map(\.name) + ports.map(\.name)
    return names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", ..." : "")
  }
}
