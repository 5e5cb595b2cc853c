import ArgumentParser
import Control
import Lab

struct PSCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "List labs and their nodes.", aliases: ["inspect"]
  )
  .withExamples("ps")

  /// Seconds that a daemon may take for its answer.
  private static let patience = 5.0

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    var labs = try directories.labs(asked: selection.asked)
    if let asked = selection.asked { labs = [try LabSelection.choose(asked: asked, running: labs)] }
    if labs.isEmpty { Output.words("no lab is up") }
    var rows: [NodeRow] = []
    var unreachable: UserError?
    for lab in labs {
      do {
        let client = LabSession(lab, directories).client
        if let answer = try await client.ask(API.nodes, within: Self.patience) {
          rows += answer
          continue
        }
        Output.words("apus: lab \(lab) does not answer")
        if selection.asked != nil { unreachable = UserError(.unreachable, "lab \(lab) does not answer") }
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
