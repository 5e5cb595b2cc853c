import Lab
import Topology

/// A lab file's text has errors.
struct LabFileMistakes: Error {
  var diagnostics: [Diagnostic]

  /// The first one in words; how many more there are.
  var userError: UserError {
    let errors = diagnostics.filter { $0.severity == .error }
    let count = errors.count == 1 ? "an error" : "\(errors.count) errors"
    guard let first = errors.first else { return UserError(.badInput, "the lab file cannot be read") }
    return UserError(
      .badInput,
      "the lab file has \(count): line \(first.line), column \(first.column): [\(first.code)] \(first.message)",
      hint: first.hint)
  }
}
