import ArgumentParser
import Control

struct FDBListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the addresses that switches know.", aliases: ["ls"])

  @OptionGroup var selection: LabOptions
  @Option(name: .customLong("switch"), help: "Only this switch. (APUS_SWITCH)") var switchName: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let query = ["switch": Variables.option(switchName, "SWITCH")]
    try output.write(try await selection.session().client.get(ControlPath.fdb, query: query, as: [FDBRow].self))
  }
}
