/// Reading JSON of others, whose values may be of any kind.
extension JSONValue {
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }
  var members: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

  /// Nothing is said: `null`, or an empty text, list or object.
  var isVoid: Bool {
    switch self {
    case .null: true
    case .text(let text): text.isEmpty
    case .list(let list): list.isEmpty
    case .object(let members): members.isEmpty
    case .boolean, .integer, .number: false
    }
  }

  /// The same object with another value for a key.
  func with(_ key: String, _ value: JSONValue) -> JSONValue {
    var members = members ?? [:]
    members[key] = value
    return .object(members)
  }
}
