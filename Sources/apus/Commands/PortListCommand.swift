import ArgumentParser
import Control

struct PortListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List ports with their VLANs and counters.", aliases: ["ls"])

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.ports))
  }
}
