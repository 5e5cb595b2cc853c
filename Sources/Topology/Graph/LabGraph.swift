/// A lab as circles and lines: what every drawing starts from.
package struct LabGraph: Codable, Sendable, Equatable {
  package struct Vertex: Codable, Sendable, Equatable {
    package var name: String
    /// `switch`, or the kind of the node.
    package var kind: String
    /// Addresses of a node, in file order.
    package var addresses: [String]
    /// `running`, `stopped`, `failed`; nil when the lab is not up.
    package var state: String?
  }

  package struct Edge: Codable, Sendable, Equatable {
    package var name: String
    package var first: String
    package var second: String
    /// NIC at the first end, then VLANs and the NIC at the second.
    package var label: String
    /// `up` or `down`; nil when the lab is not up.
    package var carrier: String?
  }

  package var name: String
  package var vertices: [Vertex] = []
  package var edges: [Edge] = []

  /// - Parameters:
  ///   - states: of nodes, by name, when the lab is up.
  ///   - carriers: of links, by name, when the lab is up.
  package init(_ lab: CanonicalLab, states: [String: String] = [:], carriers: [String: String] = [:]) {
    name = lab.name
    vertices = lab.switches.map { Vertex(name: $0.name, kind: "switch", addresses: [], state: nil) }
    for node in lab.nodes {
      vertices.append(
        Vertex(
          name: node.name, kind: node.kind, addresses: node.nics.flatMap(\.addresses).map(\.address),
          state: states[node.name]))
      for nic in node.nics {
        guard case .switchPort(let to, let mode) = nic.attachment else { continue }
        let port = Names.port(node: node.name, nic: nic.name)
        edges.append(
          Edge(
            name: port, first: node.name, second: to, label: "\(nic.name) \(Self.words(mode))",
            carrier: carriers[port]))
      }
    }
    for link in lab.links {
      guard let first = link.ends.first, let last = link.ends.last else { continue }
      let words: String
      switch link.kind {
      case .wire: words = "\(Self.nic(first)) - \(Self.nic(last))"
      case .trunk(let mode): words = Self.words(mode)
      }
      edges.append(
        Edge(
          name: link.name, first: Self.owner(first), second: Self.owner(last), label: words,
          carrier: carriers[link.name]))
    }
  }

  private static func owner(_ end: LinkEnd) -> String {
    switch end {
    case .nic(let node, _): node
    case .switchPort(let name): name
    }
  }

  private static func nic(_ end: LinkEnd) -> String {
    guard case .nic(_, let nic) = end else { return "" }
    return nic
  }

  private static func words(_ mode: VLANMode) -> String {
    switch mode {
    case .access(let vlan): return "vlan \(vlan)"
    case .trunk(let allowed, let native):
      let ranges = allowed.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      let all = allowed == [1...4094] ? "all" : ranges.joined(separator: ",")
      return "trunk \(all)" + (native.map { " native \($0)" } ?? "")
    }
  }
}
