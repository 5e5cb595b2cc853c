import Lab

extension NodeRow: Listing {
  package static let columns = [
    Column("LAB"), Column("NODE"), Column("KIND"), Column("IMAGE"), Column("STATE"), Column("READY"),
    Column("PID", .right), Column("SINCE"), Column("ADDRESSES"),
  ]

  package var cells: [Cell] {
    let tint: Cell.Tint =
      switch state {
      case .running: .good
      case .stopped, .starting: .plain
      case .failed: .bad
      }
    return [
      Cell(lab), Cell(node), Cell(kind), Cell(imageName), Cell(state.rawValue, tint), Cell(ready ? "yes" : "no"),
      Cell(pid.map { String($0) }), Cell(since), Cell(addresses.joined(separator: " ")),
    ]
  }

  /// File name of the image.
  private var imageName: String? { image.flatMap { $0.split(separator: "/").last.map(String.init) } }
}
