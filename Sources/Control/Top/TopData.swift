/// What `top` knows of a lab at one moment.
package struct TopData: Sendable {
  package var lab: String
  package var traffic: Traffic
  package var links: [LinkRow]
  package var nodes: [NodeRow]
  /// Where workers run and what they serve.
  package var workers: [WorkerRow]

  package init(lab: String, traffic: Traffic, links: [LinkRow], nodes: [NodeRow], workers: [WorkerRow]) {
    self.lab = lab
    self.traffic = traffic
    self.links = links
    self.nodes = nodes
    self.workers = workers
  }

  /// `campus: 12 nodes, 11 ready; 14 links, 1 down; 2 workers, 34% busy`: the busiest one
  var summary: String {
    let ready = nodes.count { $0.ready }
    let down = links.count { $0.carrier != "up" }
    let busy = workers.compactMap(\.busy).max()
    return "\(lab): \(Figure.count(nodes.count, "node", "nodes")), \(ready) ready; "
      + "\(Figure.count(links.count, "link", "links")), \(down) down; "
      + Figure.count(workers.count, "worker", "workers") + (busy.map { ", \(Int(($0 * 100).rounded()))% busy" } ?? "")
  }

  /// The rows of a view, filtered and sorted.
  func table(_ state: TopState) -> TopTable {
    let rows =
      switch state.view {
      case .ports: traffic.ports.map { Self.cells($0) }
      case .links: linkCells()
      case .workers: traffic.workers.map { cells($0) }
      case .nodes: nodeCells()
      }
    var table = TopTable(state.view, rows: rows)
    table.filter(state.filter)
    table.sort(state.order)
    return table
  }

  private static func cells(_ port: Traffic.Port) -> [TopTable.Entry] {
    let row = port.row
    return [.text(row.name), .text(row.switchName), carrier(row.carrier)] + rates(port.rates)
      + [
        .number(Double(row.drops.total)), .whole(row.receivePackets), .whole(row.transmitPackets),
        row.error.map { .text($0, .bad) } ?? .text(row.dropText),
      ]
  }

  private static func carrier(_ state: String) -> TopTable.Entry { .text(state, state == "up" ? .good : .bad) }

  private static func rates(_ rates: Traffic.Rates?) -> [TopTable.Entry] {
    [
      .number(rates?.receivePackets), .number(rates?.receiveBits), .number(rates?.transmitPackets),
      .number(rates?.transmitBits), .number(rates?.drops, (rates?.drops ?? 0) > 0 ? .bad : .plain),
    ]
  }

  private func cells(_ worker: Traffic.Worker) -> [TopTable.Entry] {
    let row = workers.first { $0.worker == worker.index }
    let isKnown = traffic.hasRates
    return [
      .whole(worker.index), row?.cpu.map { .whole($0) } ?? .number(nil), .share(row?.busy),
      .number(isKnown ? worker.frames : nil), .number(worker.cyclesPerFrame),
      .number(worker.bursts > 0 ? worker.frames / worker.bursts : nil), .number(isKnown ? worker.sleeps : nil),
      .whole(row?.ports.count ?? 0), .text(row?.ports.joined(separator: " ")),
    ]
  }

  // MARK: - Links and nodes, whose rates are those of their ports

  /// What the first end sends is `to`: a node's port receives it from the node, and so does the port of a trunk's first
  /// switch give it away.
  private func linkCells() -> [[TopTable.Entry]] {
    let ports = Dictionary(traffic.ports.map { ($0.row.name, $0) }, uniquingKeysWith: { first, _ in first })
    return links.map { link in
      let names = link.ends.flatMap { [$0, "\($0):\(link.name)"] }
      let found = names.compactMap { ports[$0] }
      var rates = found.first?.rates
      // A trunk's port sends to the other switch what it transmits.
      if found.first?.row.kind == "trunk" { rates = rates?.turnedRound }
      if rates != nil { rates?.drops = found.compactMap(\.rates?.drops).reduce(0, +) }
      return [.text(link.name), .text(link.ends.joined(separator: " - ")), Self.carrier(link.carrier)]
        + Self.rates(rates) + [.text(link.cells.last?.text)]
    }
  }

  private func nodeCells() -> [[TopTable.Entry]] {
    var sums: [Substring: Traffic.Rates] = [:]
    for port in traffic.ports {
      guard let rates = port.rates, let dot = port.row.name.lastIndex(of: ".") else { continue }
      sums[port.row.name[..<dot], default: Traffic.Rates()] = (sums[port.row.name[..<dot]] ?? Traffic.Rates()) + rates
    }
    return nodes.map { node in
      let rates = sums[node.node[...]] ?? (traffic.hasRates ? Traffic.Rates() : nil)
      let tint: Cell.Tint = node.state == "failed" ? .bad : node.state == "running" ? .good : .plain
      return [
        .text(node.node), .text(node.kind), .text(node.state, tint), .text(node.ready ? "yes" : "no"),
      ] + Self.rates(rates) + [
        .text(node.addresses.joined(separator: " ")), .text(node.since), .text(node.error, .bad),
      ]
    }
  }
}
