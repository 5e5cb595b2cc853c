/// JSON writes characters beyond 65535 as two escapes; YAML, as which it is read, has none such.
enum JSONEscapes {
  /// The text with each pair of escapes as its character, and half pairs as U+FFFD; its lines stay.
  static func resolved(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(UInt8(ascii: "\\")) else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      guard let high = unit(bytes, index), (0xD800...0xDFFF).contains(high) else {
        // Any other escape, its second character with it: it may be a backslash.
        result += bytes[index...index + 1]
        index += 2
        continue
      }
      if high < 0xDC00, let low = unit(bytes, index + 6), (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      {
        result += Array(String(Character(scalar)).utf8)
        index += 12
      } else {
        result += Array("\u{FFFD}".utf8)
        index += 6
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The number of an escape `\uXXXX` that stands at a place; nil = none does.
  private static func unit(_ bytes: [UInt8], _ index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
      return nil
    }
    return UInt32(String(decoding: bytes[index + 2..<index + 6], as: UTF8.self), radix: 16)
  }
}
