/// A row that list commands print.
///
/// Table and JSON come from it, so that all of them behave alike.
package protocol Listing: Encodable, Sendable {
  static var columns: [Column] { get }
  /// As many as `columns`.
  var cells: [Cell] { get }
}

/// A column of a table.
package struct Column: Sendable {
  package enum Alignment: Sendable {
    case left, right
    /// On the left; what a terminal has no room for goes on in a line below, for sentences are to be read.
    case prose
  }
  package var title: String
  var alignment: Alignment
  /// 0: stays on a terminal that is too narrow for all; of the others, those with the highest go first.
  var rank: Int
  /// Its cells may be cut; numbers, on the right, never are.
  var isText: Bool { alignment != .right }

  package init(_ title: String, _ alignment: Alignment = .left, rank: Int = 0) {
    self.title = title
    self.alignment = alignment
    self.rank = rank
  }
}

/// A cell of a table.
package struct Cell: Sendable {
  /// What a colour tells; nothing is told by colour alone.
  package enum Tint: Sendable { case plain, good, bad }
  package var text: String
  var tint: Tint

  /// - Parameter text: an empty one is shown as `-`.
  package init(_ text: String?, _ tint: Tint = .plain) {
    let text = text ?? ""
    self.text = text.isEmpty ? "-" : text
    self.tint = tint
  }

  package init(_ number: some BinaryInteger) { self.init(String(number)) }
}

/// Aligned columns under a header, two blanks apart, without blanks at the end of a line.
package struct Table: Sendable {
  private let columns: [Column]
  private let rows: [[Cell]]
  private let isColoured: Bool

  package init(columns: [Column], rows: [[Cell]], isColoured: Bool = false) {
    self.columns = columns
    self.rows = rows
    self.isColoured = isColoured
  }

  /// The lines, header first, as wide as they are.
  package var lines: [String] { lines(within: nil) }

  /// The lines, header first, as a terminal has room for them: the columns that matter most stay, texts are cut in their
  /// middle.
  /// - Parameter limit: columns of the terminal; nil = no limit, everything is there.
  package func lines(within limit: Int?) -> [String] {
    // On a terminal a line stays one whatever a node or a file has put into a text.
    let rows = limit == nil ? rows : rows.map { $0.map { $0.clean } }
    let natural = columns.enumerated().map { index, column in
      rows.reduce(TerminalText.width(column.title)) { max($0, TerminalText.width($1[index].text)) }
    }
    let places = TableLayout(columns, natural: natural, limit: limit).places
    let header = columns.map { Cell($0.title) }
    return ([header] + rows).flatMap { lines(of: $0, places) }
  }

  /// Of one row: one, and more where prose goes on.
  private func lines(of cells: [Cell], _ places: [TableLayout.Place]) -> [String] {
    let pieces = places.map { place in
      let cell = cells[place.index]
      return columns[place.index].alignment == .prose
        ? TerminalText.wrapped(cell.text, to: max(place.width, 1), indent: 0)
        : [TerminalText.cutInMiddle(cell.text, to: place.width)]
    }
    return (0..<max(1, pieces.map(\.count).max() ?? 1)).map { index in
      line(zip(places, pieces).map { place, pieces in (place, pieces.count > index ? pieces[index] : "") }, cells)
    }
  }

  private func line(_ texts: [(place: TableLayout.Place, text: String)], _ cells: [Cell]) -> String {
    var line = ""
    var blanks = 0
    for (place, text) in texts {
      let padding = max(0, place.width - TerminalText.width(text))
      let isRight = columns[place.index].alignment == .right
      if isRight { blanks += padding }
      if !text.isEmpty {
        line += String(repeating: " ", count: blanks) + painted(text, cells[place.index].tint)
        blanks = 0
      }
      blanks += (isRight ? 0 : padding) + TableLayout.gap
    }
    return line
  }

  private func painted(_ text: String, _ tint: Cell.Tint) -> String {
    guard isColoured else { return text }
    switch tint {
    case .plain: return text
    case .good: return EscapeSequence.styled(text, .green)
    case .bad: return EscapeSequence.styled(text, .red)
    }
  }
}

extension Cell {
  fileprivate var clean: Cell {
    var cell = self
    cell.text = TerminalText.clean(text)
    return cell
  }
}
