import Lab

/// Why the plugin has not done what a runtime asked, as the CNI specification words it (1.1, "Error").
struct CNIError: Error, Sendable, Equatable {
  /// Codes below 100 are the specification's, the others ours.
  enum Code {
    static let incompatibleVersion = 1
    static let unsupportedField = 2
    /// The container's namespace is not there: nothing was made, and no DEL is needed.
    static let unknownContainer = 3
    static let invalidEnvironment = 4
    static let io = 5
    static let notDecoded = 6
    static let invalidNetwork = 7
    /// The lab is not up: it may be later.
    static let tryAgain = 11
    /// Answer of STATUS: an ADD would fail.
    static let notAvailable = 50
    /// What the host or the lab refused.
    static let failed = 100
    /// The interface is there already.
    static let exists = 101
    /// Answer of CHECK: something is not as it was made.
    static let differs = 102
  }

  var code: Int
  var message: String
  /// What else there is to say; a hint as a rule.
  var details: String?

  init(_ code: Int, _ message: String, details: String? = nil) {
    (self.code, self.message, self.details) = (code, message, details)
  }

  /// Of an error of the lab's daemon or of this host.
  init(_ error: any Error) {
    if let error = error as? CNIError {
      self = error
    } else if let error = error as? UserError {
      let code =
        switch error.code {
        case .unreachable: Code.tryAgain
        case .badInput, .notFound: Code.invalidNetwork
        case .done, .failed, .different: Code.failed
        }
      self.init(code, error.message, details: error.hint)
    } else {
      self.init(Code.failed, ErrorWords.of(error))
    }
  }

  /// The same, with what went wrong besides.
  func with(_ other: (any Error)?) -> CNIError {
    guard let other = other.map({ CNIError($0) }), other.message != message else { return self }
    return CNIError(code, "\(message); and \(other.message)", details: details)
  }

  /// What is written to standard output.
  func answer(_ version: String?) -> JSONValue {
    var members: [String: JSONValue] = [
      "cniVersion": .text(version ?? CNIVersion.latest), "code": .integer(code), "msg": .text(message),
    ]
    if let details { members["details"] = .text(details) }
    return .object(members)
  }
}

/// Versions of the CNI specification.
enum CNIVersion {
  static let latest = "1.1.0"
  /// Those that we speak, the oldest first.
  static let all = ["0.3.1", "0.4.0", "1.0.0", latest]

  /// Whether addresses of a result say which IP they are.
  static func namesFamilies(_ version: String) -> Bool { version.hasPrefix("0.") }
}
