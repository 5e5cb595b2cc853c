import HTTPTypes
import HummingbirdCore
import Lab
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Topology

/// A socket that takes connections of the API, until it is closed; in between it may let them wait.
final class ControlListener: Sendable {
  enum Place: Sendable {
    /// A file left there by a dead daemon is replaced.
    case socket(path: String)
    case tcp(HTTPAddress)

    /// There a client that has gone away looks as one that says no more: it counts as gone.
    fileprivate var isTCP: Bool { if case .tcp = self { true } else { false } }

    fileprivate func open() throws(UserError) -> ListeningSocket {
      switch self {
      case .socket(let path): try ListeningSocket(path: path)
      case .tcp(let address): try ListeningSocket(address: address.host, port: address.port)
      }
    }
  }

  private struct State {
    /// Of the socket; nil while those who connect wait.
    var channel: (any Channel)?
    var services: [Task<Void, Never>] = []
    var hasEnded = false
  }

  /// Time between looks whether it goes on, while those who connect wait.
  private static let pause = Duration.milliseconds(10)

  private let place: Place
  private let group: any EventLoopGroup
  private let connection: ControlChannel
  private let logger: Logger
  let socket: ListeningSocket
  private let state = Mutex(State())

  /// - Parameter inherited: what another process listened on at that place; nil = it is made.
  /// - Throws: what the system says to it.
  init(
    _ place: Place, inheriting inherited: ListeningSocket? = nil, on group: any EventLoopGroup,
    _ connection: ControlChannel, logger: Logger
  ) async throws {
    (self.place, self.group, self.connection, self.logger) = (place, group, connection, logger)
    socket = try inherited ?? place.open()
    try await resume()
  }

  /// Takes connections, those first that have waited.
  func resume() async throws {
    let listening = try await listen()
    // That of whoever takes a socket over is smaller.
    socket.widen()
    let (connection, logger) = (connection, logger)
    let service: Task<Void, Never> = Task {
      await withDiscardingTaskGroup { group in
        try? await listening.executeThenClose { inbound in
          for try await client in inbound { group.addTask { await connection.handle(value: client, logger: logger) } }
        }
      }
    }
    state.withLock { state in
      state.channel = listening.channel
      state.services.append(service)
    }
  }

  private func listen() async throws -> NIOAsyncChannel<HTTP1Channel.Value, Never> {
    let (logger, connection) = (logger, connection)
    return try await ServerBootstrap(group: group)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(logger: logger))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: !place.isTCP)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .bind(try socket.duplicatedNumber()) { channel in connection.setup(channel: channel, logger: logger) }
  }

  /// Has those wait who connect from now on; those who have connected go on.
  func letWait() async {
    let channel = state.withLock { state in
      defer { state.channel = nil }
      return state.channel
    }
    try? await channel?.close()
  }

  /// Returns when it is closed, or this task is cancelled.
  func untilClosed() async {
    await withTaskCancellationHandler {
      while !Task.isCancelled, !state.withLock({ $0.hasEnded }) {
        if let channel = state.withLock({ $0.channel }) {
          try? await channel.closeFuture.get()
          // It was closed for good, by the system too, unless somebody has it wait, or has had it wait and go on.
          if state.withLock({ $0.channel === channel }) { return }
        }
        try? await Task.sleep(for: Self.pause)
      }
    } onCancel: {
      state.withLock { $0.channel }?.close(promise: nil)
    }
  }

  /// Takes no more connections; those that there are go on.
  func stopListening() async {
    state.withLock { $0.hasEnded = true }
    await letWait()
    socket.close()
  }

  /// Ends everything.
  func end() async {
    await stopListening()
    for service in state.withLock({ $0.services }) {
      service.cancel()
      await service.value
    }
  }
}

/// Keeps a listening socket alive over errors of a single connection, or a while without descriptors.
///
/// Who cannot be let in goes on waiting in the kernel's queue, and would be tried again at once and for ever: so there is a
/// pause after each error, and a line in the log a minute at most.
private final class AcceptErrorHandler: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias OutboundIn = Never

  private static let pause = TimeAmount.milliseconds(100)
  private static let quiet = TimeAmount.seconds(60)

  private let logger: Logger
  private var isPausing = false
  private var lastLine: NIODeadline?

  init(logger: Logger) { self.logger = logger }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if lastLine.map({ .now() - $0 >= Self.quiet }) ?? true {
      lastLine = .now()
      logger.warning("a connection could not be taken: \(error)")
    }
    guard !isPausing else { return }
    isPausing = true
    // The read that has failed goes on asking the system: this alone ends that.
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
      self.isPausing = false
      try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    }
  }

  func read(context: ChannelHandlerContext) {
    if !isPausing { context.read() }
  }
}
