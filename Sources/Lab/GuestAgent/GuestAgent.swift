import LinuxHost
import Synchronization

/// The host's end of the agent in a builtin guest: says when the guest is ready and runs commands in it.
///
/// Stays connected to QEMU's socket until `close`; connects again when QEMU drops it.
final class GuestAgent: Sendable {
  typealias Output = AsyncThrowingStream<ExecuteEvent, any Error>

  /// Pieces of output (3 KB as a rule) that a slow reader may leave unread before its command is given up.
  static let backlogLimit = 4096
  /// Bytes of the longest command line.
  static let commandLimit = 128 << 10

  private struct State {
    var connection: LineConnection?
    var isReady = false
    var isClosed = false
    var counter = 0
    var commands: [String: Output.Continuation] = [:]
  }

  private let path: String
  private let onReady: @Sendable () -> Void
  /// Sets this host's ids apart from those of a daemon that ran before.
  private let prefix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
  private let state = Mutex(State())
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// - Parameter path: QEMU's socket of the port `apus.exec`; it need not exist yet.
  /// - Parameter onReady: called each time the guest has come up: after the start and after each reboot.
  init(path: String, onReady: @escaping @Sendable () -> Void) {
    self.path = path
    self.onReady = onReady
  }

  var isReady: Bool { state.withLock { $0.isReady } }

  func start() {
    task.withLock { $0 = $0 ?? Task { await self.run() } }
  }

  /// Ends the connection; commands that still run end with an error.
  func close() {
    state.withLock { $0.isClosed = true }
    task.withLock { $0?.cancel() }
    disconnect("the node was stopped")
  }

  /// The guest was reset: what ran in it is gone, and it is ready again once its agent answers.
  func guestWasReset() {
    let connection = state.withLock { $0.connection }
    endCommands("the guest was reset")
    state.withLock { $0.isReady = false }
    if let connection { startPinging(connection) }
  }

  /// Runs a command in the guest; who drops the stream ends the command.
  func execute(_ command: [String]) throws(UserError) -> Output {
    let (stream, continuation) = Output.makeStream(bufferingPolicy: .bufferingOldest(Self.backlogLimit))
    let (connection, id) = state.withLock { state -> (LineConnection?, String) in
      state.counter += 1
      let id = "\(prefix)x\(state.counter)"
      guard state.isReady, let connection = state.connection else { return (nil, id) }
      state.commands[id] = continuation
      return (connection, id)
    }
    guard let connection else { throw UserError(.failed, "the guest's agent does not answer") }
    let request = AgentRequest.run(id: id, command: command)
    guard request.utf8.count < Self.commandLimit else {
      state.withLock { _ = $0.commands.removeValue(forKey: id) }
      throw UserError(.badInput, "command of \(request.utf8.count) bytes is too long")
    }
    continuation.onTermination = { [weak self] reason in
      guard case .cancelled = reason else { return }
      self?.abandon(id)
    }
    connection.send(request)
    return stream
  }

  /// The reader went away: nobody waits for the command, so it is ended in the guest.
  private func abandon(_ id: String) {
    let connection = state.withLock { state in
      state.commands.removeValue(forKey: id) == nil ? nil : state.connection
    }
    connection?.send(AgentRequest.kill(id: "\(id)k", target: id))
  }

  private func run() async {
    while !Task.isCancelled {
      if let socket = try? UnixSocket.connect(path: path) {
        await serve(LineConnection(socket))
        disconnect("the connection to the guest's agent was lost")
      }
      // QEMU makes the socket some milliseconds after it starts.
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  private func serve(_ connection: LineConnection) async {
    let isOpen = state.withLock { state in
      if !state.isClosed { state.connection = connection }
      return !state.isClosed
    }
    guard isOpen else { return }
    // Ends half a line that a daemon which died may have left in the guest's hands.
    connection.send("")
    startPinging(connection)
    while let line = await connection.next() {
      if let message = AgentMessage(line: line) { handle(message) }
    }
  }

  private func startPinging(_ connection: LineConnection) {
    Task { [weak self] in
      var count = 0
      while let self, self.isWaiting(on: connection) {
        count += 1
        connection.send(AgentRequest.ping(id: "\(prefix)p\(count)"))
        try? await Task.sleep(for: .milliseconds(250))
      }
    }
  }

  private func isWaiting(on connection: LineConnection) -> Bool {
    state.withLock { !$0.isReady && !$0.isClosed && $0.connection === connection }
  }

  private func handle(_ message: AgentMessage) {
    switch message {
    case .pong(let id):
      guard id.hasPrefix(prefix) else { return }
      let isNew = state.withLock { state in
        defer { state.isReady = true }
        return !state.isReady
      }
      if isNew { onReady() }
    case .output(let id, let bytes): deliver(.output(bytes), id)
    case .error(let id, let bytes): deliver(.error(bytes), id)
    case .exit(let id, let status):
      let command = state.withLock { $0.commands.removeValue(forKey: id) }
      command?.yield(.exit(status))
      command?.finish()
    }
  }

  private func deliver(_ event: ExecuteEvent, _ id: String) {
    guard let command = state.withLock({ $0.commands[id] }) else { return }
    guard case .dropped = command.yield(event) else { return }
    abandon(id)
    command.finish(throwing: UserError(.failed, "the command's output was not read in time; command ended"))
  }

  private func endCommands(_ reason: String) {
    let commands = state.withLock { state in
      defer { state.commands = [:] }
      return state.commands.values.map { $0 }
    }
    for command in commands { command.finish(throwing: UserError(.failed, reason)) }
  }

  private func disconnect(_ reason: String) {
    let connection = state.withLock { state in
      defer { state.connection = nil }
      state.isReady = false
      return state.connection
    }
    connection?.close()
    endCommands(reason)
  }
}
