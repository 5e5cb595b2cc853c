import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A client's connection: HTTP/1.1, with a gate to WebSockets.
struct ControlChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  private let http: HTTP1Channel

  init(responder: @escaping HTTPChannelHandler.Responder, configuration: HTTP1Channel.Configuration = .init()) {
    http = HTTP1Channel(responder: responder, configuration: configuration)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    http.setup(channel: channel, logger: logger).flatMap { value in
      let configured = http.configuration.httpDecoder
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = configured.maxHeaderFieldSize
      limits.maxHeaderListSize = configured.maxHeaderListSize
      limits.maxHeaderFieldCount = configured.maxHeaderFieldCount
      return WebSocketGate.install(in: channel, limits: limits).map { value }
    }
  }

  func handle(value: Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
