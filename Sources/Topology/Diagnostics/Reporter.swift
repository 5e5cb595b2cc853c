/// Collects the findings of one load.
final class Reporter {
  /// Errors reported at most; the rest are counted.
  static let limit = 50

  /// Notes of one finding at most: the first few places explain a loop of a hundred switches as well as all.
  private static let mostNotes = 6

  private struct Finding {
    /// Without its hint.
    var diagnostic: Diagnostic
    var hint: () -> String?
  }

  private let path: String
  private let limit: Int
  private var found: [Finding] = []
  /// Where each finding is in `found`, by what it is without its hint and its notes.
  private var places: [Diagnostic: Int] = [:]

  init(path: String, limit: Int = Reporter.limit) {
    self.path = path
    self.limit = limit
  }

  var hasErrors: Bool { found.contains { $0.diagnostic.severity == .error } }

  /// Hints are made for what is shown only: a near name among five thousand takes its time.
  func error(
    _ code: DiagnosticCode, _ span: Span, _ message: String, hint: @autoclosure @escaping () -> String? = nil,
    notes: [Diagnostic.Note] = []
  ) {
    add(Diagnostic(.error, code, path: path, span, message), hint, notes)
  }

  func warning(
    _ code: DiagnosticCode, _ span: Span, _ message: String, hint: @autoclosure @escaping () -> String? = nil,
    notes: [Diagnostic.Note] = []
  ) {
    add(Diagnostic(.warning, code, path: path, span, message), hint, notes)
  }

  func note(_ code: DiagnosticCode, _ span: Span, _ message: String) {
    add(Diagnostic(.note, code, path: path, span, message), { nil }, [])
  }

  /// Keeps a finding; the nodes of a range share their text, so the same may be found several times.
  ///
  /// What is found again adds its notes, one for each place but the finding's own.
  private func add(_ diagnostic: Diagnostic, _ hint: @escaping () -> String?, _ notes: [Diagnostic.Note]) {
    let place = places[diagnostic] ?? found.count
    if place == found.count {
      places[diagnostic] = place
      found.append(Finding(diagnostic: diagnostic, hint: hint))
    }
    for note in notes where (note.line, note.column) != (diagnostic.line, diagnostic.column) {
      let known = found[place].diagnostic.notes
      guard known.count < Self.mostNotes else { return }
      let isNew = !known.contains { ($0.line, $0.column) == (note.line, note.column) }
      if isNew { found[place].diagnostic.notes.append(note) }
    }
  }

  /// The findings in file order, at most `limit`; a last note counts those left out.
  func sorted() -> [Diagnostic] {
    let order = found.enumerated().sorted {
      let (one, other) = ($0.element.diagnostic, $1.element.diagnostic)
      return (one.line, one.column, $0.offset) < (other.line, other.column, $1.offset)
    }
    var result: [Diagnostic] = []
    var kept = 0
    var dropped = 0
    for finding in order.map(\.element) {
      var diagnostic = finding.diagnostic
      if diagnostic.severity == .error {
        guard kept < limit else {
          dropped += 1
          continue
        }
        kept += 1
      }
      diagnostic.hint = finding.hint().map { Quoting.harmless($0) }
      result.append(diagnostic)
    }
    if dropped > 0, let last = result.last {
      let span = Span(line: last.line, column: last.column, length: last.length)
      let message = "\(dropped) more \(dropped == 1 ? "error is" : "errors are") not shown"
      result.append(Diagnostic(.note, .limit, path: path, span, message))
    }
    return result
  }
}
