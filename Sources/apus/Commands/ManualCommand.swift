import ArgumentParser
import Control
import Foundation
import Lab

/// Writes the manual pages; `tools/man` calls it.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Write the manual pages into a folder.", shouldDisplay: false)

  @Argument(help: "The folder, which must be there.", completion: .directory) var folder: String

  func run() throws {
    let tree = try CommandTree(description: CommandLineDescription.text())
    let manual = Manual(tree, version: "apus \(Product.version)", date: Self.date, usage: Self.usage)
    for page in manual.pages {
      do {
        try page.text.write(toFile: "\(folder)/\(page.file)", atomically: true, encoding: .utf8)
      } catch {
        throw UserError(.failed, "cannot write \(folder)/\(page.file): \(ErrorWords.ofFoundation(error))")
      }
    }
  }

  /// Of the sources where that is said (SOURCE_DATE_EPOCH), so that packages can be made again.
  private static var date: String {
    let said = Variables.all["SOURCE_DATE_EPOCH"].flatMap { Double($0) }
    let date = said.map { Date(timeIntervalSince1970: $0) } ?? Date()
    return date.formatted(.iso8601.year().month().day())
  }

  /// How the command of a path is called, as its help says.
  private static func usage(_ path: [String]) -> [String] {
    var type: any ParsableCommand.Type = Apus.self
    for name in path.dropFirst() {
      guard let next = type.configuration.subcommands.first(where: { $0._commandName == name }) else { return [] }
      type = next
    }
    let help = Apus.helpMessage(for: type, columns: 10_000).split(separator: "\n", omittingEmptySubsequences: false)
    let lines = help.drop { !$0.hasPrefix("USAGE: ") }.prefix { !$0.isEmpty }
    return lines.map { line in
      let text = line.hasPrefix("USAGE: ") ? line.dropFirst("USAGE: ".count) : line
      return String(text.drop { $0 == " " })
    }
  }
}
