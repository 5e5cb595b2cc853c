import LinuxHost
import Synchronization

/// What an agent's state knows of the connection to its guest; under the lock of that state.
struct AgentSession {
  private(set) var connection: LineConnection?
  /// Serves the connection until it is cancelled.
  private var service: Task<Void, Never>?
  /// The guest's agent has answered on this connection.
  var isReady = false
  private(set) var isClosed = false

  /// Takes a connection in, unless it is closed for good.
  /// - Returns: what serves it; nil = it is not wanted any more.
  mutating func begin(
    _ connection: LineConnection, _ serve: @escaping @Sendable (LineConnection) async -> Void
  ) -> Task<Void, Never>? {
    guard !isClosed else { return nil }
    let service = Task { await serve(connection) }
    (self.connection, self.service) = (connection, service)
    return service
  }

  /// Lets go of the connection, if there is one.
  /// - Returns: what serves it, for the caller to cancel.
  mutating func end() -> Task<Void, Never>? {
    defer { (connection, service, isReady) = (nil, nil, false) }
    return service
  }

  /// No connection is wanted from now on.
  mutating func close() { isClosed = true }

  /// The connection has no more to say: ends what serves it.
  func cancel(_ connection: LineConnection) {
    if self.connection === connection { service?.cancel() }
  }

  /// Whether the agent has still to answer on a connection.
  func isWaiting(on connection: LineConnection) -> Bool { !isReady && !isClosed && self.connection === connection }
}

/// Stays connected to one of QEMU's sockets: connects when it is there, and again whenever QEMU drops it.
final class AgentConnector: Sendable {
  private let path: String
  private let lineLimit: Int
  private let pause: Duration
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// - Parameters:
  ///   - path: the socket; it need not exist yet, as QEMU makes it some milliseconds after it starts.
  ///   - lineLimit: bytes of the longest line that is taken.
  ///   - pause: between two tries to connect.
  init(path: String, lineLimit: Int = LineConnection.lineLimit, pause: Duration) {
    self.path = path
    self.lineLimit = lineLimit
    self.pause = pause
  }

  /// Begins; later calls do nothing.
  /// - Parameters:
  ///   - begin: takes a connection in, by `AgentSession.begin`.
  ///   - onLoss: called when what served a connection has ended.
  func start(
    _ begin: @escaping @Sendable (LineConnection) -> Task<Void, Never>?, onLoss: @escaping @Sendable () -> Void
  ) {
    task.withLock { $0 = $0 ?? Task { await self.run(begin, onLoss) } }
  }

  /// Ends for good; the connection there is stays its owner's to end.
  func close() { task.withLock { $0?.cancel() } }

  private func run(
    _ begin: @Sendable (LineConnection) -> Task<Void, Never>?, _ onLoss: @Sendable () -> Void
  ) async {
    while !Task.isCancelled {
      if let socket = try? UnixSocket.connect(path: path) {
        await begin(LineConnection(socket, lineLimit: lineLimit))?.value
        onLoss()
      }
      try? await Task.sleep(for: pause)
    }
  }
}
