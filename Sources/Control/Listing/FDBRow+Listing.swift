extension FDBRow: Listing {
  package static let columns = [
    Column("MAC"), Column("PORT"), Column("VLAN", .right), Column("SWITCH"), Column("AGE", .right), Column("STATE"),
  ]

  package var cells: [Cell] {
    [
      Cell(mac), Cell(port), Cell(vlan), Cell(switchName), Cell(isStatic ? nil : "\(Int(ageSeconds))s"),
      Cell(isStatic ? "static" : "learnt"),
    ]
  }
}
