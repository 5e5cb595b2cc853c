/// How a command ends, as the user guide fixes it.
package enum ExitCode: Int32, Sendable {
  case done = 0
  /// Failed while running.
  case failed = 1
  /// Usage or lab file.
  case badInput = 2
  /// Tests failed, or a dry run found changes.
  case different = 3
  /// No such lab, node or port.
  case notFound = 4
  /// The daemon cannot be reached.
  case unreachable = 5
}

/// An error in words for the person at the terminal.
package struct UserError: Error, Sendable, Equatable, CustomStringConvertible {
  package var code: ExitCode
  /// What failed, the value seen, what was expected, where; lower case, no full stop.
  package var message: String
  /// What to do about it.
  package var hint: String?

  package init(_ code: ExitCode, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  package var description: String {
    guard let hint else { return message }
    return "\(message) (\(hint))"
  }
}

extension UserError {
  /// Any error as a `UserError`; those that are none become `failed` with `context` in front.
  static func wrapping(_ error: any Error, _ context: String) -> UserError {
    if let error = error as? UserError { return error }
    if error is CancellationError { return UserError(.failed, "\(context): interrupted") }
    return UserError(.failed, "\(context): \(ErrorWords.of(error))")
  }

  /// Several failures as one, which is told whole: a person sees what is left, not only the first of it.
  /// - Returns: nil for none; the code and the hint are those of the first.
  static func all(_ failures: [UserError]) -> UserError? {
    guard var all = failures.first else { return nil }
    let others = failures.dropFirst().map(\.message)
    all.message = ([all.message] + others).joined(separator: "; ")
    return all
  }

  /// The same error, with what could not be removed on the way back.
  /// - Parameter left: what, and why; empty as a rule.
  func leaving(_ left: [String], of lab: String) -> UserError {
    guard !left.isEmpty else { return self }
    let again = "`apus down \(lab)` tries again to remove what is left"
    let message = "\(message); left behind: \(left.joined(separator: "; "))"
    return UserError(code, message, hint: hint.map { "\($0); \(again)" } ?? again)
  }
}
