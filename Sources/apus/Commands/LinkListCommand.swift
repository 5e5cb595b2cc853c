import ArgumentParser
import Control

struct LinkListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List links with their carrier and impairments.", aliases: ["ls"])

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.links))
  }
}
