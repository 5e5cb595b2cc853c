import Topology

/// A finding about a lab file, as `validate -o json` has it.
package struct DiagnosticRow: Described, Equatable {
  /// Another place that explains it.
  package struct Note: Described, Equatable {
    package var line: Int
    package var column: Int
    package var length: Int
    package var message: String

    package static let shape = Shape.object("DiagnosticNote", "Another place that explains a finding.", place)
  }

  package var severity: String
  package var code: String
  package var file: String
  package var path: String
  package var line: Int
  package var column: Int
  package var length: Int
  package var message: String
  package var hint: String?
  package var notes: [Note]?

  init(_ diagnostic: Diagnostic) {
    (severity, code) = (diagnostic.severity.rawValue, diagnostic.code)
    (file, path) = (diagnostic.path, diagnostic.path)
    (line, column, length) = (diagnostic.line, diagnostic.column, diagnostic.length)
    (message, hint) = (diagnostic.message, diagnostic.hint)
    let places = diagnostic.notes.map {
      Note(line: $0.line, column: $0.column, length: $0.length, message: $0.message)
    }
    notes = places.isEmpty ? nil : places
  }

  private static let place = [
    Field("line", .integer(1...Int.max), "From 1."),
    Field("column", .integer(1...Int.max), "In Unicode scalars, from 1."),
    Field("length", .integer(1...Int.max), "Unicode scalars that it is about."),
    Field("message", .text, "What is wrong."),
  ]

  package static let shape = Shape.object(
    "Diagnostic", "A finding about a lab file.",
    [
      Field("severity", .choice(["error", "warning", "note"]), "A lab file with an error is not taken."),
      Field("code", .text, "Such as `L201`."),
      Field("file", .text, "The lab file."),
      Field("path", .text, "The same."),
    ] + place + [
      Field(optional: "hint", .text, "What to do about it."),
      Field(optional: "notes", .list(Note.shape), "Other places that explain it."),
    ])
}
