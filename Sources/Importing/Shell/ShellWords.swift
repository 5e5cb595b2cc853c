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
    while index < scalars.count {
      let scalar = scalars[index]
      switch scalar {
      case "'", "\"":
        guard let end = quoted(scalars, from: index) else { return nil }
        index = end
      case "\\":
        index += 1
        if index < scalars.count {
          word.unicodeScalars.append(scalars[index])
          text.unicodeScalars.append(scalar)
          text.unicodeScalars.append(scalars[index])
        }
        hasWord = true
      case "#" where !hasWord:
        endCommand()
        return commands
      case ";", "\n": endCommand()
      case "&" where index + 1 < scalars.count && scalars[index + 1] == "&":
        endCommand()
        index += 1
      case ">", "<": index = redirection(scalars, from: index)
      case "&" where index + 1 < scalars.count && scalars[index + 1] == ">":
        index = redirection(scalars, from: index + 1)
      case "&":
        endCommand()
      case "|" where index + 1 < scalars.count && scalars[index + 1] == "|":
        endCommand()
        isConditional = true
        index += 1
      case "|":
        mark(scalar)
        endWord()
      case " ", "\t", "\r":
        endWord()
        text.unicodeScalars.append(scalar)
      case "$", "`", "*", "?", "(", ")", "{", "}", "~": mark(scalar)
      default:
        word.unicodeScalars.append(scalar)
        text.unicodeScalars.append(scalar)
        hasWord = true
      }
      index += 1
    }
    endCommand()
    return commands
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
