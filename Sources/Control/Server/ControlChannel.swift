import HummingbirdCore
import Logging
import NIOCore

/// A connection of the API, over TCP or on the control socket: its handlers, and who takes its requests.
struct ControlChannel: ServerChildChannel {
  private let http: HTTP1Channel

  /// - Parameter limits: what a connection may cost; nil = whatever its client wants, who is trusted.
  init(limits: ConnectionLimits? = nil, responder: @escaping HTTPChannelHandler.Responder) {
    var configuration = HTTP1Channel.Configuration()
    if let limits {
      configuration.idleTimeout = limits.idle
      configuration.httpDecoder = .init(
        maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
        maxHeaderFieldCount: limits.headerCount)
    }
    http = HTTP1Channel(responder: responder, configuration: configuration)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    http.setup(channel: channel, logger: logger)
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}

/// What a connection over TCP may cost.
struct ConnectionLimits: Sendable {
  /// Until a request that was begun, or the next one, must have come.
  var idle = TimeAmount.seconds(60)
  /// Of all header fields together.
  var headerBytes = 32 << 10
  var headerCount = 100
}
