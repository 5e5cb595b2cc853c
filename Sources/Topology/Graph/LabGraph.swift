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
    /// Where its middle is drawn: from the left and from the top, as a drawing of no given size counts.
    package var x = 0
    package var y = 0
  }

  package struct Edge: Codable, Sendable, Equatable {
    package var name: String
    package var first: String
    package var second: String
    /// NIC at the first end, then VLANs and the NIC at the second.
    package var label: String
    /// `up` or `down`; nil when the lab is not up.
    package var carrier: String?
    /// Ports that it ends at: one of a NIC on a switch, two of a wire or a trunk, the first end's first.
    package var ports: [String]
  }

  /// A port of the lab that is up, where it is not as the file has it.
  package struct Port: Sendable, Equatable {
    package var name: String
    /// Its VLANs: `vlan 10`, `trunk 10,20 native 10`.
    package var words: String
    /// Of one that was added at run time: its switch, and what is behind it.
    package var added: Place?

    /// Where an added port is.
    package struct Place: Sendable, Equatable {
      package var switchName: String
      package var kind: String
      package init(on switchName: String, kind: String) { (self.switchName, self.kind) = (switchName, kind) }
    }

    package init(name: String, words: String, added: Place? = nil) {
      (self.name, self.words, self.added) = (name, words, added)
    }
  }

  package var name: String
  package var vertices: [Vertex] = []
  package var edges: [Edge] = []

  /// - Parameters:
  ///   - states: of nodes, by name, when the lab is up.
  ///   - carriers: of links, by name, when the lab is up.
  ///   - ports: of the switches, when the lab is up.
  package init(
    _ lab: CanonicalLab, states: [String: String] = [:], carriers: [String: String] = [:], ports: [Port] = []
  ) {
    name = lab.name
    let words = Dictionary(ports.map { ($0.name, $0.words) }, uniquingKeysWith: { first, _ in first })
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
            name: port, first: node.name, second: to, label: "\(nic.name) \(words[port] ?? mode.words)",
            carrier: carriers[port], ports: [port]))
      }
    }
    for link in lab.links {
      guard let first = link.ends.first, let last = link.ends.last else { continue }
      let words: String
      switch link.kind {
      case .wire: words = "\(Self.nic(first)) - \(Self.nic(last))"
      case .trunk(let mode): words = mode.words
      }
      edges.append(
        Edge(
          name: link.name, first: Self.owner(first), second: Self.owner(last), label: words,
          carrier: carriers[link.name], ports: [Self.port(first, link.name), Self.port(last, link.name)]))
    }
    for port in ports {
      guard let added = port.added else { continue }
      vertices.append(Vertex(name: port.name, kind: added.kind, addresses: [], state: nil))
      edges.append(
        Edge(
          name: port.name, first: port.name, second: added.switchName, label: port.words, carrier: carriers[port.name],
          ports: [port.name]))
    }
    arrange()
  }

  private static func owner(_ end: LinkEnd) -> String {
    switch end {
    case .nic(let node, _): node
    case .switchPort(let name): name
    }
  }

  /// The port that an end of a link is.
  private static func port(_ end: LinkEnd, _ link: String) -> String {
    switch end {
    case .nic(let node, let nic): Names.port(node: node, nic: nic)
    case .switchPort(let name): PortName.end(switch: name, link: link).description
    }
  }

  private static func nic(_ end: LinkEnd) -> String {
    guard case .nic(_, let nic) = end else { return "" }
    return nic
  }
}
