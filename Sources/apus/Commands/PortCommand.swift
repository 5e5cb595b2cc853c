import ArgumentParser
import Control

struct PortCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Ports of switches and wires.",
    subcommands: [
      PortListCommand.self, PortShowCommand.self, PortAddCommand.self, PortSetCommand.self, PortRemoveCommand.self,
    ]
  )
  .withExamples("port")
}

struct PortListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List ports with their VLANs and counters.", aliases: ["ls"]
  )
  .withExamples("port list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.ports))
  }
}

struct PortShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Tell everything about one port.")
    .withExamples("port show")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The port: NODE.NIC, or the name it was given.", completion: Names.ports) var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let port = try await selection.session().client.ask(API.port, of: name)
    let rendering = output.rendering
    Output.data(try rendering.text(port, table: port.description(width: rendering.width)))
  }
}
