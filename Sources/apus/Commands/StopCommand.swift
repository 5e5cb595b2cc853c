import ArgumentParser
import Control

struct StopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop a node; its links stay.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String

  func run() async throws { try await selection.session().tell(node, API.nodeStop) }
}
