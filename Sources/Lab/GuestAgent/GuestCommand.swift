import Synchronization

/// A command in a builtin guest, between the agent's lines and whoever reads and writes.
///
/// Neither side runs ahead: of output no more is on its way than was asked for, of input no more than the guest has
/// asked for (an *opened* command). Output of an old agent's command (*run*) comes unasked, up to a bound.
final class GuestCommand: CommandInput {
  /// Bytes of output that an opened command may have on their way.
  static let window = 256 << 10
  /// Bytes of output that a slow reader may leave unread of one that was run.
  static let backlogLimit = 12 << 20
  /// Pieces of output that may wait: each takes memory, however short it is.
  static let pieceLimit = 256 << 10

  private struct State {
    var events: [ExecuteEvent] = []
    /// Of `events`, those that were handed out.
    var taken = 0
    /// Bytes in those that were not.
    var size = 0
    /// Bytes handed out for which nothing was asked yet.
    var owed = 0
    var end: Result<Void, UserError>?
    /// Bytes of input that the guest takes; nil before it has the command.
    var credit: Int?
    var newSize: TerminalSize?
  }

  let id: String
  /// Its input and output are asked for.
  let isOpened: Bool
  private let send: @Sendable (String) -> Void
  /// Sends once what was sent before is on its way; false when it never will be.
  private let sendInTurn: @Sendable (String) async -> Bool
  private let state = Mutex(State())
  private let output = WakeUp()
  private let room = WakeUp()

  init(id: String, isOpened: Bool, connection: LineConnection) {
    (self.id, self.isOpened) = (id, isOpened)
    send = { connection.send($0) }
    sendInTurn = { await connection.sendInTurn($0) }
  }

  // MARK: - From the agent

  /// Takes what the guest says.
  /// - Returns: false when that is more than it may say; the command is over then.
  func deliver(_ event: ExecuteEvent) -> Bool {
    // Of empty pieces there could be any number.
    guard !event.isEmpty else { return true }
    let limit = isOpened ? Self.window : Self.backlogLimit
    let isTaken = state.withLock { state in
      guard state.end == nil else { return true }
      state.size += event.size
      guard state.size <= limit, state.events.count - state.taken <= Self.pieceLimit else {
        let reason =
          isOpened ? "the guest sent more than it was asked for" : "the command's output was not read in time"
        state.end = .failure(UserError(.failed, "\(reason); command ended"))
        return false
      }
      state.events.append(event)
      return true
    }
    output.wake()
    if !isTaken { room.wake() }
    return isTaken
  }

  /// Nothing more comes: after the exit status, or for a reason.
  func finish(_ result: Result<Void, UserError>) {
    state.withLock { $0.end = $0.end ?? result }
    output.wake()
    room.wake()
  }

  /// The guest takes more input.
  func grant(_ count: Int) {
    let size = state.withLock { state in
      state.credit = min((state.credit ?? 0) + count, AgentRequest.windowLimit)
      return state.newSize.take()
    }
    if let size { send(AgentRequest.size(id: id, size)) }
    room.wake()
  }

  // MARK: - To the reader

  func next() async throws -> ExecuteEvent? {
    while true {
      if let event = take() { return event }
      if let end = state.withLock({ $0.end }) {
        try end.get()
        return nil
      }
      if Task.isCancelled { throw CancellationError() }
      await output.wait()
    }
  }

  private func take() -> ExecuteEvent? {
    let (event, owed) = state.withLock { state -> (ExecuteEvent?, Int) in
      guard state.taken < state.events.count else { return (nil, 0) }
      let event = state.events[state.taken]
      state.taken += 1
      if state.taken == state.events.count || state.taken > 256 {
        state.events.removeFirst(state.taken)
        state.taken = 0
      }
      state.size -= event.size
      state.owed += event.size
      guard isOpened, state.end == nil, state.owed >= Self.window / 4 else { return (event, 0) }
      defer { state.owed = 0 }
      return (event, state.owed)
    }
    if owed > 0 { send(AgentRequest.more(id: id, count: owed)) }
    return event
  }

  // MARK: - From the writer

  func write(_ bytes: [UInt8]) async -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let credit = await credit(atLeast: 1) else { return false }
      let piece = rest.prefix(min(credit, AgentRequest.inputSize))
      state.withLock { $0.credit = ($0.credit ?? 0) - piece.count }
      // A guest may ask for input and take none of it.
      guard await sendInTurn(AgentRequest.input(id: id, Array(piece))) else { return false }
      rest = rest.dropFirst(piece.count)
    }
    return true
  }

  func end() async {
    guard await credit(atLeast: 0) != nil else { return }
    send(AgentRequest.endOfInput(id: id))
  }

  func resize(to size: TerminalSize) {
    let isThere = state.withLock { state in
      guard state.end == nil, state.credit == nil else { return state.end == nil }
      state.newSize = size
      return false
    }
    if isThere { send(AgentRequest.size(id: id, size)) }
  }

  /// What the guest takes, once it is that much; nil when it will take nothing more.
  private func credit(atLeast minimum: Int) async -> Int? {
    while true {
      let (credit, isOver) = state.withLock { ($0.credit, $0.end != nil) }
      if isOver || Task.isCancelled { return nil }
      if let credit, credit >= minimum { return credit }
      await room.wait()
    }
  }
}

extension ExecuteEvent {
  /// Bytes of output.
  fileprivate var size: Int {
    switch self {
    case .output(let bytes), .error(let bytes): bytes.count
    case .exit: 0
    }
  }

  /// Output of no bytes.
  fileprivate var isEmpty: Bool {
    if case .exit = self { false } else { size == 0 }
  }
}
