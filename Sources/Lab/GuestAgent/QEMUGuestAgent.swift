import Synchronization

/// The host's end of QEMU's guest agent, which whole systems run: says when it answers and runs commands through it.
///
/// The agent answers requests in their order and names none, so an answer belongs to the first request that waits.
/// Output comes when a command has ended, as the agent keeps it until then.
final class QEMUGuestAgent: CommandAgent {
  /// Bytes of the longest answer that is taken: the agent itself gives up keeping output at 16 MiB.
  private static let answerLimit = 24 << 20
  /// Pause between two questions whether a command has ended.
  private static let pollInterval = Duration.milliseconds(100)
  /// Pause after which somebody who has not ended the command's input is told what is waited for.
  private static let inputPatience = Duration.seconds(5)

  private typealias Answer = Result<QEMUGuestAgentAnswer, UserError>

  private struct State {
    var session = AgentSession()
    /// The number of the last greeting.
    var greeting = Int.random(in: 1..<1 << 40)
    /// The number before the first greeting of this connection; nothing counts before the agent has said back a later one.
    ///
    /// Any later one: a guest that takes longer to answer than the pause between greetings would never say the last.
    var greetingBefore = Int.max
    var waiting: [CheckedContinuation<Answer, Never>] = []
  }

  private let connector: AgentConnector
  private let onReady: @Sendable () -> Void
  private let state = Mutex(State())

  /// - Parameter path: QEMU's socket of the port `org.qemu.guest_agent.0`; it need not exist yet.
  /// - Parameter onReady: called each time the agent has come up: after the start and after each reboot.
  init(path: String, onReady: @escaping @Sendable () -> Void) {
    connector = AgentConnector(path: path, lineLimit: Self.answerLimit, pause: .milliseconds(100))
    self.onReady = onReady
  }

  var isReady: Bool { state.withLock { $0.session.isReady } }
  var connection: LineConnection? { state.withLock { $0.session.isReady ? $0.session.connection : nil } }

  func start() {
    connector.start { connection in
      self.state.withLock { state in
        state.greetingBefore = state.greeting
        return state.session.begin(connection) { await self.serve($0) }
      }
    } onLoss: {
      self.disconnect("the connection to the guest's agent was lost")
    }
  }

  func close() {
    state.withLock { $0.session.close() }
    connector.close()
    disconnect("the node was stopped")
  }

  func guestWasReset() {
    disconnect("the guest was reset")
  }

  func start(_ request: CommandRequest) throws(UserError) -> StartedCommand {
    guard isReady else {
      throw UserError(
        .failed, "QEMU's guest agent does not answer", hint: "the image needs the package qemu-guest-agent, running")
    }
    guard request.terminal == nil else {
      throw UserError(
        .failed, "QEMU's guest agent gives commands no terminal", hint: "use `apus console`, or ssh into the machine")
    }
    let input = request.takesInput ? CollectedInput() : nil
    let (stream, continuation) = StartedCommand.Events.makeStream()
    let task = Task {
      do {
        let bytes = try await Self.collect(input) { continuation.yield(.error(Array("\($0)\n".utf8))) }
        try await self.carryOut(request.command, bytes) { continuation.yield($0) }
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    continuation.onTermination = { _ in task.cancel() }
    return StartedCommand(events: stream, input: input ?? NoInput() as any CommandInput)
  }

  /// All of the input; the agent takes it with the command.
  private static func collect(
    _ input: CollectedInput?, _ tell: @escaping @Sendable (String) -> Void
  ) async throws -> [UInt8]? {
    guard let input else { return nil }
    let reminder = Task {
      try await Task.sleep(for: inputPatience)
      tell("apus: waiting for the end of standard input, which QEMU's guest agent takes as a whole")
    }
    defer { reminder.cancel() }
    return try await input.whole()
  }

  private func carryOut(_ command: [String], _ input: [UInt8]?, _ onEvent: (ExecuteEvent) -> Void) async throws {
    let started = try await ask(QEMUGuestAgentRequest.run(command, input: input))
    guard let process = started.process else {
      let reason = started.error ?? "no process"
      onEvent(.error(Array("\(command.first ?? ""): \(reason)\n".utf8)))
      return onEvent(.exit(QEMUGuestAgentAnswer.status(ofRefusal: reason)))
    }
    while true {
      let answer = try await ask(QEMUGuestAgentRequest.status(process: process))
      if let error = answer.error { throw UserError(.failed, "the guest's agent lost the command: \(error)") }
      if let status = answer.status, status.hasExited {
        if !status.output.isEmpty { onEvent(.output(status.output)) }
        if !status.error.isEmpty { onEvent(.error(status.error)) }
        return onEvent(.exit(status.code ?? status.signal.map { 128 &+ $0 } ?? 0))
      }
      do {
        try await Task.sleep(for: Self.pollInterval)
      } catch {
        // Nobody waits for it any more. Not awaited: this task is cancelled.
        Task { try await self.ask(QEMUGuestAgentRequest.run(["kill", "-9", "\(process)"])) }
        throw error
      }
    }
  }

  /// Sends a request and waits for its answer.
  @discardableResult
  private func ask(_ request: String) async throws(UserError) -> QEMUGuestAgentAnswer {
    let answer = await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
      let isSent = state.withLock { state in
        guard state.session.isReady, let connection = state.session.connection else { return false }
        state.waiting.append(continuation)
        connection.send(request)
        return true
      }
      if !isSent { continuation.resume(returning: .failure(UserError(.failed, "the guest's agent does not answer"))) }
    }
    return try answer.get()
  }

  // MARK: - The connection

  private func serve(_ connection: LineConnection) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.greet(connection) }
      while let line = await connection.next() {
        if let answer = QEMUGuestAgentAnswer(line: line) { handle(answer) }
      }
      group.cancelAll()
    }
    connection.close()
  }

  /// Asks until the agent answers.
  private func greet(_ connection: LineConnection) async {
    while !Task.isCancelled {
      let number = state.withLock { state -> Int? in
        guard state.session.isWaiting(on: connection) else { return nil }
        state.greeting += 1
        return state.greeting
      }
      guard let number else { return }
      connection.send(QEMUGuestAgentRequest.sync(number))
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private func handle(_ answer: QEMUGuestAgentAnswer) {
    let (isNew, waiting) = state.withLock { state -> (Bool, CheckedContinuation<Answer, Never>?) in
      guard state.session.isReady else {
        // Answers to what was asked before, by this daemon or one that died, come first.
        guard let number = answer.number, number > state.greetingBefore, number <= state.greeting else {
          return (false, nil)
        }
        state.session.isReady = true
        return (true, nil)
      }
      // Greetings after the one that was answered first; no command is answered by a number.
      if answer.number != nil { return (false, nil) }
      return (false, state.waiting.isEmpty ? nil : state.waiting.removeFirst())
    }
    if isNew { onReady() }
    waiting?.resume(returning: .success(answer))
  }

  private func disconnect(_ reason: String) {
    let (service, waiting) = state.withLock { state in
      defer { state.waiting = [] }
      return (state.session.end(), state.waiting)
    }
    service?.cancel()
    for continuation in waiting { continuation.resume(returning: .failure(UserError(.failed, reason))) }
  }
}
