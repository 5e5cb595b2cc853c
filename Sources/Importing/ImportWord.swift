import Frames

/// Words of strangers' files, as messages and lab files have them.
enum ImportWord {
  /// Longest word that a message repeats, in Unicode scalars.
  private static let longest = 64

  /// On one line, shortened, without what could steer a terminal.
  static func shown(_ word: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in word.unicodeScalars.prefix(longest) {
      text.append(ForeignText.isControl(scalar) ? "\u{FFFD}" : scalar)
    }
    return String(text) + (word.unicodeScalars.dropFirst(longest).isEmpty ? "" : "…")
  }

  /// The same in double quotes.
  static func quoted(_ word: String) -> String { "\"\(shown(word))\"" }

  /// A MAC address as our files write it; nil when it is none, or none that a NIC can have.
  static func mac(_ text: String) -> String? {
    guard let address = macAddress(text), !address.isGroup, !address.isZero else { return nil }
    return "\(address)"
  }

  /// A MAC address with colons, hyphens or nothing between its bytes; nil when it is none.
  static func macAddress(_ text: String) -> MACAddress? {
    guard text.utf8.count == 12, text.allSatisfy(\.isHexDigit) else { return MACAddress(text) }
    let digits = Array(text)
    return MACAddress(stride(from: 0, to: 12, by: 2).map { String(digits[$0...$0 + 1]) }.joined(separator: ":"))
  }
}
