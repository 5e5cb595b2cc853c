import Dataplane

/// A row of `fdb list`.
package struct FDBRow: Described, Equatable {
  package var switchName: String
  package var vlan: Int
  package var mac: String
  package var port: String
  /// Seconds since the address was seen last, to the hundredth.
  package var ageSeconds: Double
  package var isStatic: Bool

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case vlan, mac, port
    case ageSeconds = "age_seconds"
    case isStatic = "static"
  }

  init(_ entry: FDBEntry) {
    switchName = entry.switchName
    vlan = entry.vlan
    mac = "\(entry.address)"
    port = entry.port
    ageSeconds = (entry.ageSeconds * 100).rounded() / 100
    isStatic = entry.isStatic
  }

  package static let shape = Shape.object(
    "FDBEntry", "A row of `fdb list`: a station that a switch knows.",
    [
      Field("switch", .text, "Name of the switch."),
      Field("vlan", .stationVLAN, "VLAN in which the station was seen; 0 on a switch that is not VLAN-aware."),
      Field("mac", .text, "Its address."),
      Field("port", .text, "The port that leads to it."),
      Field("age_seconds", .positive, "Time since it was seen last."),
      Field("static", .boolean, "It was not learnt, and is not forgotten."),
    ])
}

extension FDBRow: Listing {
  package static let columns = [
    Column("MAC"), Column("PORT"), Column("VLAN", .right), Column("SWITCH", rank: 1), Column("AGE", .right, rank: 2),
    Column("STATE", rank: 3),
  ]

  package var cells: [Cell] {
    [
      Cell(mac), Cell(port), Cell(vlan), Cell(switchName), Cell(isStatic ? nil : "\(Int(ageSeconds))s"),
      Cell(isStatic ? "static" : "learnt"),
    ]
  }
}
