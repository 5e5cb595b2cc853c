import Dataplane
import Lab

/// What the API answers when it does not do what is asked: `{"error": {"code": 4, "message": "no port vm9.eth0"}}`.
struct ErrorAnswer: Described {
  var error: ErrorBody

  static let shape = ErrorBody.line

  /// The error in the body of an answer.
  /// - Returns: nil for a body that tells none.
  static func error(in body: [UInt8]) -> ErrorBody? {
    // Earlier daemons answer what is inside alone.
    (try? JSON.decode(ErrorAnswer.self, from: body).error) ?? (try? JSON.decode(ErrorBody.self, from: body))
  }
}

/// An error as the API tells it: `{"code": 4, "message": "no port vm9.eth0", "hint": "..."}`.
///
/// `code` is the exit code that the command line ends with.
package struct ErrorBody: Described, Equatable {
  package var code: Int32
  package var message: String
  package var hint: String?
  /// What is wrong with a lab file; nil = it is about none.
  package var diagnostics: [DiagnosticRow]?

  package init(_ error: UserError) {
    code = error.code.rawValue
    message = error.message
    hint = error.hint
  }

  /// Any error: those that are not meant for people become `failed` with their description.
  package init(_ error: any Error) {
    self.init(UserError(any: error))
    diagnostics = (error as? LabFileMistakes)?.diagnostics.map { DiagnosticRow($0) }
  }

  /// The error on the client's side of the socket.
  ///
  /// A code that this version does not know counts as `failed`.
  package var userError: UserError {
    UserError(ExitCode(rawValue: code) ?? .failed, message, hint: hint)
  }

  /// The HTTP status that goes with `code`.
  package var status: Int { (ExitCode(rawValue: code) ?? .failed).status }

  package static let shape = Shape.object(
    "Error", "What is wrong.",
    [
      Field("code", .integer(1...5), "What `apus` ends with."),
      Field("message", .text, "What failed, what was found, what was expected."),
      Field(optional: "hint", .text, "What to do about it."),
      Field(optional: "diagnostics", .list(DiagnosticRow.shape), "All that is wrong with a lab file."),
    ])
}

extension UserError {
  /// Any error in words for the person at the terminal.
  package init(any error: any Error) {
    switch error {
    case let error as UserError: self = error
    case let error as LabFileMistakes: self = error.userError
    case let error as DataplaneError: self.init(error)
    case is CancellationError: self.init(.failed, "interrupted")
    default: self.init(.failed, ErrorWords.of(error))
    }
  }

  private init(_ error: DataplaneError) {
    switch error {
    case .nameTaken, .invalid: self.init(.badInput, error.description)
    case .unknownPort(let name): self.init(.notFound, "no port \(name)", hint: "see `apus port list`")
    case .unknownSwitch(let name): self.init(.notFound, "no switch \(name)", hint: "see `apus port list`")
    case .host: self.init(.failed, error.description)
    }
  }
}
