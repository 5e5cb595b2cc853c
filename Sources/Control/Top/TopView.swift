/// The tables of `top`.
package enum TopView: String, Sendable, CaseIterable {
  case ports, links, workers, nodes

  /// Keys that lead to it.
  var keys: [Character] {
    switch self {
    case .ports: ["p", "1"]
    case .links: ["l", "2"]
    case .workers: ["w", "3"]
    case .nodes: ["n", "4"]
    }
  }

  /// Title of the column that it is sorted by until somebody says another one; nil: as in the lab file.
  var usualOrder: String? {
    switch self {
    case .ports: "RX-BIT/S"
    case .links: "TO-BIT/S"
    case .workers, .nodes: nil
    }
  }

  package var columns: [Column] {
    switch self {
    case .ports:
      [
        Column("PORT"), Column("SWITCH", rank: 5), Column("CARRIER", rank: 1), Column("RX-PPS", .right),
        Column("RX-BIT/S", .right), Column("TX-PPS", .right), Column("TX-BIT/S", .right), Column("DROPS/S", .right),
        Column("DROPS", .right, rank: 2), Column("RX-PACKETS", .right, rank: 4),
        Column("TX-PACKETS", .right, rank: 4), Column("REASONS", rank: 3),
      ]
    case .links:
      [
        Column("LINK"), Column("ENDS", rank: 2), Column("CARRIER"), Column("TO-PPS", .right),
        Column("TO-BIT/S", .right), Column("BACK-PPS", .right), Column("BACK-BIT/S", .right),
        Column("DROPS/S", .right), Column("IMPAIRMENTS", rank: 1),
      ]
    case .workers:
      [
        Column("WORKER", .right), Column("CPU", .right), Column("BUSY", .right), Column("FRAMES/S", .right),
        Column("CYCLES/FRAME", .right), Column("FRAMES/BURST", .right, rank: 1), Column("SLEEPS/S", .right),
        Column("PORTS", .right), Column("SERVES", rank: 2),
      ]
    case .nodes:
      [
        Column("NODE"), Column("KIND", rank: 2), Column("STATE"), Column("READY"), Column("SENT-PPS", .right),
        Column("SENT-BIT/S", .right), Column("GOT-PPS", .right), Column("GOT-BIT/S", .right),
        Column("DROPS/S", .right), Column("ADDRESSES", rank: 3), Column("SINCE", rank: 4), Column("ERROR", rank: 1),
      ]
    }
  }
}
