import Glibc
import LinuxHost

/// A command on this host, in a namespace or not.
package enum HostCommand {
  /// Starts a command; who drops its events ends it.
  ///
  /// A program that is not there answers as a shell would, with 127; one that cannot be run with 126.
  static func start(
    _ request: CommandRequest, namespace: String?, _ variables: [String: String]
  ) throws(UserError) -> StartedCommand {
    guard let name = request.command.first, !name.isEmpty else { throw UserError(.badInput, "no command given") }
    let executable: String
    switch Executables.search(name, request.environment ?? variables, in: request.directory ?? "/") {
    case .found(let path): executable = path
    case .notExecutable(let path): return refused("\(path): not executable", 126)
    case .missing: return refused("\(name): not found", 127)
    }
    do {
      return started(try RunningChild(spawnRequest(request, executable, namespace)))
    } catch let error where error.call == "execve" {
      // As env(1): ENOENT is that of an interpreter that is not there.
      return refused("\(name): \(SystemError.text(of: error.code))", error.code == ENOENT ? 127 : 126)
    } catch let error where error.call == "chdir" {
      let folder = request.directory.flatMap { $0.isEmpty ? nil : $0 }
      throw UserError(
        .failed, "cannot run \(name) in \(folder ?? "the working folder"): \(SystemError.text(of: error.code))",
        hint: "the command runs in the folder of who asks; is it still there?")
    } catch {
      throw UserError(.failed, "cannot run \(name): \(error)")
    }
  }

  /// Ends all commands, for a daemon that ends: nobody would read them, and they would keep their namespaces.
  package static func endAll() { RunningChild.killAll() }

  private static func spawnRequest(
    _ request: CommandRequest, _ executable: String, _ namespace: String?
  ) -> SpawnRequest {
    var spawn = SpawnRequest(executable: executable, arguments: Array(request.command.dropFirst()))
    spawn.namespace = namespace
    spawn.environment = request.environment
    spawn.workingDirectory = request.directory
    spawn.isFed = request.takesInput
    spawn.terminal = request.terminal.map { WindowSize(rows: $0.rows, columns: $0.columns) }
    // What a person runs makes files as a shell's command does, not as the daemon.
    spawn.fileMask = request.fileMask ?? 0o022
    return spawn
  }

  private static func started(_ child: RunningChild) -> StartedCommand {
    let events = StartedCommand.Events.asking {
      switch try await child.next() {
      case .output(let isError, let bytes): isError ? .error(bytes) : .output(bytes)
      case .ended(let status): .exit(status)
      case nil: nil
      }
    } onDrop: {
      child.abandon()
    }
    return StartedCommand(events: events, input: child.input as (any CommandInput)? ?? NoInput())
  }

  /// The answer of a command that could not be started.
  private static func refused(_ reason: String, _ status: Int32) -> StartedCommand {
    let (stream, continuation) = StartedCommand.Events.makeStream()
    continuation.yield(.error(Array("\(reason)\n".utf8)))
    continuation.yield(.exit(status))
    continuation.finish()
    return StartedCommand(events: stream)
  }
}

extension ChildInput: CommandInput {
  package func resize(to size: TerminalSize) { resize(to: WindowSize(rows: size.rows, columns: size.columns)) }
}
