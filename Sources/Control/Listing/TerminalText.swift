/// Text as a terminal shows it: how many columns it takes, and how it is made to take fewer.
package enum TerminalText {
  /// Stands for what was cut out.
  package static let ellipsis: Character = "…"

  /// Ranges of characters that take two columns (Unicode's East Asian Width W and F, and emoji), as terminals have them.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]

  /// Columns that a text takes; it is `clean`.
  package static func width(_ text: some StringProtocol) -> Int {
    // Almost all text is ASCII, of which every byte is a column.
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + width($1) }
  }

  private static func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.value < 0x300 { return 1 }
    if first.properties.generalCategory == .nonspacingMark || first.properties.generalCategory == .format { return 0 }
    return wide.contains { $0.contains(first.value) } ? 2 : 1
  }

  /// The text without characters that would break a line or move the cursor: a blank stands for each.
  package static func clean(_ text: String) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool {
      scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value)
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var clean = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { clean.append(isControl(scalar) ? " " : scalar) }
    return String(clean)
  }

  /// The text in at most `limit` columns, cut in its middle: beginnings and ends of names tell them apart.
  package static func cutInMiddle(_ text: String, to limit: Int) -> String {
    guard width(text) > limit else { return text }
    guard limit > 1 else { return limit == 1 ? String(ellipsis) : "" }
    let tail = (limit - 1) / 2
    let head = limit - 1 - tail
    return prefix(of: text, within: head) + String(ellipsis)
      + String(prefix(of: String(text.reversed()), within: tail).reversed())
  }

  /// The text in at most `limit` columns, cut at its end.
  package static func cutAtEnd(_ text: String, to limit: Int) -> String {
    guard width(text) > limit else { return text }
    guard limit > 1 else { return limit == 1 ? String(ellipsis) : "" }
    return prefix(of: text, within: limit - 1) + String(ellipsis)
  }

  /// With blanks behind it, up to `columns`.
  package static func padded(_ text: String, to columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - width(text)))
  }

  /// Lines of at most `limit` columns, broken at blanks; those after the first begin with `indent` blanks.
  ///
  /// A word that is longer than a line is broken within; a character that is wider than one has it for itself.
  package static func wrapped(_ text: String, to limit: Int, indent: Int) -> [String] {
    guard width(text) > limit, limit > indent else { return [text] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false).map({ String($0) }) {
      let lineIsEmpty = line.allSatisfy { $0 == " " } && !lines.isEmpty
      if !line.isEmpty, !lineIsEmpty, width(line) + 1 + width(word) > limit {
        lines.append(trimmed(line))
        line = String(repeating: " ", count: indent)
        if word.isEmpty { continue }
      } else if !line.isEmpty, !lineIsEmpty {
        line += " "
      }
      var rest = word
      while width(line) + width(rest) > limit, rest.count > 1 {
        let fitting = prefix(of: rest, within: limit - width(line))
        let piece = fitting.isEmpty ? String(rest.prefix(1)) : fitting
        lines.append(line + piece)
        line = String(repeating: " ", count: indent)
        rest = String(rest.dropFirst(piece.count))
      }
      line += rest
    }
    return lines + [trimmed(line)]
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }

  private static func prefix(of text: String, within limit: Int) -> String {
    var taken = ""
    var columns = 0
    for character in text {
      columns += width(character)
      if columns > limit { break }
      taken.append(character)
    }
    return taken
  }
}
