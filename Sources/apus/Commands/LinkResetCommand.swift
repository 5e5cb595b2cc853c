import ArgumentParser
import Control
import Lab

struct LinkResetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Take a link back to what the lab file says.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.") var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    var change = LinkChange()
    change.isReset = true
    try output.write([try await selection.session().change(name, change)])
  }
}
