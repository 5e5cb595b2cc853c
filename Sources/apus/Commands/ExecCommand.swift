import ArgumentParser
import Control
import Lab

struct ExecCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command in a node.",
    usage: "apus exec [--lab NAME] NODE -- COMMAND ...",
    discussion: "Output and exit status are the command's. 125: the command could not be run at all.")

  /// Status of failures that are not the command's own, as with docker exec and env(1).
  static let ownFailure: Int32 = 125

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String
  @Argument(parsing: .postTerminator, help: "The command and its arguments.") var command: [String] = []

  func validate() throws {
    if command.isEmpty { throw ValidationError("a command is missing: apus exec NODE -- COMMAND ...") }
  }

  func run() async throws {
    do {
      throw CommandStatus(passedOn: try await execute())
    } catch let error as UserError {
      Output.error(error)
      throw CommandStatus(passedOn: Self.ownFailure)
    }
  }

  private func execute() async throws -> Int32 {
    var status: Int32?
    try await selection.session().client.stream(
      .post, ControlPath.node(node, "exec"), body: ExecuteRequest(command: command), as: ExecuteLine.self
    ) { line in
      switch line {
      case .event(.output(let bytes)): Output.bytes(bytes)
      case .event(.error(let bytes)): Output.bytes(bytes, toError: true)
      case .event(.exit(let code)): status = code
      case .failed(let error): throw error.userError
      }
    }
    guard let status else { throw UserError(.failed, "node \(node) did not tell the command's exit status") }
    return status
  }
}
