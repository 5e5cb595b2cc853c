/// Somebody in a guest who runs commands there and says when it is up.
protocol CommandAgent: Sendable {
  /// It has answered since the guest was started, or reset.
  var isReady: Bool { get }
  func start()
  /// Ends the connection; commands that still run end with an error.
  func close()
  /// What ran in the guest is gone; its agent has to answer anew.
  func guestWasReset()
  /// Runs a command in the guest; who drops the stream ends the command.
  func execute(_ command: [String]) throws(UserError) -> AsyncThrowingStream<ExecuteEvent, any Error>
}

extension GuestAgent: CommandAgent {}
