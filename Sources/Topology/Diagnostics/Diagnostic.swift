/// One finding about a lab file, with the place it is about.
package struct Diagnostic: Sendable, Hashable {
  package enum Severity: String, Sendable, Encodable { case error, warning, note }

  /// Another place that explains the finding: where the name is declared, who had it first.
  package struct Note: Sendable, Hashable, Encodable {
    /// From 1.
    package var line: Int
    /// In Unicode scalars, from 1.
    package var column: Int
    /// Unicode scalars to underline, at least 1.
    package var length: Int
    package var message: String

    init(_ message: String, at span: Span) {
      line = span.line
      column = span.column
      length = span.length
      self.message = Quoting.harmless(message)
    }

    /// A note if there is a place for it.
    static func ifPlaced(_ message: String, at span: Span?) -> [Note] { span.map { [Note(message, at: $0)] } ?? [] }
  }

  package var severity: Severity
  /// Such as `L201`; docs/lab-file.md lists them.
  package var code: String
  /// The file as the user named it.
  package var path: String
  /// From 1.
  package var line: Int
  /// In Unicode scalars, from 1.
  package var column: Int
  /// Unicode scalars to underline, at least 1.
  package var length: Int
  package var message: String
  /// What to do about it: a near name, the valid values.
  package var hint: String?
  /// Other places, in the order in which they explain it.
  package var notes: [Note] = []

  init(_ severity: Severity, _ code: DiagnosticCode, path: String, _ span: Span, _ message: String) {
    self.severity = severity
    self.code = code.rawValue
    self.path = path
    line = span.line
    column = span.column
    length = span.length
    self.message = Quoting.harmless(message)
  }
}
