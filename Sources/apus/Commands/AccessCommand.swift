import ArgumentParser
import Control

struct AccessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access", abstract: "Access lists of ports.", subcommands: [AccessListCommand.self]
  )
  .withExamples("access")
}

struct AccessListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the rules of access lists, with the frames that each decided on.",
    discussion: """
      A rule has a line for each port that has its list. The last of a list and direction, which has no number, is what \
      becomes of frames that no rule is for. Answers that pass as such, and ARP, ND and DHCP that no rule names, are no \
      rule's.
      """, aliases: ["ls"]
  )
  .withExamples("access list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.access))
  }
}
