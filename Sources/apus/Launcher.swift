import ArgumentParser
import Control
import Lab

/// Runs one command line and turns every way it can end into an exit status.
enum Launcher {
  static func run(_ arguments: [String]) async -> Int32 {
    let command: any ParsableCommand
    do {
      command = try Apus.parseAsRoot(arguments)
    } catch {
      await ExtcapPipe.giveUp(arguments)
      return explain(error)
    }
    do {
      try await carryOut(command)
      return Lab.ExitCode.done.rawValue
    } catch let status as CommandStatus {
      return status.code
    } catch let error as UserError {
      Output.error(error)
      return error.code.rawValue
    } catch let error where ExitStatus.mapping(parser: Apus.exitCode(for: error).rawValue) != .failed {
      // Help that was asked for, which the parser hands out as a command, or a mistake that only `run` could see.
      return explain(error)
    } catch {
      Output.error(UserError(any: error))
      return Lab.ExitCode.failed.rawValue
    }
  }

  private static func carryOut(_ command: any ParsableCommand) async throws {
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      var command = command
      try command.run()
    }
  }

  /// Help goes to standard output, a mistake on the command line to standard error.
  private static func explain(_ error: any Error) -> Int32 {
    let status = ExitStatus.mapping(parser: Apus.exitCode(for: error).rawValue)
    let text = Apus.fullMessage(for: error)
    if status == .done {
      Output.data(text.hasSuffix("\n") ? text : text + "\n")
    } else {
      Output.words(text)
    }
    return status.rawValue
  }
}

/// Ends a command with a status of its own, everything having been said.
struct CommandStatus: Error {
  var code: Int32

  init(_ code: Lab.ExitCode) { self.code = code.rawValue }
  /// Status of a command that ran in a node.
  init(passedOn code: Int32) { self.code = code }
}
