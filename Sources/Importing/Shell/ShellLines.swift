import Topology

/// What the lines of a shell script say of a machine's network; the script is read, and nothing of it is ever run.
///
/// Variables, loops, conditions and substitutions are followed nowhere: a line that has one is not understood.
struct ShellLines {
  /// What a line says.
  enum Fact: Sendable, Equatable {
    /// With its prefix length.
    case address(nic: String, String)
    case addressGone(nic: String, String?)
    /// `to` with a prefix length, or "default".
    case route(to: String, via: String, nic: String?)
    case mac(nic: String, String)
    case mtu(nic: String, Int)
    case renamed(nic: String, to: String)
    case impairment(nic: String, ForeignImpairment)
    case sysctl(key: String, value: String)
    /// Whether the NIC is up.
    case state(nic: String, isUp: Bool)
    /// It changes nothing here, such as a pause.
    case nothing
    /// Several at once.
    case several([Fact])
  }

  /// A command of the script.
  struct Line: Sendable, Equatable {
    /// As it was written.
    var text: String
    /// From 1.
    var number: Int
    /// Nil = it is not understood.
    var fact: Fact?
  }

  private var lines: [Line] = []
  /// How many loops and conditions are open.
  private var depth = 0

  /// - Parameter first: the number of the script's first line in its file.
  static func read(_ script: String, first: Int = 1) -> [Line] {
    var reader = ShellLines()
    reader.read(script, first: first)
    return reader.lines
  }

  private mutating func read(_ script: String, first: Int) {
    let parts = script.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var index = 0
    while index < parts.count {
      let number = first + index
      var text = String(parts[index])
      index += 1
      while text.hasSuffix("\\"), index < parts.count {
        text.removeLast()
        text += parts[index]
        index += 1
      }
      if let end = Self.hereDocument(text) {
        while index < parts.count, parts[index].drop(while: { $0 == "\t" }) != end { index += 1 }
        index += 1
        lines.append(Line(text: text, number: number, fact: nil))
        continue
      }
      add(text, number)
    }
  }

  /// The word that ends a document within the script; nil = none begins in this line.
  private static func hereDocument(_ text: String) -> String? {
    guard let mark = text.firstRange(of: "<<"), text[mark.upperBound...].first != "<" else { return nil }
    let rest = text[mark.upperBound...].drop { $0 == "-" || $0 == " " }
    let word = rest.prefix { !$0.isWhitespace && $0 != ";" && $0 != "|" && $0 != ">" }
    let bare = word.filter { $0 != "'" && $0 != "\"" && $0 != "\\" }
    return bare.isEmpty ? nil : String(bare)
  }

  private mutating func add(_ text: String, _ number: Int) {
    guard let commands = ShellWords.commands(of: text) else {
      lines.append(Line(text: text, number: number, fact: nil))
      return
    }
    for command in commands { add(command, number) }
  }

  private mutating func add(_ command: ShellWords.Command, _ number: Int) {
    let first = command.words.first ?? ""
    let opens = ["if", "for", "while", "until", "case"].contains(first) || command.text.contains("() {")
    let closes = ["fi", "done", "esac", "}"].contains(first)
    if opens { depth += 1 }
    defer { if closes { depth = max(0, depth - 1) } }
    if let inner = Self.script(command), depth == 0 { return add(inner, number) }
    let isPlain = depth == 0 && (!command.isOpaque || Self.isProcWrite(command.words))
    let fact = isPlain ? ShellCommand(command.words).fact : nil
    lines.append(Line(text: command.text, number: number, fact: fact))
  }

  /// `echo 1 > /proc/sys/...`: the one redirection that is understood.
  private static func isProcWrite(_ words: [String]) -> Bool {
    words.count == 4 && words[0] == "echo" && words[2] == ">" && words[3].hasPrefix("/proc/sys/")
      && !words[1].contains("$")
  }

  /// The script of `sh -c "..."`.
  private static func script(_ command: ShellWords.Command) -> String? {
    var words = command.words[...]
    if words.first == "sudo" { words = words.dropFirst() }
    guard words.count == 3, let program = words.first?.split(separator: "/").last,
      ["sh", "bash", "ash", "dash", "zsh"].contains(String(program)),
      let option = words.dropFirst().first, option.hasPrefix("-"), option.hasSuffix("c")
    else { return nil }
    return words.last
  }
}
