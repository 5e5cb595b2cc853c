import ArgumentParser
import Control
import FoundationEssentials
import Lab

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Print what a node said on its console.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String

  func run() async throws {
    let path = try await selection.session().client.get(ControlPath.node(node, "log"), as: PathRow.self).path
    guard let text = FileManager.default.contents(atPath: path) else {
      Output.words("node \(node) has not said anything yet")
      return
    }
    Output.bytes([UInt8](text))
  }
}
