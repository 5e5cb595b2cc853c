import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Topology

/// A socket that takes connections of the API.
struct ControlListener: Sendable {
  enum Place: Sendable {
    /// A file left there by a dead daemon is replaced.
    case socket(path: String)
    case tcp(HTTPAddress)

    /// There a client that has gone away looks as one that says no more: it counts as gone.
    fileprivate var isTCP: Bool { if case .tcp = self { true } else { false } }
  }

  /// Connections that wait to be taken.
  private static let backlog: Int32 = 256

  let channel: any Channel
  private let service: Task<Void, Never>

  /// - Throws: what the system says to it.
  init(_ place: Place, on group: any EventLoopGroup, _ connection: ControlChannel, logger: Logger) async throws {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(logger: logger))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: !place.isTCP)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
    let setUp = { @Sendable (channel: any Channel) in connection.setup(channel: channel, logger: logger) }
    let listening: NIOAsyncChannel<HTTP1Channel.Value, Never> =
      switch place {
      case .socket(let path):
        try await bootstrap.bind(
          unixDomainSocketPath: path, cleanupExistingSocketFile: true, childChannelInitializer: setUp)
      case .tcp(let address):
        try await bootstrap.bind(host: address.host, port: address.port, childChannelInitializer: setUp)
      }
    channel = listening.channel
    service = Task {
      await withDiscardingTaskGroup { group in
        try? await listening.executeThenClose { inbound in
          for try await client in inbound { group.addTask { await connection.handle(value: client, logger: logger) } }
        }
      }
    }
  }

  /// Returns when it is closed, or this task is cancelled.
  func untilClosed() async throws {
    try await withTaskCancellationHandler {
      try await channel.closeFuture.get()
    } onCancel: {
      channel.close(promise: nil)
    }
  }

  /// Takes no more connections; those that there are go on.
  func stopListening() async { try? await channel.close() }

  /// Ends everything.
  func end() async {
    await stopListening()
    service.cancel()
    await service.value
  }
}

/// Keeps a listening socket alive over errors of a single connection, or a moment without descriptors.
private final class AcceptErrorHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let logger: Logger

  init(logger: Logger) { self.logger = logger }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.warning("a connection could not be taken: \(error)")
  }
}
