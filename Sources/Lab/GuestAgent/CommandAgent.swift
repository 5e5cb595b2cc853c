/// Somebody in a guest who runs commands there and says when it is up.
protocol CommandAgent: Sendable {
  /// It has answered since the guest was started, or reset.
  var isReady: Bool { get }
  /// Its connection, once it has answered on it; nil = there is none.
  var connection: LineConnection? { get }
  func start()
  /// Ends the connection; commands that still run end with an error.
  func close()
  /// What ran in the guest is gone; its agent has to answer anew.
  func guestWasReset()
  /// Runs a command in the guest; who drops its events ends it.
  func start(_ request: CommandRequest) throws(UserError) -> StartedCommand
}

extension CommandAgent {
  /// Runs a command that reads nothing.
  func execute(_ command: [String]) throws(UserError) -> StartedCommand.Events {
    try start(CommandRequest(command)).events
  }
}

extension GuestAgent: CommandAgent {}
