import LinuxHost

/// A command on this host, in a namespace or not.
enum HostCommand {
  /// Pieces of output that a slow reader may leave unread before the command is given up.
  private static let backlogLimit = 4096

  /// Runs a command; who drops the stream ends it.
  ///
  /// A program that is not there answers as a shell would, with 127.
  static func run(
    _ command: [String], namespace: String?, _ variables: [String: String]
  ) throws(UserError) -> AsyncThrowingStream<ExecuteEvent, any Error> {
    guard let name = command.first, !name.isEmpty else { throw UserError(.badInput, "no command given") }
    let (stream, continuation) = AsyncThrowingStream<ExecuteEvent, any Error>.makeStream(
      bufferingPolicy: .bufferingOldest(backlogLimit))
    guard let executable = Executables.find(name, variables) else {
      continuation.yield(.error(Array("\(name): not found\n".utf8)))
      continuation.yield(.exit(127))
      continuation.finish()
      return stream
    }
    var request = SpawnRequest(executable: executable, arguments: Array(command.dropFirst()))
    request.namespace = namespace
    // What a person runs makes files as a shell's command does, not as the daemon.
    request.fileMask = 0o022
    let task = Task { [request] in
      do {
        let status = try await LinuxHost.run(
          request,
          onOutput: { isError, bytes in
            if case .dropped = continuation.yield(isError ? .error(bytes) : .output(bytes)) {
              continuation.finish(throwing: UserError(.failed, "the command's output was not read in time"))
            }
          }, timeoutSeconds: nil)
        continuation.yield(.exit(status))
        continuation.finish()
      } catch {
        continuation.finish(throwing: UserError(.failed, "cannot run \(name): \(error)"))
      }
    }
    continuation.onTermination = { _ in task.cancel() }
    return stream
  }
}
