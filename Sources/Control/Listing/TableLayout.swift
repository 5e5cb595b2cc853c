/// Which columns of a table a terminal has room for, and how wide they are.
struct TableLayout: Equatable {
  struct Place: Equatable {
    /// Among the table's columns.
    var index: Int
    var width: Int
  }

  /// Blanks between two columns.
  static let gap = 2
  /// Columns that a cut text keeps as long as there is a column that could go instead.
  private static let floor = 14

  var places: [Place]

  /// - Parameters:
  ///   - natural: what the cells take, column by column, titles included.
  ///   - limit: columns of the terminal; nil = all the room that there is.
  init(_ columns: [Column], natural: [Int], limit: Int?) {
    var shown = Array(columns.indices)
    guard let limit else {
      places = shown.map { Place(index: $0, width: natural[$0]) }
      return
    }
    while true {
      let widths = shown.map { natural[$0] }
      let isLast = shown.count == 1 || !shown.contains { columns[$0].rank > 0 }
      let fitting = Self.shrunk(widths, shown.map { columns[$0] }, to: limit, floor: isLast ? 1 : Self.floor)
      if Self.total(fitting) <= limit || shown.count == 1 {
        places = zip(shown, fitting).map { Place(index: $0, width: min($1, limit)) }
        return
      }
      // Those that matter as little go together: a count of one way says little without the other way's.
      let highest = shown.map { columns[$0].rank }.max() ?? 0
      shown = highest > 0 ? shown.filter { columns[$0].rank < highest } : Array(shown.dropLast())
    }
  }

  static func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + gap * max(0, widths.count - 1) }

  /// Takes from the widest text until all fit, or nothing is left to take.
  private static func shrunk(_ widths: [Int], _ columns: [Column], to limit: Int, floor: Int) -> [Int] {
    var widths = widths
    var excess = total(widths) - limit
    while excess > 0 {
      let cuttable = widths.indices.filter { columns[$0].isText && widths[$0] > max(floor, 1) }
      guard let widest = cuttable.max(by: { widths[$0] < widths[$1] }) else { break }
      // Down to the next widest at once.
      let next = cuttable.filter { $0 != widest }.map { widths[$0] }.max() ?? floor
      let step = min(excess, max(1, widths[widest] - max(next, floor)))
      widths[widest] -= step
      excess -= step
    }
    return widths
  }
}
