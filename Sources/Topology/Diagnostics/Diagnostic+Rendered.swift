extension Diagnostic {
  /// Widest excerpt in Unicode scalars; a longer line is shown as a window around the place.
  private static let excerptWidth = 160

  /// The diagnostic in the manner of a compiler: position, message, excerpt, caret line with the hint; then its notes.
  ///
  ///     campus.lab.yaml:31:14: error[L201]: unknown switch "sw_1"
  ///        31 |   - { ends: [sw_1, sw2] }
  ///           |              ^^^^ did you mean "sw1"? (switches: sw1, sw2)
  ///     campus.lab.yaml:9:1: note: switches are declared here
  ///         9 | switches:
  ///           | ^^^^^^^^
  ///
  /// Ends without a line break.
  package func rendered(source: SourceText) -> String {
    let span = Span(line: line, column: column, length: length)
    let head = "\(path):\(span.position): \(severity.rawValue)[\(code)]: \(message)"
    let places = notes.map { note in
      let span = Span(line: note.line, column: note.column, length: note.length)
      return "\(path):\(span.position): note: \(note.message)\(Self.excerpt(span, hint: nil, source))"
    }
    return (["\(head)\(Self.excerpt(span, hint: hint, source))"] + places).joined(separator: "\n")
  }

  /// The line of a place and carets below it, each after a line break; the hint alone when there is no such line.
  private static func excerpt(_ span: Span, hint: String?, _ source: SourceText) -> String {
    guard let text = source.line(span.line) else { return hint.map { "\n      = \($0)" } ?? "" }
    let window = window(of: text, around: span.column)
    let number = String(span.line)
    let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
    let blank = String(repeating: " ", count: gutter.count)
    let before = window.scalars.prefix(max(0, span.column - 1 - window.start)).map { $0 == "\t" ? "\t" : " " }.joined()
    let room = max(1, window.scalars.count - (span.column - 1 - window.start))
    let carets = String(repeating: "^", count: max(1, min(span.length, room)))
    let caretLine = hint.map { "\(before)\(carets) \($0)" } ?? "\(before)\(carets)"
    return "\n\(gutter) | \(printable(window.scalars))\n\(blank) | \(caretLine)"
  }

  /// The part of a line to show, and how many scalars were left out before it.
  private static func window(of line: [Unicode.Scalar], around column: Int) -> (scalars: [Unicode.Scalar], start: Int) {
    guard line.count > excerptWidth else { return (line, 0) }
    let start = min(max(0, column - 1 - excerptWidth / 2), line.count - 1)
    return (Array(line[start..<min(line.count, start + excerptWidth)]), start)
  }

  /// Text that cannot steer a terminal: control characters other than the tab become U+FFFD.
  private static func printable(_ scalars: [Unicode.Scalar]) -> String {
    var text = String.UnicodeScalarView()
    for scalar in scalars { text.append(scalar == "\t" || !Quoting.isControl(scalar) ? scalar : "\u{FFFD}") }
    return String(text)
  }
}
