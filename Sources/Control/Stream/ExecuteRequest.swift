import Lab

/// Body of `POST /v1/nodes/NODE/exec`, or the first line of it.
///
/// `{"command": ["wc", "-c"], "input": true}`; all but the command may be left out.
package struct ExecuteRequest: Codable, Sendable, Equatable {
  /// Program and arguments; at least the program.
  package var command: [String]
  /// Folder to run in and variables, for nodes that share this host's files.
  package var directory: String?
  package var environment: [String: String]?
  /// The umask of the caller.
  package var fileMask: UInt32?
  /// Lines with standard input follow.
  package var input: Bool?
  package var terminal: TerminalSize?

  package init(command: [String]) { self.command = command }

  private enum CodingKeys: String, CodingKey {
    case command, directory, environment, input, terminal
    case fileMask = "file_mask"
  }

  /// What the lab is asked for.
  /// - Parameter isFollowed: whether lines can follow.
  func commandRequest(isFollowed: Bool) -> CommandRequest {
    var request = CommandRequest(command)
    request.directory = directory
    request.environment = environment
    request.fileMask = fileMask
    request.takesInput = isFollowed && input == true
    request.terminal = terminal
    return request
  }
}
