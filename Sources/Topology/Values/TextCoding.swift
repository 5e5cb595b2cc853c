/// A value that JSON has as the text that a lab file or a command says of it.
package protocol TextCoded: Codable, CustomStringConvertible {
  /// Reads what `description` says.
  /// - Returns: nil for anything else.
  init?(_ text: String)
  /// What a text is not that is none of these: `no address`.
  static var mistake: String { get }
}

extension TextCoded {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    let text = try value.decode(String.self)
    guard let read = Self(text) else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(text)\" is \(Self.mistake)")
    }
    self = read
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(description)
  }
}
