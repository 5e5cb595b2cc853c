import Foundation

/// Any value of JSON, for peers whose messages a test looks at here and there.
enum JSON: Sendable, Equatable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case items([JSON])
  case fields([String: JSON])

  /// A field of an object; null if there is none, or this is no object.
  subscript(name: String) -> JSON {
    if case .fields(let fields) = self { fields[name] ?? .null } else { .null }
  }

  /// An item of an array; null beyond its end, or if this is no array.
  subscript(index: Int) -> JSON { items.indices.contains(index) ? items[index] : .null }

  /// Nil unless this is a string.
  var text: String? { if case .text(let text) = self { text } else { nil } }
  /// Nil unless this is a number.
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  /// Whether this is `true`.
  var isTrue: Bool { self == .flag(true) }
  /// Empty unless this is an array.
  var items: [JSON] { if case .items(let items) = self { items } else { [] } }

  init(parsing bytes: some DataProtocol) throws { self = try JSONDecoder().decode(JSON.self, from: Data(bytes)) }

  /// The value as a type of the test's own.
  func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
  }
}

extension JSON: Codable {
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let items = try? container.decode([JSON].self) {
      self = .items(items)
    } else {
      self = .fields(try container.decode([String: JSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .flag(let flag): try container.encode(flag)
    // A whole number must not become 1.0, which some readers of integers refuse.
    case .number(let number):
      if let whole = Int(exactly: number) { try container.encode(whole) } else { try container.encode(number) }
    case .text(let text): try container.encode(text)
    case .items(let items): try container.encode(items)
    case .fields(let fields): try container.encode(fields)
    }
  }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
  ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
  init(dictionaryLiteral elements: (String, JSON)...) { self = .fields(Dictionary(elements) { $1 }) }
  init(arrayLiteral elements: JSON...) { self = .items(elements) }
  init(stringLiteral value: String) { self = .text(value) }
  init(integerLiteral value: Int) { self = .number(Double(value)) }
  init(floatLiteral value: Double) { self = .number(value) }
  init(booleanLiteral value: Bool) { self = .flag(value) }
}

extension JSON: CustomStringConvertible {
  var description: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
  }
}
