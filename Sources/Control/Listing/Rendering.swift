/// How a listing is written.
package enum OutputFormat: String, Sendable, CaseIterable {
  /// Aligned columns under a header.
  case table
  /// One JSON value: an array with a row a line, or an object.
  case json
  /// One JSON object a line.
  case jsonl
}

/// Writes rows and values in the format asked for.
package struct Rendering: Sendable {
  package var format: OutputFormat
  /// Colour is wanted: on a terminal, without `NO_COLOR`.
  package var isColoured: Bool
  /// Columns of the terminal that it is written to; nil: it is none, and everything is written.
  package var width: Int?

  package init(_ format: OutputFormat, isColoured: Bool = false, width: Int? = nil) {
    self.format = format
    self.isColoured = isColoured
    self.width = width
  }

  /// - Returns: text with a line feed at its end; empty when there is nothing to write.
  package func text<Row: Listing>(_ rows: [Row]) throws -> String {
    switch format {
    case .table: try text(rows, table: rows.map(\.cells), columns: Row.columns)
    case .json, .jsonl: try text(rows, table: [], columns: [])
    }
  }

  /// Rows whose table is not one line a row.
  package func text<Row: Encodable>(_ rows: [Row], table: [[Cell]], columns: [Column]) throws -> String {
    switch format {
    case .table:
      Table(columns: columns, rows: table, isColoured: isColoured).lines(within: width).map { $0 + "\n" }.joined()
    case .json:
      rows.isEmpty ? "[]\n" : "[\n\(try rows.map { try JSON.text($0) }.joined(separator: ",\n"))\n]\n"
    case .jsonl: try rows.map { try JSON.text($0) + "\n" }.joined()
    }
  }

  /// One object; `table` is how people see it.
  package func text(_ object: some Encodable, table: @autoclosure () -> [String]) throws -> String {
    switch format {
    case .table: fitted(table()).map { $0 + "\n" }.joined()
    case .json, .jsonl: try JSON.text(object) + "\n"
    }
  }

  /// Lines that are no table: on a terminal those that are too long go on below their second column.
  private func fitted(_ lines: [String]) -> [String] {
    guard let width, !isColoured || lines.allSatisfy({ !$0.contains("\u{1B}") }) else { return lines }
    return lines.flatMap { line in
      TerminalText.wrapped(TerminalText.clean(line), to: width, indent: Self.secondColumn(of: line))
    }
  }

  /// Where what is behind the first two blanks begins; 2 if there is nothing like it.
  private static func secondColumn(of line: String) -> Int {
    guard let gap = line.firstRange(of: "  "), gap.lowerBound != line.startIndex else { return 2 }
    let rest = line[gap.upperBound...].drop { $0 == " " }
    return min(24, line.distance(from: line.startIndex, to: rest.startIndex))
  }
}
