/// Finds what can stand at the end of a command line; what names there are is somebody else's to tell.
package struct CompletionEngine: Sendable {
  package enum Wanted: Sendable, Equatable {
    case nothing
    case values([String])
    /// Of a lab or this host: `ports`; see `CompletionKindName`.
    case names(String)
    /// With one of these endings, all without any.
    case files(extensions: [String])
    case directories
    case commands
  }

  /// What is to be offered.
  package struct Answer: Sendable, Equatable {
    package var wanted: Wanted = .nothing
    /// Offered as they are, with a few words about each.
    package var choices: [Choice] = []
    /// What is typed of the value.
    package var prefix = ""
    /// Stands before every value: `--lab=`.
    package var head = ""
    /// The lab that the line has named.
    package var lab: String?
  }

  /// A word that can stand there.
  package struct Choice: Sendable, Equatable {
    package var value: String
    package var text: String

    package init(_ value: String, _ text: String = "") {
      self.value = value
      self.text = text
    }
  }

  private let root: CommandTree

  package init(_ root: CommandTree) { self.root = root }

  /// - Parameters:
  ///   - words: those before the cursor's, without the program.
  ///   - current: what of the cursor's word is before the cursor; may be empty.
  package func answer(_ words: [String], _ current: String) -> Answer {
    var line = Line(command: root)
    for word in words where !line.take(word) { return Answer() }
    return line.answer(current)
  }
}

/// How far a command line has come.
private struct Line {
  var command: CommandTree
  private var positionals = 0
  private var isTerminated = false
  /// The option whose value comes next.
  private var pending: CommandTree.Argument?
  private var used: Set<String> = []
  private var lab: String?
  private var isHelp = false

  init(command: CommandTree) { self.command = command }

  private var arguments: [CommandTree.Argument] { (command.arguments ?? []).filter(\.shouldDisplay) }

  /// - Returns: false when it is no command line of this program.
  mutating func take(_ word: String) -> Bool {
    if let option = pending {
      note(option, value: word)
      pending = nil
    } else if isTerminated {
      positionals += 1
    } else if word == "--" {
      isTerminated = true
    } else if word.hasPrefix("--") {
      takeLong(word)
    } else if word.hasPrefix("-"), word.count > 1 {
      takeShort(word)
    } else if command.subcommands != nil {
      return enter(word)
    } else {
      positionals += 1
    }
    return true
  }

  private mutating func enter(_ word: String) -> Bool {
    if word == "help", command.subcommand(word) == nil {
      isHelp = true
      return true
    }
    guard let next = command.subcommand(word) else { return false }
    command = next
    positionals = 0
    used = []
    return true
  }

  private mutating func takeLong(_ word: String) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let argument = arguments.first(where: { $0.isCalled(parts[0]) }) else { return }
    note(argument, value: parts.count > 1 ? String(parts[1]) : nil)
    if argument.kind == .option, parts.count == 1 { pending = argument }
  }

  /// Flags may stand together; the value of an option may follow it at once.
  private mutating func takeShort(_ word: String) {
    var rest = word.dropFirst()
    while let letter = rest.popFirst() {
      guard let argument = arguments.first(where: { $0.isCalled("-\(letter)") }) else { return }
      note(argument, value: nil)
      guard argument.kind == .option else { continue }
      if rest.isEmpty { pending = argument }
      return
    }
  }

  private mutating func note(_ argument: CommandTree.Argument, value: String?) {
    used.formUnion((argument.names ?? []).map(\.written))
    if argument.isCalled("--lab"), let value { lab = value }
  }

  func answer(_ current: String) -> CompletionEngine.Answer {
    var answer = CompletionEngine.Answer(prefix: current, lab: lab)
    if let pending {
      answer.wanted = pending.wanted
    } else if !isTerminated, current.hasPrefix("--"), let equals = current.firstIndex(of: "=") {
      guard let option = arguments.first(where: { $0.isCalled(current[..<equals]) }) else { return answer }
      answer.head = String(current[...equals])
      answer.prefix = String(current[current.index(after: equals)...])
      answer.wanted = option.wanted
    } else if !isTerminated, current.hasPrefix("-") {
      answer.choices = options(current)
    } else if command.subcommands != nil {
      answer.choices = commands(current)
    } else if let argument = positional {
      answer.wanted = argument.isBehindTerminator && positionals(behind: true) == 0 ? .commands : argument.wanted
    }
    return answer
  }

  /// Options and flags that are not there yet, the long name of each first.
  private func options(_ current: String) -> [CompletionEngine.Choice] {
    arguments.filter { $0.kind != .positional }.flatMap { argument -> [CompletionEngine.Choice] in
      let names = (argument.names ?? []).map(\.written)
      if !argument.isRepeating, names.contains(where: { used.contains($0) }) { return [] }
      let fitting = names.filter { $0.hasPrefix(current) }.sorted { $0.count > $1.count }
      // A short name is not offered beside its long one, unless it is what was typed.
      let isTyped = fitting.contains { $0 == current }
      return (isTyped ? fitting : Array(fitting.prefix(1))).map { .init($0, Self.brief(argument.abstract)) }
    }
  }

  private func commands(_ current: String) -> [CompletionEngine.Choice] {
    (command.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName.hasPrefix(current) }
      .map { .init($0.commandName, Self.brief($0.abstract)) }
  }

  /// Without what is in brackets at its end, which names variables.
  private static func brief(_ abstract: String?) -> String {
    let text = abstract ?? ""
    guard text.hasSuffix(")"), let bracket = text.range(of: " (", backwards: true) else { return text }
    return String(text[..<bracket])
  }

  private func positionals(behind: Bool) -> Int {
    let ordinary = arguments.count { $0.kind == .positional && !$0.isBehindTerminator }
    return behind ? max(0, positionals - ordinary) : positionals
  }

  private var positional: CommandTree.Argument? {
    let all = arguments.filter { $0.kind == .positional && (isTerminated || !$0.isBehindTerminator) }
    if all.indices.contains(positionals) { return all[positionals] }
    return all.last.flatMap { $0.isRepeating ? $0 : nil }
  }
}

extension String {
  /// Where the last occurrence of a text begins.
  fileprivate func range(of text: String, backwards: Bool) -> String.Index? {
    var found: String.Index?
    var rest = self[...]
    while let next = rest.firstRange(of: text) {
      found = next.lowerBound
      rest = rest[next.upperBound...]
    }
    return found
  }
}
