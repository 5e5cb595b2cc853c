/// Reads keys of a configuration that are what they should be, or says which is not.
struct CNIReader {
  private let value: JSONValue
  private let place: String

  /// - Parameter place: in front of a key, for messages: `ipam.`.
  init(_ value: JSONValue, in place: String = "") { (self.value, self.place) = (value, place) }

  private func said(_ key: String) -> JSONValue? {
    guard let said = value[key], said != .null else { return nil }
    return said
  }

  private func mistake(_ key: String, _ expected: String) -> CNIError {
    CNIError(CNIError.Code.invalidNetwork, "\"\(place)\(key)\" must be \(expected)")
  }

  /// An empty text says nothing.
  func text(_ key: String) throws(CNIError) -> String? {
    guard let said = said(key) else { return nil }
    guard let text = said.text else { throw mistake(key, "a text") }
    return text.isEmpty ? nil : text
  }

  func needed(_ key: String, _ what: String) throws(CNIError) -> String {
    if let text = try text(key) { return text }
    throw CNIError(CNIError.Code.invalidNetwork, "\"\(place)\(key)\" is missing: \(what)")
  }

  func number(_ key: String) throws(CNIError) -> Int? {
    guard let said = said(key) else { return nil }
    guard let number = said.integer else { throw mistake(key, "a whole number") }
    return number
  }

  func textOrNumber(_ key: String) throws(CNIError) -> String? {
    guard let said = said(key) else { return nil }
    guard let text = Self.word(said) else { throw mistake(key, "a name or a number") }
    return text
  }

  func listOfTexts(_ key: String) throws(CNIError) -> [String]? {
    guard let said = said(key) else { return nil }
    guard let list = said.list, !list.contains(where: { $0.text == nil }) else { throw mistake(key, "a list of texts") }
    return list.compactMap(\.text)
  }

  /// `"all"`, or a list of names, numbers and ranges; one alone may stand without a list.
  func listOfVLANs(_ key: String) throws(CNIError) -> [String]? {
    guard let said = said(key) else { return nil }
    let words = (said.list ?? [said]).map { Self.word($0) }
    guard !words.isEmpty, !words.contains(nil) else {
      throw mistake(key, "\"all\", or a list of names, numbers and ranges such as \"100-199\"")
    }
    return words.compactMap(\.self)
  }

  private static func word(_ value: JSONValue) -> String? {
    switch value {
    case .text(let text): text.isEmpty ? nil : text
    case .integer(let number): "\(number)"
    case .null, .boolean, .number, .list, .object: nil
    }
  }
}
