/// Text in the language of manual pages (man(7)), by macros that groff and mandoc take without complaint.
struct Roff {
  private(set) var lines: [String] = []

  /// - Parameter date: `2026-11-30`.
  init(title: String, date: String, version: String) {
    lines = [".TH \"\(Self.escaped(title))\" 1 \"\(date)\" \"\(Self.escaped(version))\" \"Apus\""]
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  mutating func section(_ name: String) { lines.append(".SH \(name)") }

  mutating func subsection(_ name: String) { lines.append(".SS \(Self.escaped(name))") }

  /// Paragraphs, apart by empty lines; lines that are indented, or follow each other in a list, stay as they are.
  mutating func prose(_ text: String, isFirst: Bool = true) {
    for (index, block) in text.split(separator: "\n\n").enumerated() {
      if index > 0 || !isFirst { lines.append(".PP") }
      lines += block.split(separator: "\n").map { Self.line(String($0)) }
    }
  }

  /// Lines that are not filled, in a type of equal width.
  mutating func verbatim(_ text: [String]) {
    lines += [".nf"] + text.map { Self.line($0) } + [".fi"]
  }

  /// A term, and what it means.
  mutating func item(_ term: String, _ text: String) {
    lines += [".TP", ".B \(Self.escaped(term))", Self.line(text.isEmpty ? "\u{2003}" : text)]
  }

  mutating func paragraph() { lines.append(".PP") }

  mutating func line(_ text: String) { lines.append(Self.line(text)) }

  /// A line of text: a dot or an apostrophe at its beginning would be an order.
  private static func line(_ text: String) -> String {
    let text = escaped(text)
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&\(text)" : text
  }

  /// A hyphen that is typed is one that can be copied, and so are quotes of a shell.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in TerminalText.clean(text) {
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "'": result += "\\(aq"
      case "\"": result += "\\(dq"
      case "`": result += "\\(ga"
      case "^": result += "\\(ha"
      case "~": result += "\\(ti"
      case "\u{2003}": result += "\\&"
      default: result.append(character)
      }
    }
    return result
  }
}
