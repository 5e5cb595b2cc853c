import FoundationEssentials

/// JSON as this product writes and reads it: keys sorted, so that the same answer is always the same text.
package enum JSON {
  /// - Parameter isPretty: on several lines, for people; otherwise on one.
  package static func bytes(_ value: some Encodable, isPretty: Bool = false) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    return try [UInt8](encoder.encode(value))
  }

  /// `bytes(_:isPretty:)` as text without a line break at the end.
  package static func text(_ value: some Encodable, isPretty: Bool = false) throws -> String {
    String(decoding: try bytes(value, isPretty: isPretty), as: UTF8.self)
  }

  package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes))
  }
}
