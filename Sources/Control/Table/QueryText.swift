import Lab

/// Queries of the API: values of types that say which keys there are, as text behind a path and back.
enum QueryText {
  /// Keys and texts of a request line, percent-decoded; a plus is a space, as `curl --data-urlencode` sends it.
  /// - Throws: `badInput` for what is not well encoded.
  static func pairs(of query: String) throws(UserError) -> [(key: String, text: String)] {
    var pairs: [(String, String)] = []
    for part in query.split(separator: "&") {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let words = sides.map { PercentCoding.unescape(String($0).replacing("+", with: " ")) }
      guard let key = words[0], let text = words.count > 1 ? words[1] : "" else {
        throw UserError(.badInput, "the query's \"\(part)\" is not percent-encoded UTF-8")
      }
      pairs.append((key, text))
    }
    return pairs
  }

  /// - Parameters:
  ///   - fields: keys that may be there. An empty text counts as absent.
  ///   - place: what is asked, for messages: `GET /v1/fdb`.
  /// - Throws: `badInput` that names the key, what was found, and what is known or wanted.
  static func object(
    _ pairs: [(key: String, text: String)], _ fields: [Field], of place: String
  ) throws(UserError) -> JSONValue {
    var members: [String: JSONValue] = [:]
    for (key, text) in pairs {
      guard let field = fields.first(where: { $0.name == key }) else {
        let known = fields.map(\.name).joined(separator: ", ")
        throw UserError(
          .badInput, "unknown query key \"\(key)\"", hint: known.isEmpty ? "\(place) takes none" : "known: \(known)")
      }
      if field.isRepeated {
        members[key] = .list(items(members[key]) + [.text(text)])
        continue
      }
      guard members[key] == nil else { throw UserError(.badInput, "query key \"\(key)\" is there twice") }
      guard !text.isEmpty || field.shape.isForm else { continue }
      guard let value = field.shape.value(of: text) else {
        throw UserError(.badInput, "\(key) must be \(field.shape.textWords), found \"\(text)\"")
      }
      members[key] = value
    }
    for field in fields where field.isRequired && members[field.name] == nil {
      throw UserError(.badInput, "query key \"\(field.name)\" is missing")
    }
    return .object(members)
  }

  private static func items(_ value: JSONValue?) -> [JSONValue] {
    if case .list(let items)? = value { items } else { [] }
  }

  /// Keys and texts of a query, in order of keys; what is nil, and what is false, is left out.
  /// - Parameter fields: which of them are repeated.
  static func pairs(_ query: some Encodable, _ fields: [Field] = []) throws -> [(key: String, text: String)] {
    guard case .object(let members) = try JSON.decode(JSONValue.self, from: JSON.bytes(query)) else { return [] }
    return members.sorted { $0.key < $1.key }.flatMap { key, value -> [(key: String, text: String)] in
      let isRepeated = fields.contains { $0.name == key && $0.isRepeated }
      return (isRepeated ? items(value) : [value]).compactMap { value in value.queryText.map { (key, $0) } }
    }
  }
}

extension JSONValue {
  /// As text of a query.
  fileprivate var queryText: String? {
    switch self {
    case .null, .boolean(false), .object: nil
    case .boolean(true): "true"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .text(let text): text
    case .list(let items): items.isEmpty ? nil : items.compactMap(\.queryText).joined(separator: ",")
    }
  }
}

extension Shape {
  /// The value that a text in a query stands for.
  /// - Returns: nil for one that is none.
  fileprivate func value(of text: String) -> JSONValue? {
    let value: JSONValue? =
      switch self {
      case .text, .form, .choice: .text(text)
      case .integer: Int(text).map { .integer($0) }
      case .number, .numbers: Int(text).map { .integer($0) } ?? Double(text).flatMap { $0.isFinite ? .number($0) : nil }
      case .boolean: ["true": true, "false": false][text].map { .boolean($0) }
      case .list(let shape), .counted(let shape, _):
        list(text.split(separator: ",").map { shape.value(of: String($0)) })
      case .bytes, .map, .object, .either, .nullable, .anything: nil
      }
    guard let value, (try? check(value)) != nil else { return nil }
    return value
  }

  /// Nothing is none of its texts, and does not count as left out.
  fileprivate var isForm: Bool {
    if case .form(let form) = self { form.length.lowerBound > 0 } else { false }
  }

  private func list(_ items: [JSONValue?]) -> JSONValue? {
    let values = items.compactMap { $0 }
    return values.isEmpty || values.count < items.count ? nil : .list(values)
  }

  /// What a text in a query must be, as messages say it.
  fileprivate var textWords: String {
    if case .list = self { "names with commas between" } else { words }
  }
}
