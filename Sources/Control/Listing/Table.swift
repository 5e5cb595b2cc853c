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
  package enum Alignment: Sendable { case left, right }
  var title: String
  var alignment: Alignment

  package init(_ title: String, _ alignment: Alignment = .left) {
    self.title = title
    self.alignment = alignment
  }
}

/// A cell of a table.
package struct Cell: Sendable {
  /// What a colour tells; nothing is told by colour alone.
  package enum Tint: Sendable { case plain, good, bad }
  var text: String
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

  /// The lines, header first.
  package var lines: [String] {
    let widths = columns.enumerated().map { index, column in
      rows.reduce(column.title.count) { max($0, $1[index].text.count) }
    }
    let header = columns.map { Cell($0.title) }
    return ([header] + rows).map { cells in line(cells, widths) }
  }

  private func line(_ cells: [Cell], _ widths: [Int]) -> String {
    var text = ""
    for (index, cell) in cells.enumerated() {
      let padding = String(repeating: " ", count: widths[index] - cell.text.count)
      if index > 0 { text += "  " }
      switch columns[index].alignment {
      case .left: text += painted(cell) + (index == cells.count - 1 ? "" : padding)
      case .right: text += padding + painted(cell)
      }
    }
    return text
  }

  private func painted(_ cell: Cell) -> String {
    guard isColoured else { return cell.text }
    switch cell.tint {
    case .plain: return cell.text
    case .good: return "\u{1B}[32m\(cell.text)\u{1B}[0m"
    case .bad: return "\u{1B}[31m\(cell.text)\u{1B}[0m"
    }
  }
}
