extension Rule {
  /// L201: an unknown node in `after`.
  ///
  /// L213: one that stands there twice. L304: machines that wait for each other.
  static func startOrder(_ subject: RuleSubject) {
    let index = NameIndex(subject.draft)
    let edges: [[Edge]] = subject.draft.nodes.map { node in
      var known: [Edge] = []
      var targets: Set<Int> = []
      for start in node.machine?.after ?? [] {
        guard let target = index.nodes[start.node.name] else {
          reportUnknown(start.node, index, subject.reporter)
          continue
        }
        guard targets.insert(target).inserted else {
          let message = "\(start.node.name.quoted) stands in \"after\" twice"
          subject.reporter.warning(.withoutEffect, start.node.span, message)
          continue
        }
        known.append(Edge(target: target, span: start.node.span))
      }
      return known
    }
    for cycle in cycles(edges) {
      let names = cycle.map { subject.draft.nodes[$0].name.value }
      // A cycle of a thousand is shown by its first nodes.
      let shown = names.count <= 12 ? names : names.prefix(12) + ["…"]
      let message = "start order has a cycle: \((shown + [names[0]]).joined(separator: " -> "))"
      let places = zip(cycle, cycle.dropFirst() + [cycle[0]]).map { node, next in
        edges[node].first { $0.target == next }?.span ?? subject.draft.nodes[node].name.span
      }
      let notes = names.indices.dropFirst().map { turn in
        let waited = names[(turn + 1) % names.count]
        return Diagnostic.Note("\(names[turn]) waits for \(waited) here", at: places[turn])
      }
      subject.reporter.error(.startCycle, places[0], message, notes: notes)
    }
  }

  private struct Edge {
    var target: Int
    var span: Span
  }

  private static func reportUnknown(_ end: EndDraft, _ index: NameIndex, _ reporter: Reporter) {
    if let range = NameRange(end.name), range.isRange {
      let names = Quoting.list(range.names)
      let message = "\"after\" takes names of nodes, not the range \(end.name.quoted)"
      reporter.error(.unknownName, end.nameSpan, message, hint: "write after: [\(names)]")
    } else {
      index.reportUnknownNode(end.name, at: end.nameSpan, reporter)
    }
  }

  /// Cycles that have no node in common, each from its first node in file order; without recursion, since a chain may
  /// be as long as the file allows.
  private static func cycles(_ edges: [[Edge]]) -> [[Int]] {
    var found: [[Int]] = []
    var isDone = Array(repeating: false, count: edges.count)
    var inCycle: Set<Int> = []
    var depth = Array(repeating: -1, count: edges.count)
    for start in edges.indices where !isDone[start] {
      var path = [start]
      var next = [0]
      depth[start] = 0
      while let node = path.last, let turn = next.last {
        guard turn < edges[node].count else {
          isDone[node] = true
          depth[node] = -1
          path.removeLast()
          next.removeLast()
          continue
        }
        next[next.count - 1] = turn + 1
        let target = edges[node][turn].target
        if depth[target] >= 0 {
          let cycle = Array(path[depth[target]...])
          guard inCycle.isDisjoint(with: cycle) else { continue }
          inCycle.formUnion(cycle)
          let first = cycle.indices.min { cycle[$0] < cycle[$1] } ?? 0
          found.append(Array(cycle[first...] + cycle[..<first]))
        } else if !isDone[target] {
          depth[target] = path.count
          path.append(target)
          next.append(0)
        }
      }
    }
    return found
  }
}
