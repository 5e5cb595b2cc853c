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

  package init(_ format: OutputFormat, isColoured: Bool = false) {
    self.format = format
    self.isColoured = isColoured
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
    case .table: Table(columns: columns, rows: table, isColoured: isColoured).lines.map { $0 + "\n" }.joined()
    case .json:
      rows.isEmpty ? "[]\n" : "[\n\(try rows.map { try JSON.text($0) }.joined(separator: ",\n"))\n]\n"
    case .jsonl: try rows.map { try JSON.text($0) + "\n" }.joined()
    }
  }

  /// One object; `table` is how people see it.
  package func text(_ object: some Encodable, table: @autoclosure () -> [String]) throws -> String {
    switch format {
    case .table: table().map { $0 + "\n" }.joined()
    case .json, .jsonl: try JSON.text(object) + "\n"
    }
  }
}
