import ArgumentParser
import Control

struct RestartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart", abstract: "Stop a node and start it again; its links stay.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String

  func run() async throws {
    let session = try selection.session()
    try await session.tell(node, "stop")
    try await session.tell(node, "start")
  }
}

extension LabSession {
  /// Has a node started or stopped; progress goes to standard error.
  /// - Parameter what: `start` or `stop`.
  func tell(_ node: String, _ what: String) async throws {
    try await client.stream(.post, ControlPath.node(node, what), as: LabLine.self) { line in
      switch line {
      case .progress(let text): Output.words(text)
      case .failed(let error): throw error.userError
      case .plan, .done: break
      }
    }
  }
}
