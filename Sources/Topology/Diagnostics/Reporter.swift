/// Collects the findings of one load.
final class Reporter {
  /// Errors reported at most; the rest are counted.
  static let limit = 50

  /// Notes of one finding at most: the first few places explain a loop of a hundred switches as well as all.
  private static let mostNotes = 6

  private let path: String
  private var found: [Diagnostic] = []
  /// Where each finding is in `found`, by what it is without its notes.
  private var places: [Diagnostic: Int] = [:]

  init(path: String) { self.path = path }

  var hasErrors: Bool { found.contains { $0.severity == .error } }

  func error(
    _ code: DiagnosticCode, _ span: Span, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []
  ) {
    add(Diagnostic(.error, code, path: path, span, message, hint: hint), notes)
  }

  func warning(
    _ code: DiagnosticCode, _ span: Span, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []
  ) {
    add(Diagnostic(.warning, code, path: path, span, message, hint: hint), notes)
  }

  func note(_ code: DiagnosticCode, _ span: Span, _ message: String, hint: String? = nil) {
    add(Diagnostic(.note, code, path: path, span, message, hint: hint), [])
  }

  /// Keeps a finding; the nodes of a range share their text, so the same may be found several times.
  ///
  /// What is found again adds its notes, one for each place but the finding's own.
  private func add(_ diagnostic: Diagnostic, _ notes: [Diagnostic.Note]) {
    let place = places[diagnostic] ?? found.count
    if place == found.count {
      places[diagnostic] = place
      found.append(diagnostic)
    }
    for note in notes where (note.line, note.column) != (diagnostic.line, diagnostic.column) {
      guard found[place].notes.count < Self.mostNotes else { return }
      let isNew = !found[place].notes.contains { ($0.line, $0.column) == (note.line, note.column) }
      if isNew { found[place].notes.append(note) }
    }
  }

  /// The findings in file order, at most `limit`; a last note counts those left out.
  func sorted() -> [Diagnostic] {
    let order = found.enumerated().sorted {
      ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
    }
    var result: [Diagnostic] = []
    var kept = 0
    var dropped = 0
    for diagnostic in order.map(\.element) {
      if diagnostic.severity == .error {
        guard kept < Self.limit else {
          dropped += 1
          continue
        }
        kept += 1
      }
      result.append(diagnostic)
    }
    if dropped > 0, let last = result.last {
      let span = Span(line: last.line, column: last.column, length: last.length)
      let message = "\(dropped) more \(dropped == 1 ? "error is" : "errors are") not shown"
      result.append(Diagnostic(.note, .limit, path: path, span, message, hint: nil))
    }
    return result
  }
}
