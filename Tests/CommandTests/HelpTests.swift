import ArgumentParser
import Foundation
import Testing

@testable import Control
@testable import apus

/// The command line as it describes itself: help, examples, variables.
@Suite struct HelpTests {
  /// Every command that people see, with the words that call it behind `apus`.
  private static var commands: [(path: String, command: CommandTree)] {
    get throws {
      func shown(_ tree: CommandTree, _ path: [String]) -> [(path: String, command: CommandTree)] {
        (tree.subcommands ?? []).filter(\.shouldDisplay).flatMap { command in
          let path = path + [command.commandName]
          return [(path.joined(separator: " "), command)] + shown(command, path)
        }
      }
      return shown(try CommandTree(description: CommandLineDescription.text()), []).filter { $0.path != "help" }
    }
  }

  @Test func everyCommandHasExamples() throws {
    let commands = try Self.commands
    #expect(commands.count > 40)
    for (path, command) in commands {
      #expect(!(Examples.all[path] ?? []).isEmpty, "apus \(path) has no examples")
      let text = Examples.text(path)
      #expect(command.discussion?.hasSuffix(text) ?? false, "apus \(path) does not show its examples")
      #expect(!(command.abstract ?? "").isEmpty, "apus \(path)")
    }
    let known = Set(commands.map(\.path))
    for path in Examples.all.keys { #expect(known.contains(path), "there is no command \(path)") }
  }

  /// Each example is a command line of that command, as a shell would hand it over.
  @Test func everyExampleIsRead() throws {
    for (path, lines) in Examples.all {
      for line in lines {
        #expect(line.words.count <= 60 && line.command.count <= 76, "\(line.command)")
        var words = Self.words(line.command)
        while let first = words.first, first.contains("="), first != "apus" { words.removeFirst() }
        #expect(words.first == "apus", "\(line.command)")
        #expect(words.dropFirst().starts(with: path.split(separator: " ").map { String($0) }), "\(line.command)")
        // A command without subcommands' help must not be what was read.
        let command = try Apus.parseAsRoot(Array(words.dropFirst()))
        let name = type(of: command).configuration.commandName
        #expect(Set(path.split(separator: " ").map { String($0) }).contains(name ?? "") || words.contains(name ?? ""))
      }
    }
  }

  /// Words of a line up to the shell's own, quotes taken off.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in line + " " {
      if character == "'" {
        isQuoted.toggle()
      } else if character == " ", !isQuoted {
        if word == "|" || word == ">" { break }
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return words
  }

  /// A setting that can be said by a flag can be said by a variable, and the help says which.
  @Test func everyLongFlagHasItsVariable() throws {
    let sources = try Self.sources()
    for (path, command) in try Self.commands where path != "extcap" {
      for argument in command.arguments ?? [] where argument.kind != .positional && argument.shouldDisplay {
        guard let long = argument.names?.first(where: { $0.kind == "long" })?.name else { continue }
        // Questions, not settings.
        if ["help", "version"].contains(long) { continue }
        let variable = long.uppercased().replacing("-", with: "_")
        #expect(argument.abstract?.contains("(APUS_\(variable))") ?? false, "apus \(path) --\(long)")
        #expect(sources.contains("\"\(variable)\""), "apus \(path) --\(long): APUS_\(variable) is not read")
      }
    }
  }

  /// What the commands are made of.
  private static func sources() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var text = ""
    for folder in ["Commands", "Options"] {
      let path = root.appending(path: "Sources/apus/\(folder)")
      for file in try FileManager.default.contentsOfDirectory(at: path, includingPropertiesForKeys: nil) {
        text += try String(contentsOf: file, encoding: .utf8)
      }
    }
    return text
  }

  @Test func namesThatAreCompletedAreKnown() throws {
    let description = CommandLineDescription.text()
    for part in description.components(separatedBy: "\"apus complete ").dropFirst() {
      let kind = String(part.prefix { $0 != "\"" })
      #expect(CompletionNames(rawValue: kind) != nil, "\(kind)")
    }
  }
}
