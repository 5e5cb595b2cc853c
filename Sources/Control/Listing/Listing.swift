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
