import ArgumentParser

struct PortCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Ports of switches and wires.",
    subcommands: [PortListCommand.self, PortShowCommand.self])
}
