extension DecodingError {
  /// What is wrong, in one line for people: `filter is missing`, `command[0] must be a text`.
  package var reason: String {
    switch self {
    case .keyNotFound(let key, let context): "\(Self.path(context.codingPath + [key])) is missing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      "\(context.codingPath.isEmpty ? "it" : Self.path(context.codingPath)) must be \(Self.words(for: type))"
    default: corruption
    }
  }

  private var corruption: String {
    guard case .dataCorrupted(let context) = self else { return Self.line("\(self)") }
    let words = Self.line(context.debugDescription)
    return context.codingPath.isEmpty ? words : "\(Self.path(context.codingPath)): \(words)"
  }

  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// A path as in `nodes[0].name`.
  private static func path(_ keys: [any CodingKey]) -> String {
    var text = ""
    for key in keys {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return text
  }

  private static func words(for type: Any.Type) -> String {
    if type == String.self { return "a text" }
    if type == Bool.self { return "true or false" }
    if type is any BinaryInteger.Type || type is any BinaryFloatingPoint.Type { return "a number" }
    let name = "\(type)"
    if name.hasPrefix("Array<") { return "a list" }
    if name.hasPrefix("Dictionary<") { return "an object" }
    return "a value of type \(name)"
  }
}
