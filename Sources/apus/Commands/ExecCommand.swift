import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Lab

struct ExecCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command in a node.",
    usage: "apus exec [--lab NAME] [-i] [-t] NODE -- COMMAND ...",
    discussion: """
      Output and exit status are the command's. 125: the command could not be run at all, 126: it is no program, \
      127: there is none of that name. Standard input is passed on unless it is a terminal; `</dev/null` keeps the \
      command from reading it.
      """
  )
  .withExamples("exec")

  /// Status of failures that are not the command's own, as with docker exec and env(1).
  static let ownFailure: Int32 = 125
  /// Of a terminal that does not know its size.
  private static let usualSize = TerminalSize(rows: 24, columns: 80)

  @OptionGroup var selection: LabOptions
  @Flag(name: .customShort("i"), help: "Pass standard input on also if it is a terminal.") var interactive = false
  @Flag(name: .customShort("t"), help: "Give the command a terminal; what is typed goes to it, Ctrl-C too.")
  var terminal = false
  @Argument(help: "The node.", completion: Names.nodes) var node: String
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
    let client = try selection.session().client
    let isTyped = isatty(STDIN_FILENO) == 1
    var request = request()
    request.input = terminal || interactive || !(isTyped || StandardInput.isNothing)
    // Asked before it is raw: it goes on being so to the end.
    if terminal { request.terminal = TerminalRow(isTyped ? RawTerminal.size() ?? Self.usualSize : Self.usualSize) }
    let raw = terminal ? RawTerminal.make() : nil
    defer { raw?.restore() }
    let typed = raw == nil ? nil : TerminalInput()
    let upload = request.input == true ? try Self.upload(request, typed) : .whole(try JSON.bytes(request))
    var status: Int32?
    try await client.stream(API.exec, of: node, upload) { line in
      switch line {
      case .event(.output(let bytes)): await Output.written(bytes)
      case .event(.error(let bytes)): await Output.written(bytes, toError: true)
      case .event(.exit(let code)): status = code
      case .failed(let error): throw error.userError
      }
    }
    guard let status else { throw UserError(.failed, "node \(node) did not tell the command's exit status") }
    return status
  }

  private func request() -> ExecuteRequest {
    var request = ExecuteRequest(command: command)
    request.directory = FileManager.default.currentDirectoryPath
    request.environment = Variables.all
    let mask = umask(0o077)
    umask(mask)
    request.fileMask = mask
    return request
  }

  /// The request, then standard input as fast as the command takes it.
  private static func upload(_ request: ExecuteRequest, _ typed: TerminalInput?) throws -> Upload {
    .lines(first: try JSON.bytes(request)) {
      if let typed { return try await typed.next().map { try JSON.bytes($0) } }
      return try await StandardInput.next().map { try JSON.bytes(InputLine.input($0)) }
    }
  }
}
