import Frames

/// Words of strangers' files, as messages and lab files have them.
enum ImportWord {
  /// Longest word that a message repeats, in Unicode scalars.
  private static let longest = 64

  /// On one line, shortened, without what could steer a terminal.
  static func shown(_ word: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in word.unicodeScalars.prefix(longest) {
      let isPlain =
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: false
        default: true
        }
      text.append(isPlain ? scalar : "\u{FFFD}")
    }
    return String(text) + (word.unicodeScalars.dropFirst(longest).isEmpty ? "" : "…")
  }

  /// The same in double quotes.
  static func quoted(_ word: String) -> String { "\"\(shown(word))\"" }

  /// A MAC address as our files write it; nil when it is none, or none that a NIC can have.
  static func mac(_ text: String) -> String? {
    var text = text
    if text.utf8.count == 12, text.allSatisfy(\.isHexDigit) {
      let digits = Array(text)
      text = stride(from: 0, to: 12, by: 2).map { String(digits[$0...$0 + 1]) }.joined(separator: ":")
    }
    guard let address = MACAddress(text), !address.isGroup, !address.isZero else { return nil }
    return "\(address)"
  }
}
