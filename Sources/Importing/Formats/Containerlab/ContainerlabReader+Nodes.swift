import Topology

/// The nodes: which are machines here, and which are switches.
extension ContainerlabReader {
  mutating func readNodes(_ topology: ForeignValue) {
    let sources = ContainerlabNode.Sources(topology)
    guard let nodes = topology["nodes"]?.mapping, !nodes.isEmpty else {
      return fault(topology["nodes"]?.line ?? topology.line, "\"topology.nodes\" must be a mapping of nodes")
    }
    for entry in nodes {
      guard entry.value.mapping != nil || entry.value.isNull else {
        fault(entry.value.line, "node \"\(entry.key)\" must be a mapping, found \(entry.value.found)")
        continue
      }
      definitions.append((entry.key, entry.line, ContainerlabNode(entry.value, sources)))
    }
    for (name, line, node) in definitions {
      if ContainerlabKind.bridges.contains(node.kind) { addBridge(name, line, node) } else { addNode(name, line, node) }
    }
    mergeNamespaces()
    addInnerBridges()
  }

  private mutating func addBridge(_ name: String, _ line: Int, _ node: ContainerlabNode) {
    let bare = name.split(separator: "|", maxSplits: 1).first.map { String($0) } ?? name
    roles[name] = .segment(lab.segments.count)
    lab.segments.append(ForeignSegment(id: "node \(name)", name: bare, kind: .bridge, line: line))
    if node.kind == "bridge", name == bare {
      note(.changed, line, "nodes.\(name)", "a bridge of the host there is a switch of the lab here")
    }
  }

  private mutating func addNode(_ name: String, _ line: Int, _ node: ContainerlabNode) {
    let isLinux = ContainerlabKind.linux.contains(node.kind)
    let isMachine = ContainerlabKind.isMachine(node.kind)
    var kind = isMachine ? ForeignNode.Kind.vm : hostKind
    if !isLinux, !isMachine, hostKind != .container || node.value("image") == nil { kind = .netns }
    roles[name] = .node(lab.nodes.count)
    var result = ForeignNode(id: name, name: name, kind: kind, line: line)
    if !isLinux { result.comments.append("kind: \(node.kind)") }
    if isMachine { result.image = "\(ImageWords.fileName(node.kind)).qcow2" }
    lab.nodes.append(result)
  }

  /// Nodes in a row of which each has the network of the next one.
  private static let longestChain = 64

  /// `network-mode: container:x`: two nodes there with one network between them, one node here.
  private mutating func mergeNamespaces() {
    let prefix = "container:"
    let modes = definitions.compactMap { name, line, node -> (String, (target: String, line: Int))? in
      guard let value = node.value("network-mode"), let mode = value.text, mode.hasPrefix(prefix),
        case .node = roles[name]
      else { return nil }
      return (name, (String(mode.dropFirst(prefix.count)), value.line))
    }
    let targets = Dictionary(modes, uniquingKeysWith: { first, _ in first })
    for (name, mode) in modes {
      var target = mode.target
      var steps = 0
      while let next = targets[target], steps <= Self.longestChain {
        target = next.target
        steps += 1
      }
      guard steps <= Self.longestChain else {
        fault(mode.line, "the network of \(name) is that of itself, over \(mode.target), or of too many in a row")
        continue
      }
      guard case .node(let place)? = roles[target], target != name else {
        note(.lost, mode.line, "nodes.\(name).network-mode", "no node here is called \(mode.target)")
        continue
      }
      merged[name] = place
      note(.changed, mode.line, "nodes.\(name)", "it shares the network of \(target), and is one node with it here")
      lab.nodes[place].comments.append("\(name) shared its network there, and is part of it here")
    }
    removeMerged()
  }

  /// Takes nodes away that are part of another, and puts their roles there.
  private mutating func removeMerged() {
    guard !merged.isEmpty else { return }
    var places: [Int: Int] = [:]
    var kept: [ForeignNode] = []
    for (place, node) in lab.nodes.enumerated() where merged[node.name] == nil {
      places[place] = kept.count
      kept.append(node)
    }
    lab.nodes = kept
    for (name, role) in roles {
      guard case .node(let place) = role, let new = places[merged[name] ?? place] else { continue }
      roles[name] = .node(new)
    }
  }

  /// `bridge|node` within the network of a node: a switch, and the node's own port of it.
  private mutating func addInnerBridges() {
    for (name, line, node) in definitions {
      guard case .segment(let segment)? = roles[name], let mode = node.value("network-mode")?.text,
        mode.hasPrefix("container:"), case .node(let place)? = roles[String(mode.dropFirst("container:".count))]
      else { continue }
      var nic = ForeignNIC(name: lab.segments[segment].name ?? name, line: line)
      nic.segment = lab.segments[segment].id
      lab.nodes[place].nics.append(nic)
      note(.changed, line, "nodes.\(name)", "a bridge within \(lab.nodes[place].name) is a switch beside it")
    }
  }
}
