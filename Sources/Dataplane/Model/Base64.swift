/// Bytes as text within a JSON value: RFC 4648 section 4, with padding.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  static func text(_ bytes: [UInt8]) -> String {
    var characters: [UInt8] = []
    characters.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let (second, third) = (index + 1 < bytes.count, index + 2 < bytes.count)
      let word =
        Int(bytes[index]) << 16 | (second ? Int(bytes[index + 1]) << 8 : 0) | (third ? Int(bytes[index + 2]) : 0)
      characters.append(alphabet[word >> 18])
      characters.append(alphabet[word >> 12 & 63])
      characters.append(second ? alphabet[word >> 6 & 63] : padding)
      characters.append(third ? alphabet[word & 63] : padding)
      index += 3
    }
    return String(decoding: characters, as: UTF8.self)
  }

  /// Nil for what is not such a text.
  static func bytes(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count % 4 == 0 else { return nil }
    let values = Self.values
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3)
    var index = 0
    while index < characters.count {
      let isLast = index + 4 == characters.count
      var (word, missing) = (0, 0)
      for place in index..<index + 4 {
        var value = values[Int(characters[place])]
        if isLast, characters[place] == padding, place >= index + 2 {
          missing += 1
          value = 0
        } else if missing > 0 {
          return nil
        }
        guard value < 64 else { return nil }
        word = word << 6 | Int(value)
      }
      bytes.append(UInt8(truncatingIfNeeded: word >> 16))
      if missing < 2 { bytes.append(UInt8(truncatingIfNeeded: word >> 8)) }
      if missing < 1 { bytes.append(UInt8(truncatingIfNeeded: word)) }
      index += 4
    }
    return bytes
  }

  /// By character; 255 = it is none of the alphabet.
  private static let values = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()
}

/// Bytes that are a text in JSON, since an array of numbers would be four times as long, and slow.
struct PackedBytes: Codable, Equatable, Sendable {
  var bytes: [UInt8] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let bytes = Base64.bytes(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a base64 text")
    }
    self.bytes = bytes
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Base64.text(bytes))
  }
}
