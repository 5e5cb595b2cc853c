/// Names and texts in paths and queries, as RFC 3986 section 2.1 has them there.
enum PercentCoding {
  /// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3 and the colon.
  static func escape(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:".utf8)
    return text.utf8.map { byte -> String in
      if plain.contains(byte) { return String(UnicodeScalar(byte)) }
      let hex = String(byte, radix: 16, uppercase: true)
      return byte < 16 ? "%0\(hex)" : "%\(hex)"
    }.joined()
  }

  /// The text that was percent-encoded.
  /// - Returns: nil for a percent sign without two hexadecimal digits, or bytes that are not UTF-8.
  static func unescape(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
      guard digits.count == 2 else { return nil }
      bytes.append(UInt8(digits[0] << 4 | digits[1]))
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
