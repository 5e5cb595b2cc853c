import ArgumentParser
import Control

struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start a node that was stopped or has ended."
  )
  .withExamples("start")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.", completion: Names.nodes) var node: String

  func run() async throws { try await selection.session().tell(node, API.nodeStart) }
}

struct StopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop a node; its links stay."
  )
  .withExamples("stop")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.", completion: Names.nodes) var node: String

  func run() async throws { try await selection.session().tell(node, API.nodeStop) }
}

struct RestartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart", abstract: "Stop a node and start it again; its links stay."
  )
  .withExamples("restart")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.", completion: Names.nodes) var node: String

  func run() async throws {
    let session = try selection.session()
    try await session.tell(node, API.nodeStop)
    try await session.tell(node, API.nodeStart)
  }
}

extension LabSession {
  /// Has a node started or stopped; progress goes to standard error.
  /// - Parameter what: `API.nodeStart` or `API.nodeStop`.
  func tell(_ node: String, _ what: Route<NoQuery, NoBody, Lines<LabLine>>) async throws {
    try await client.stream(what, of: node) { line in
      switch line {
      case .progress(let text): Output.words(text)
      case .failed(let error): throw error.userError
      case .plan, .done: break
      }
    }
  }
}
