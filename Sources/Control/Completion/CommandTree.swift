/// A command with what belongs to it, as swift-argument-parser describes it (its ToolInfo, version 0).
package struct CommandTree: Decodable, Sendable {
  package struct Argument: Decodable, Sendable {
    package enum Kind: String, Decodable, Sendable { case positional, option, flag }
    package struct Name: Decodable, Sendable {
      package var kind: String
      package var name: String

      /// With its dashes.
      package var written: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }
    struct Completion: Decodable, Sendable {
      struct List: Decodable, Sendable { var values: [String] }
      struct File: Decodable, Sendable { var extensions: [String] }
      struct Nothing: Decodable, Sendable {}
      struct Command: Decodable, Sendable { var command: String }
      var list: List?
      var file: File?
      var directory: Nothing?
      var shellCommand: Command?
    }

    package var kind: Kind
    package var names: [Name]?
    package var valueName: String?
    package var abstract: String?
    package var shouldDisplay: Bool
    package var isRepeating: Bool
    package var isOptional: Bool
    package var parsingStrategy: String
    var allValues: [String]?
    var completionKind: Completion?

    /// Everything behind `--`.
    var isBehindTerminator: Bool { parsingStrategy == "postTerminator" }

    func isCalled(_ word: some StringProtocol) -> Bool { names?.contains { $0.written == word } ?? false }

    /// What can stand for it.
    var wanted: CompletionEngine.Wanted {
      if let values = completionKind?.list?.values ?? allValues { return .values(values) }
      if let file = completionKind?.file { return .files(extensions: file.extensions) }
      if completionKind?.directory != nil { return .directories }
      let words = completionKind?.shellCommand?.command.split(separator: " ") ?? []
      guard words.count == 3, words[1] == "complete" else { return .nothing }
      return .names(String(words[2]))
    }
  }

  package var commandName: String
  package var aliases: [String]?
  package var abstract: String?
  package var discussion: String?
  package var shouldDisplay: Bool
  package var subcommands: [CommandTree]?
  package var arguments: [Argument]?

  private struct Tool: Decodable { var command: CommandTree }

  /// - Parameter description: what `--experimental-dump-help` prints.
  package init(description: String) throws {
    self = try JSON.decode(Tool.self, from: Array(description.utf8)).command
  }

  func subcommand(_ word: String) -> CommandTree? {
    subcommands?.first { $0.commandName == word || ($0.aliases?.contains(word) ?? false) }
  }

  /// All commands of a tree, each with the words that call it: `["apus", "port", "add"]`.
  package func all(under path: [String] = []) -> [(path: [String], command: CommandTree)] {
    let path = path + [commandName]
    return [(path, self)] + (subcommands ?? []).flatMap { $0.all(under: path) }
  }
}
