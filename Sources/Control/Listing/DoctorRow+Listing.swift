extension DoctorRow: Listing {
  package static let columns = [Column("STATE"), Column("WHAT"), Column("DETAIL"), Column("ADVICE")]

  package var cells: [Cell] {
    let tint: Cell.Tint =
      switch state {
      case "ok", "removed": .good
      case "missing", "leftover": .bad
      default: .plain
      }
    return [Cell(state, tint), Cell(subject), Cell(detail), Cell(advice)]
  }
}
