import ArgumentParser
import Control

struct FDBListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the addresses that switches know.", aliases: ["ls"])

  @OptionGroup var selection: LabOptions
  @Option(name: .customLong("switch"), help: "Only this switch. (APUS_SWITCH)") var switchName: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let query = FDBQuery(switchName: Variables.option(switchName, "SWITCH"))
    try output.write(try await selection.session().client.ask(API.fdb, query: query))
  }
}
