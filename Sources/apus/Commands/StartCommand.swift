import ArgumentParser
import Control

struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start a node that was stopped or has ended.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String

  func run() async throws { try await selection.session().tell(node, API.nodeStart) }
}
