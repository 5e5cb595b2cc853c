import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import Control
@testable import apus

/// The manual pages that are made of the help texts.
@Suite struct ManualTests {
  private static func pages() throws -> [String: String] {
    let folder = try TemporaryDirectory()
    let command = try ManualCommand.parse([folder.path])
    try command.run()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8)) })
  }

  @Test func everyCommandHasAPageWithItsSections() throws {
    let pages = try Self.pages()
    let tree = try CommandTree(description: CommandLineDescription.text())
    let names = (tree.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }.map(\.commandName)
    #expect(Set(pages.keys) == Set(names.map { "apus-\($0).1" } + ["apus.1"]))
    for (file, text) in pages {
      let sections = text.split(separator: "\n").filter { $0.hasPrefix(".SH ") }.map { $0.dropFirst(4) }
      for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
        #expect(sections.contains(section[...]), "\(file): \(section)")
      }
      #expect(text.hasPrefix(".TH \""), "\(file)")
      // Words in capitals, a number, a date.
      #expect(!text.contains("\\-\\-version\n.B"), "\(file)")
    }
    #expect(pages["apus-port.1"]?.contains(".SS apus port add\n") ?? false)
    #expect(pages["apus-exec.1"]?.contains("The command could not be run at all.") ?? false)
    #expect(pages["apus-up.1"]?.contains(".B APUS_DRY_RUN\nThe same as \\-\\-dry\\-run.\n") ?? false)
    #expect(pages["apus-top.1"]?.contains("    apus top \\-\\-batch \\-n 3\n") ?? false)
  }

  @Test func textIsNeverAnOrder() {
    var page = Roff(title: "X", date: "2026-11-30", version: "apus 1")
    page.prose(".TH evil\n'so /etc/passwd\n\nback\\slash and 'quotes' - ok\u{1B}[2J")
    #expect(
      page.text.split(separator: "\n").dropFirst() == [
        "\\&.TH evil", "\\(aqso /etc/passwd", ".PP", "back\\eslash and \\(aqquotes\\(aq \\- ok [2J",
      ])
  }
}
