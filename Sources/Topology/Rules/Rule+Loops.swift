extension Rule {
  /// L204: trunks between switches that close a loop in some VLAN.
  ///
  /// A warning: a lab may want to see a storm.
  static func switchLoops(_ subject: RuleSubject) {
    let definitions = Dictionary(subject.lab.links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let trunks = subject.draft.links.indices.compactMap { link in
      subject.draft.links[link].wired.flatMap { definitions[$0.name] }.flatMap { Trunk(link, $0) }
    }
    var reported: Set<Int> = []
    for id in representatives(trunks.map(\.mode)) {
      var neighbours: [String: [Neighbour]] = [:]
      for (place, trunk) in trunks.enumerated() where trunk.mode == .transparent || trunk.mode.carries(id) {
        if let path = path(from: trunk.a, to: trunk.b, neighbours) {
          guard reported.insert(trunk.link).inserted else { continue }
          let names = [trunk.a] + path.map(\.name)
          let vlan = subject.vlans.name(of: id)
          let isTransparent = trunk.mode == .transparent && path.allSatisfy { trunks[$0.trunk].mode == .transparent }
          let place = isTransparent ? "" : " in VLAN \(vlan)"
          let message = "\(Quoting.sentence(names)) form a loop\(place): frames will circulate"
          let span = subject.draft.links[trunk.link].span
          let hint = "no spanning tree runs; remove a link" + (isTransparent ? "" : ", or a VLAN from it")
          let notes = zip(names, path).map { from, to in
            Diagnostic.Note("\(from) and \(to.name) are linked here", at: subject.draft.links[to.link].place)
          }
          subject.reporter.warning(.loop, span, message, hint: hint, notes: notes)
        } else {
          neighbours[trunk.a, default: []].append(Neighbour(name: trunk.b, link: trunk.link, trunk: place))
          neighbours[trunk.b, default: []].append(Neighbour(name: trunk.a, link: trunk.link, trunk: place))
        }
      }
    }
  }

  /// A switch and the trunk that leads to it.
  private struct Neighbour {
    var name: String
    var link: Int
    /// Place among the trunks.
    var trunk: Int
  }

  private struct Trunk {
    var link: Int
    var a: String
    var b: String
    var mode: VLANMode

    /// Nil for a wire.
    init?(_ link: Int, _ definition: LinkDefinition) {
      guard case .trunk(let mode) = definition.kind, definition.ends.count == 2 else { return nil }
      self.link = link
      a = definition.ends[0].text
      b = definition.ends[1].text
      self.mode = mode
    }
  }

  /// One VLAN out of each set of VLANs that the same trunks carry.
  private static func representatives(_ modes: [VLANMode]) -> [Int] {
    var starts: Set<Int> = []
    for mode in modes {
      switch mode {
      case .access(let id): starts.formUnion([id, id + 1])
      case .transparent: starts.insert(1)
      case .trunk(let allowed, _):
        for range in allowed { starts.formUnion([range.lowerBound, range.upperBound + 1]) }
      }
    }
    return starts.filter { (1...4094).contains($0) }.sorted()
  }

  /// The switches after one on the way to the other over a forest of trunks, each with the trunk to it.
  ///
  /// Nil when they are apart.
  private static func path(from start: String, to end: String, _ neighbours: [String: [Neighbour]]) -> [Neighbour]? {
    var parents: [String: Neighbour] = [:]
    var queue = [start]
    var head = 0
    while head < queue.count {
      let current = queue[head]
      head += 1
      if current == end {
        var path: [Neighbour] = []
        var name = current
        while name != start, let parent = parents[name] {
          path.append(Neighbour(name: name, link: parent.link, trunk: parent.trunk))
          name = parent.name
        }
        return path.reversed()
      }
      for next in neighbours[current] ?? [] where parents[next.name] == nil && next.name != start {
        parents[next.name] = Neighbour(name: current, link: next.link, trunk: next.trunk)
        queue.append(next.name)
      }
    }
    return nil
  }
}
