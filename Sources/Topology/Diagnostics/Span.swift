/// A place in the lab file.
package struct Span: Sendable, Hashable {
  /// From 1.
  package var line: Int
  /// In Unicode scalars, from 1.
  package var column: Int
  /// Unicode scalars to underline, at least 1.
  package var length: Int

  package init(line: Int, column: Int, length: Int = 1) {
    self.line = line
    self.column = column
    self.length = max(1, length)
  }

  /// The head of the file, for what is missing from it.
  static let start = Span(line: 1, column: 1)

  /// `line:column`, as messages name another place.
  var position: String { "\(line):\(column)" }
}

/// A value and the place in the file it was read from.
struct Located<Value> {
  var value: Value
  var span: Span

  init(_ value: Value, _ span: Span) {
    self.value = value
    self.span = span
  }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}
