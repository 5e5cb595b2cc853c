import Synchronization

/// The host's end of the agent in a builtin guest: says when the guest is ready and runs commands in it.
///
/// Stays connected to QEMU's socket until `close`; connects again when QEMU drops it.
final class GuestAgent: Sendable {
  typealias Output = StartedCommand.Events

  /// Bytes of the longest command line.
  static let commandLimit = 128 << 10

  private struct State {
    /// What the guest has said of its network's setup, before the pong with that id.
    var report: (id: String, setup: GuestSetup) = ("", GuestSetup())
    var session = AgentSession()
    var counter = 0
    /// The agent takes input for commands, and terminals.
    var canOpen = false
    var commands: [String: GuestCommand] = [:]
  }

  private let connector: AgentConnector
  private let onReady: @Sendable (GuestSetup) -> Void
  /// Sets this host's ids apart from those of a daemon that ran before.
  private let prefix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
  private let state = Mutex(State())

  /// - Parameter path: QEMU's socket of the port `apus.exec`; it need not exist yet.
  /// - Parameter onReady: called each time the guest has come up: after the start and after each reboot; takes what
  ///   became of the guest's network at that start.
  init(path: String, onReady: @escaping @Sendable (GuestSetup) -> Void) {
    connector = AgentConnector(path: path, pause: .milliseconds(20))
    self.onReady = onReady
  }

  var isReady: Bool { state.withLock { $0.session.isReady } }
  var connection: LineConnection? { state.withLock { $0.session.isReady ? $0.session.connection : nil } }

  func start() {
    connector.start { connection in
      self.state.withLock { state in state.session.begin(connection) { await self.serve($0) } }
    } onLoss: {
      self.disconnect("the connection to the guest's agent was lost")
    }
  }

  /// Ends the connection; commands that still run end with an error.
  func close() {
    state.withLock { $0.session.close() }
    connector.close()
    disconnect("the node was stopped")
  }

  /// The guest was reset: what ran in it is gone, and it is ready again once its agent answers.
  ///
  /// The connection is made anew, so that no request to the old guest reaches the new one.
  func guestWasReset() {
    disconnect("the guest was reset")
  }

  func start(_ request: CommandRequest) throws(UserError) -> StartedCommand {
    let (connection, id, canOpen) = state.withLock { state in
      (state.session.isReady ? state.session.connection : nil, newID(&state), state.canOpen)
    }
    guard let connection else { throw UserError(.failed, "the guest's agent does not answer") }
    guard canOpen || request.terminal == nil && !request.takesInput else {
      throw UserError(
        .failed, "the guest was started by an older version, which passes neither standard input nor a terminal",
        hint: "`apus restart` the node, or give the command `</dev/null`")
    }
    let line =
      canOpen
      ? AgentRequest.open(id: id, request, window: GuestCommand.window)
      : AgentRequest.run(id: id, command: request.command)
    guard line.utf8.count < Self.commandLimit else {
      throw UserError(.badInput, "command of \(line.utf8.count) bytes is too long")
    }
    let command = GuestCommand(id: id, isOpened: canOpen, connection: connection)
    let isThere = state.withLock { state in
      guard state.session.connection === connection else { return false }
      state.commands[id] = command
      return true
    }
    guard isThere else { throw UserError(.failed, "the connection to the guest's agent was lost") }
    connection.send(line)
    if canOpen, !request.takesInput, request.terminal == nil { Task { await command.end() } }
    let events = Output.asking({ try await command.next() }, onDrop: { [weak self] in self?.abandon(id) })
    return StartedCommand(events: events, input: command)
  }

  /// The reader went away: nobody waits for the command, so it is ended in the guest.
  private func abandon(_ target: String) {
    let (connection, id, command) = state.withLock { state -> (LineConnection?, String, GuestCommand?) in
      guard let command = state.commands.removeValue(forKey: target) else { return (nil, "", nil) }
      return (state.session.connection, newID(&state), command)
    }
    connection?.send(AgentRequest.kill(id: id, target: target))
    command?.finish(.failure(UserError(.failed, "nobody reads the command's output")))
  }

  /// An id that is no part of another: they are all of one length.
  private func newID(_ state: inout State) -> String {
    state.counter += 1
    let digits = String(state.counter, radix: 36)
    return "\(prefix)x\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)"
  }

  private func serve(_ connection: LineConnection) async {
    // Ends half a line that a daemon which died may have left in the guest's hands.
    connection.send("")
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.ping(connection) }
      group.addTask {
        while let line = await connection.next() {
          if let message = AgentMessage(line: line) { self.handle(message) }
        }
        self.state.withLock { $0.session.cancel(connection) }
      }
    }
    connection.close()
  }

  /// Asks until the guest answers.
  private func ping(_ connection: LineConnection) async {
    var count = 0
    while state.withLock({ $0.session.isWaiting(on: connection) }), !Task.isCancelled {
      count += 1
      connection.send(AgentRequest.ping(id: "\(prefix)p\(count)"))
      try? await Task.sleep(for: .milliseconds(250))
    }
  }

  private func handle(_ message: AgentMessage) {
    switch message {
    case .pong(let id):
      guard id.hasPrefix(prefix) else { return }
      let (isNew, setup) = state.withLock { state in
        defer { state.session.isReady = true }
        return (!state.session.isReady, state.report.id == id ? state.report.setup : GuestSetup())
      }
      if isNew { onReady(setup) }
    case .setup(let id, let steps): report(id) { $0.steps = steps }
    case .fault(let id, let text): report(id) { $0.note(fault: text) }
    case .can(let verbs):
      state.withLock { $0.canOpen = verbs.contains("open") }
    case .more(let id, let count): state.withLock { $0.commands[id] }?.grant(count)
    case .output(let id, let bytes): deliver(.output(bytes), id)
    case .error(let id, let bytes): deliver(.error(bytes), id)
    case .exit(let id, let status):
      let command = state.withLock { $0.commands.removeValue(forKey: id) }
      _ = command?.deliver(.exit(status))
      command?.finish(.success(()))
    }
  }

  /// Takes note of what the guest says before a pong.
  private func report(_ id: String, _ note: (inout GuestSetup) -> Void) {
    guard id.hasPrefix(prefix) else { return }
    state.withLock { state in
      if state.report.id != id { state.report = (id, GuestSetup()) }
      note(&state.report.setup)
    }
  }

  private func deliver(_ event: ExecuteEvent, _ id: String) {
    guard let command = state.withLock({ $0.commands[id] }), !command.deliver(event) else { return }
    abandon(id)
  }

  private func endCommands(_ reason: String) {
    let commands = state.withLock { state in
      defer { state.commands = [:] }
      return state.commands.values.map { $0 }
    }
    for command in commands { command.finish(.failure(UserError(.failed, reason))) }
  }

  private func disconnect(_ reason: String) {
    let service = state.withLock { state in
      state.canOpen = false
      // Ids of pings come again.
      state.report = ("", GuestSetup())
      return state.session.end()
    }
    service?.cancel()
    endCommands(reason)
  }
}
