import ArgumentParser

struct LinkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Links: carrier and impairments.",
    subcommands: [
      LinkListCommand.self, LinkShowCommand.self, LinkSetCommand.self, LinkResetCommand.self, LinkFlapCommand.self,
    ])
}
