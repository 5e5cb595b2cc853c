/// A plain value that one process writes down and another reads, perhaps of another version of this program.
package protocol VersionedState {
  /// What the value is, for messages to people: `session state`.
  static var stateName: String { get }
  /// Rises with every change of the form; a value of another version is refused.
  static var stateVersion: Int { get }
}

/// The version that a `VersionedState` begins with: declared first, so that it is read before all else, and a value of
/// another version is refused as that rather than for a field that it lacks.
package struct StateVersion<State: VersionedState>: Codable, Equatable, Sendable {
  package init() {}

  /// - Throws: `StateError.version` for any number but that of this program.
  package init(from decoder: any Decoder) throws {
    let found = try decoder.singleValueContainer().decode(Int.self)
    guard found == State.stateVersion else {
      throw StateError.version(of: State.stateName, found: found, expected: State.stateVersion)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(State.stateVersion)
  }
}

/// Why a plain value cannot be used.
package enum StateError: Error, Equatable, Sendable, CustomStringConvertible {
  case version(of: String, found: Int, expected: Int)
  /// It says what cannot be, or what does not fit here.
  case invalid(String)

  package var description: String {
    switch self {
    case .version(let name, let found, let expected):
      "\(name) has version \(found), this program reads version \(expected)"
    case .invalid(let reason): reason
    }
  }
}
