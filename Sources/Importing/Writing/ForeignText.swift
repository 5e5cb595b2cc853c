/// Text of other people's files in a lab file: what it says there is what it said, and it cannot be more.
enum ForeignText {
  /// Longest comment of one line, in characters.
  private static let longestComment = 300

  /// A scalar of YAML, one line: plain where nothing can be read otherwise, else in double quotes.
  static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

  /// In double quotes, with `${` kept from being a variable.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in literal(text).unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if isControl(scalar) { result += escape(scalar) } else { result.unicodeScalars.append(scalar) }
      }
    }
    return result + "\""
  }

  /// The lines of a text as YAML's literal block has them, without indentation; nil = it has to be quoted.
  static func block(_ text: String) -> [String]? {
    guard text.hasSuffix("\n"), !text.hasSuffix("\n\n"), let first = text.unicodeScalars.first,
      ![" ", "\t", "\n"].contains(first)
    else { return nil }
    let isReadable = text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || !isControl($0) }
    guard isReadable else { return nil }
    return literal(text).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { String($0) }
  }

  /// The text of a comment: one line, in which nothing can steer a terminal.
  static func comment(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < longestComment else { return result + "…" }
      count += 1
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += " "
      default: if isControl(scalar) { result += escape(scalar) } else { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }

  /// `${` begins a variable in a lab file, `$${` stands for it.
  private static func literal(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    var result = ""
    var dollars = 0
    for scalar in text.unicodeScalars {
      if scalar == "{", dollars > 0 { result += "$" }
      dollars = scalar == "$" ? dollars + 1 : 0
      result.unicodeScalars.append(scalar)
    }
    return result
  }

  /// Words that no reader of YAML takes for anything else, nor for an end of something.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) || isDigit(first) || first == UInt8(ascii: "/") else {
      return false
    }
    let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    return !words.contains(text.lowercased())
      && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "._/-".utf8.contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// What is no character to be shown: controls, line separators, what YAML does not take, and what has no shape, such
  /// as marks of direction.
  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x2029, 0xFFFE...0xFFFF: true
    case 0..<0x7F: false
    default: scalar.properties.isDefaultIgnorableCodePoint
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let (letter, width) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
    return "\\\(letter)\(String(repeating: "0", count: max(0, width - digits.count)))\(digits)"
  }
}
