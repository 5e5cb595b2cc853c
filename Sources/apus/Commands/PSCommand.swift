import ArgumentParser
import Control
import Lab

struct PSCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "List labs and their nodes.", aliases: ["inspect"])

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    var labs = directories.runningLabs()
    if let asked = selection.asked { labs = [try LabSelection.choose(asked: asked, running: labs)] }
    if labs.isEmpty { Output.words("no lab is up") }
    var rows: [NodeRow] = []
    var unreachable: UserError?
    for lab in labs {
      do {
        rows += try await LabSession(lab, directories).client.get(ControlPath.nodes, as: [NodeRow].self)
      } catch let error as UserError {
        Output.words("apus: lab \(lab): \(error.message)")
        unreachable = error
      }
    }
    if !rows.isEmpty || output.format == .json { try output.write(rows) }
    if let unreachable {
      if let hint = unreachable.hint { Output.words("  \(hint)") }
      throw CommandStatus(unreachable.code)
    }
  }
}
