/// What a program has written, for a line of a report: nothing in it reaches a terminal as a command.
enum ShownText {
  /// Lines that are shown of a command's output, the last ones.
  static let mostLines = 20
  /// Characters that are shown of a line.
  private static let longestLine = 200

  /// One line, shortened, its control characters visible as cat -v has them: `^[` for escape.
  static func line(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(longestLine) { shown += visible(scalar) }
    return text.unicodeScalars.dropFirst(longestLine).isEmpty ? shown : shown + "..."
  }

  /// The last lines that say something, to stand behind a colon: one after a space, several each on a line of its own.
  static func output(_ text: String) -> String {
    let lines = text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
      .filter { !$0.allSatisfy(\.isWhitespace) }
    guard lines.count > 1 else { return " \(lines.first.map { line($0) } ?? "nothing")" }
    let hidden = lines.count - mostLines
    let head = hidden > 0 ? ["(\(hidden) more lines before)"] : []
    return (head + lines.suffix(mostLines).map { line($0) }).map { "\n      \($0)" }.joined()
  }

  /// The last line that says something; `nothing` if none does.
  static func lastLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map { line($0) } ?? "nothing"
  }

  private static func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x09: "\t"
    case 0..<0x20: "^" + String(UnicodeScalar(UInt8(scalar.value) + 0x40))
    case 0x7F: "^?"
    // C1, and what turns the direction of writing round.
    case 0x80..<0xA0, 0x2028...0x202E, 0x2066...0x2069: "\\u{\(String(scalar.value, radix: 16))}"
    default: String(Character(scalar))
    }
  }
}
