import ArgumentParser
import Control

struct PortShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Tell everything about one port.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The port: NODE.NIC, or the name it was given.") var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let port = try await selection.session().client.ask(API.port, of: name)
    Output.data(try output.rendering.text(port, table: port.description()))
  }
}
