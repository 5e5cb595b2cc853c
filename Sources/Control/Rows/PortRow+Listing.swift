import Topology

extension PortRow: Listing {
  package static let columns = [
    Column("NAME"), Column("SWITCH", rank: 3), Column("KIND", rank: 5), Column("CARRIER"), Column("MODE", rank: 6),
    Column("VLANS", rank: 2),
    Column("MAC", rank: 7), Column("RX-PACKETS", .right, rank: 1), Column("RX-BYTES", .right, rank: 4),
    Column("TX-PACKETS", .right, rank: 1),
    Column("TX-BYTES", .right, rank: 4), Column("DROPS", .right), Column("ERROR"),
  ]

  package var cells: [Cell] {
    [
      Cell(name), Cell(switchName), Cell(kind), carrierCell, Cell(mode), Cell(vlanText), Cell(mac),
      Cell(receivePackets), Cell(receiveBytes), Cell(transmitPackets), Cell(transmitBytes), Cell(drops.total),
      Cell(error, .bad),
    ]
  }

  var carrierCell: Cell { Cell(carrier, carrier == "up" ? .good : .bad) }

  /// `10`; `10,20 native 10`; on a wire its other end.
  var vlanText: String {
    switch mode {
    case "trunk":
      let all = allowed.joined(separator: ",")
      return pvid.map { "\(all) native \($0)" } ?? all
    case "access": return pvid.map(String.init) ?? ""
    default: return peer.map { "-> \($0)" } ?? ""
    }
  }
}

extension PortRow {
  /// What `port show` prints for people: a line a fact, then the tables of regions and queues.
  ///
  /// - Parameter width: columns of the terminal; nil = no limit.
  package func description(width: Int? = nil) -> [String] {
    var facts: [(String, String?)] = [
      ("name", name), ("switch", switchName), ("kind", kind), ("model", model), ("carrier", carrier), ("end", end),
      ("mode", mode), ("vlans", vlanText.isEmpty ? nil : vlanText), ("peer", peer), ("mac", mac), ("mtu", String(mtu)),
      ("queues", String(queues)), ("socket", socket),
      ("interface", interface), ("added", isAdded ? "at run time" : nil),
      ("received", "\(receivePackets) packets, \(receiveBytes) bytes"),
      ("transmitted", "\(transmitPackets) packets, \(transmitBytes) bytes"),
      ("drops", dropText.isEmpty ? "none" : dropText), ("held", held?.text), ("offloads", offloads?.text),
      ("error", error),
    ]
    facts += (rules?.facts ?? []) + (peerSocket?.facts ?? [])
    if let details {
      facts += [
        ("connected", details.isConnected ? "yes" : "no"),
        ("features", details.features.isEmpty ? nil : details.features.joined(separator: " ")),
        ("protocol", details.protocolFeatures.isEmpty ? nil : details.protocolFeatures.joined(separator: " ")),
        ("faults", String(details.faults)), ("refusals", String(details.refusals)),
        ("refused", details.lastRefusal), ("advice", details.advice),
      ]
    }
    let shown = facts.compactMap { name, value in value.map { (name, $0) } }
    let column = shown.map(\.0.count).max() ?? 0
    var lines = shown.map { name, value in
      "\(name)\(String(repeating: " ", count: column - name.count))  \(value)"
    }
    if let details {
      let room = width.map { $0 - 2 }
      lines += (details.regionTable?.lines(within: room) ?? []).map { "  \($0)" }
      lines += (details.queueTable?.lines(within: room) ?? []).map { "  \($0)" }
    }
    return lines
  }

  /// `in runt 3, out no-buffer 7`; empty = nothing was dropped.
  var dropText: String {
    let ways: [(String, [String: UInt64])] = [("in", drops.in), ("out", drops.out)]
    return ways.flatMap { way, reasons in
      reasons.sorted { $0.key < $1.key }.map { "\(way) \($0.key) \($0.value)" }
    }.joined(separator: ", ")
  }
}

extension PortRow {
  /// As drawings of the lab that is up have it; nil on a wire, and for the end of a link between switches, which is drawn
  /// as a link.
  package var graphPort: LabGraph.Port? {
    guard let switchName, mode == "access" || peer == nil else { return nil }
    let words =
      switch mode {
      case "access": "vlan \(pvid ?? 1)"
      case "trunk":
        "trunk \(allowed == ["1-4094"] ? "all" : allowed.joined(separator: ","))"
          + (pvid.map { " native \($0)" } ?? "")
      default: mode
      }
    return LabGraph.Port(name: name, words: words, added: isAdded ? .init(on: switchName, kind: kind) : nil)
  }
}

extension PortRow.Offloads {
  /// `checksum, tso4 to the node; checksum from it`.
  fileprivate var text: String {
    func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
    guard toNode != fromNode else { return toNode.isEmpty ? "none" : "\(list(toNode)), both ways" }
    return "\(list(toNode)) to the node; \(list(fromNode)) from it"
  }
}

extension VhostUserDetails {
  fileprivate var regionTable: Table? {
    guard !memoryRegions.isEmpty else { return nil }
    return Table(
      columns: [Column("GUEST-ADDRESS", .right), Column("SIZE", .right), Column("FILE-OFFSET", .right, rank: 1)],
      rows: memoryRegions.map { region in
        [
          Cell("0x\(String(region.guestAddress, radix: 16))"), Cell(region.size),
          Cell("0x\(String(region.fileOffset, radix: 16))"),
        ]
      }
    )
  }

  fileprivate var queueTable: Table? {
    guard !queues.isEmpty else { return nil }
    return Table(
      columns: [
        Column("QUEUE", .right), Column("TO"), Column("SIZE", .right, rank: 3), Column("RING", rank: 5),
        Column("ENABLED", rank: 1),
        Column("AVAIL", .right, rank: 4), Column("USED", .right, rank: 4), Column("KICKS", .right, rank: 2),
        Column("CALLS", .right, rank: 2),
        Column("WORKER", .right), Column("SEGMENTED", .right, rank: 6), Column("MERGED", .right, rank: 6),
        Column("STATE"),
      ],
      rows: queues.map { queue in
        [
          Cell(queue.index), Cell(queue.index.isMultiple(of: 2) ? "node" : "switch"), Cell(queue.size),
          Cell(queue.ring), Cell(queue.isEnabled ? "yes" : "no"), Cell(queue.availableIndex), Cell(queue.usedIndex),
          Cell(queue.kicks), Cell(queue.calls), Cell(queue.worker), Cell(queue.segmented), Cell(queue.merged),
          Cell(queue.stopped ?? "runs"),
        ]
      }
    )
  }
}
