/// Takes a line of a shell script apart into commands and their words, without running or expanding anything.
struct ShellWords {
  /// A command of the line.
  struct Command: Sendable, Equatable {
    var words: [String]
    /// It has what only a shell knows the meaning of: variables, substitutions, redirections, pipes, patterns.
    var isOpaque: Bool
    /// Its text as it was written, trimmed.
    var text: String
  }

  /// Words that begin or end what runs more than once, or perhaps.
  private static let control: Set<String> = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "{", "}",
    "!",
    "select", "(", ")",
  ]

  private var commands: [Command] = []
  private var words: [String] = []
  private var word = ""
  private var hasWord = false
  private var isOpaque = false
  /// The command runs if the one before it failed.
  private var isConditional = false
  private var text = ""

  /// The commands of a line; nil = a quote is not closed.
  static func commands(of line: String) -> [Command]? {
    var reader = ShellWords()
    return reader.read(line)
  }

  private mutating func read(_ line: String) -> [Command]? {
    let scalars = Array(line.unicodeScalars)
    var index = 0
    while index < scalars.count, scalars[index] != "#" || hasWord {
      guard let next = take(scalars, at: index) else { return nil }
      index = next
    }
    endCommand()
    return commands
  }

  /// Reads what begins at a place; the place behind it, nil if it is a quotation that does not end.
  private mutating func take(_ scalars: [Unicode.Scalar], at index: Int) -> Int? {
    let scalar = scalars[index]
    switch scalar {
    case "'", "\"":
      guard let end = quoted(scalars, from: index) else { return nil }
      return end + 1
    case "\\":
      if index + 1 < scalars.count {
        word.unicodeScalars.append(scalars[index + 1])
        text.unicodeScalars.append(scalar)
        text.unicodeScalars.append(scalars[index + 1])
      }
      hasWord = true
      return index + 2
    case ";", "\n", "&", "|", ">", "<": return between(scalars, at: index)
    case " ", "\t", "\r":
      endWord()
      text.unicodeScalars.append(scalar)
    case "$", "`", "*", "?", "(", ")", "{", "}", "~": mark(scalar)
    default:
      word.unicodeScalars.append(scalar)
      text.unicodeScalars.append(scalar)
      hasWord = true
    }
    return index + 1
  }

  /// Reads what stands between commands, or a redirection; the place behind it.
  private mutating func between(_ scalars: [Unicode.Scalar], at index: Int) -> Int {
    let scalar = scalars[index]
    let next = index + 1 < scalars.count ? scalars[index + 1] : " "
    switch scalar {
    case "&" where next == "&":
      endCommand()
      return index + 2
    case "&" where next == ">": return redirection(scalars, from: index + 1) + 1
    case "|" where next == "|":
      endCommand()
      isConditional = true
      return index + 2
    case "|":
      mark(scalar)
      endWord()
    case ">", "<": return redirection(scalars, from: index) + 1
    default: endCommand()
    }
    return index + 1
  }

  /// What is only the shell's to understand.
  private mutating func mark(_ scalar: Unicode.Scalar) {
    isOpaque = true
    hasWord = true
    word.unicodeScalars.append(scalar)
    text.unicodeScalars.append(scalar)
  }

  /// Reads a redirection; the index of its last character.
  ///
  /// One to where nothing is kept changes nothing.
  private mutating func redirection(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
    if word.utf8.count == 1, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      word = ""
      hasWord = false
    }
    endWord()
    text.unicodeScalars.append(scalars[start])
    var index = start + 1
    while index < scalars.count, [">", "<", "&", "-"].contains(scalars[index]) {
      text.unicodeScalars.append(scalars[index])
      index += 1
    }
    while index < scalars.count, scalars[index] == " " {
      text += " "
      index += 1
    }
    var target = ""
    while index < scalars.count, ![" ", "\t", ";", "&", "|", "\n"].contains(scalars[index]) {
      target.unicodeScalars.append(scalars[index])
      index += 1
    }
    text += target
    guard scalars[start] == "<" || !["/dev/null", "1", "2"].contains(target) else { return index - 1 }
    isOpaque = true
    words += [String(scalars[start]), target]
    return index - 1
  }

  /// Reads on to the end of a quotation; its index, nil if there is none.
  private mutating func quoted(_ scalars: [Unicode.Scalar], from start: Int) -> Int? {
    let quote = scalars[start]
    hasWord = true
    text.unicodeScalars.append(quote)
    var index = start + 1
    while index < scalars.count {
      let scalar = scalars[index]
      text.unicodeScalars.append(scalar)
      if scalar == quote { return index }
      if quote == "\"", scalar == "\\", index + 1 < scalars.count {
        let next = scalars[index + 1]
        let isEscaped = ["\"", "\\", "$", "`"].contains(next)
        if !isEscaped { word.unicodeScalars.append(scalar) }
        word.unicodeScalars.append(next)
        text.unicodeScalars.append(next)
        index += 2
        continue
      }
      if quote == "\"", scalar == "$" || scalar == "`" { isOpaque = true }
      word.unicodeScalars.append(scalar)
      index += 1
    }
    return nil
  }

  private mutating func endWord() {
    if hasWord { words.append(word) }
    word = ""
    hasWord = false
  }

  private mutating func endCommand() {
    endWord()
    if let first = words.first {
      let trimmed = String(text.drop { $0 == " " || $0 == "\t" })
      let end = trimmed.reversed().drop { $0.isWhitespace }.reversed()
      let isOpaque = isOpaque || isConditional || Self.control.contains(first)
      let isIdle = isConditional && ["true", ":"].contains(first)
      if !isIdle { commands.append(Command(words: words, isOpaque: isOpaque, text: String(end))) }
    }
    isConditional = false
    words = []
    isOpaque = false
    text = ""
  }
}
