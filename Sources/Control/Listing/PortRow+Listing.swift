extension PortRow: Listing {
  package static let columns = [
    Column("NAME"), Column("SWITCH"), Column("KIND"), Column("CARRIER"), Column("MODE"), Column("VLANS"),
    Column("MAC"), Column("RX-PACKETS", .right), Column("RX-BYTES", .right), Column("TX-PACKETS", .right),
    Column("TX-BYTES", .right), Column("DROPS", .right), Column("ERROR"),
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
      let all = RangeText.format(allowed)
      return pvid.map { "\(all) native \($0)" } ?? all
    case "access": return pvid.map(String.init) ?? ""
    default: return peer.map { "-> \($0)" } ?? ""
    }
  }
}
