/// Values of the file inside messages.
enum Quoting {
  /// Longest value that a message repeats, in Unicode scalars.
  private static let longest = 64

  /// Whether a scalar could steer a terminal (C0, DEL, C1, bidirectional overrides).
  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// A word as a POSIX shell reads it.
  static func shell(_ word: String) -> String { ShellWord.quoted(word) }

  /// The value between double quotes, shortened, control characters replaced.
  static func quoted(_ value: String) -> String { "\"\(printable(value))\"" }

  /// The value without quotes, shortened, control characters replaced.
  static func printable(_ value: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in value.unicodeScalars.prefix(longest) { text.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
    let isCut = value.unicodeScalars.dropFirst(longest).first != nil
    return isCut ? "\(String(text))…" : String(text)
  }

  /// A message in which nothing of the file can steer a terminal.
  static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
    return String(result)
  }

  /// The first bytes of a file: `"<!DOCTYP"` when they are text, else `1f 8b 08 00`.
  static func beginning(_ bytes: [UInt8]) -> String {
    let text = bytes.prefix(8)
    if text.allSatisfy({ (0x20..<0x7F).contains($0) }) { return quoted(String(decoding: text, as: UTF8.self)) }
    return bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }

  /// `1 worker`, `2 workers`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// `a link`, `an impairment`.
  static func article(_ noun: String) -> String { "\("aeiou".contains(noun.prefix(1)) ? "an" : "a") \(noun)" }

  /// `a, b and c`.
  static func sentence(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return "\(names.dropLast().joined(separator: ", ")) and \(last)"
  }

  /// `a, b, c`, with at most twelve names.
  static func list(_ names: [String]) -> String {
    names.count <= 12 ? names.joined(separator: ", ") : names.prefix(12).joined(separator: ", ") + ", …"
  }
}

extension String {
  /// This value of the file as a message shows it.
  var quoted: String { Quoting.quoted(self) }
}
