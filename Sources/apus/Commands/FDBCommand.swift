import ArgumentParser

struct FDBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fdb", abstract: "Forwarding databases of switches.",
    subcommands: [FDBListCommand.self, FDBFlushCommand.self])
}
