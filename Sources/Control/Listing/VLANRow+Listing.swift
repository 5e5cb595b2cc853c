extension VLANRow {
  package static let columns = [
    Column("PORT"), Column("SWITCH"), Column("VLAN", .right), Column("NAME"), Column("FLAGS"),
  ]

  /// The table for people, in which VLANs that follow each other alike share a line, as with `bridge -c vlan`.
  package static func table(_ rows: [VLANRow]) -> [[Cell]] {
    let runs = RangeText.runs(rows) { before, row in
      row.vlan == before.vlan + 1 && row.port == before.port && row.name == nil && before.name == nil
        && !row.isPVID && !before.isPVID && !row.isUntagged && !before.isUntagged
    }
    return runs.compactMap { run -> [Cell]? in
      guard let row = run.first else { return nil }
      let flags = (row.isPVID ? ["pvid"] : []) + (row.isUntagged ? ["untagged"] : [])
      return [
        Cell(row.port), Cell(row.switchName), Cell(RangeText.format(run.map(\.vlan))), Cell(row.name),
        Cell(flags.joined(separator: " ")),
      ]
    }
  }
}
