import ArgumentParser
import Control

struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Tell the version.")
    .withExamples("version")

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let row = VersionRow()
    Output.data(try output.rendering.text(row, table: ["apus \(row.version)"]))
  }
}
