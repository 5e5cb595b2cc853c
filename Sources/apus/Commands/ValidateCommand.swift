import ArgumentParser
import Control
import Lab
import Topology

struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Check a lab file; nothing is started.")

  @Argument(help: "The lab file; `-` is standard input.") var file: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let file = try LabFile(try LabFile.path(file, of: "apus validate"), directories: directories)
    guard output.format == .table else {
      Output.data(try output.rendering.text(file.result.diagnostics, table: [], columns: []))
      if file.result.hasErrors { throw CommandStatus(.badInput) }
      return
    }
    let lab = try file.checked()
    Output.words(
      "\(file.source.path): lab \(lab.name) is valid: \(lab.nodes.count) nodes, \(lab.switches.count) switches, "
        + "\(lab.links.count) links, \(lab.tests.count) tests")
  }
}
