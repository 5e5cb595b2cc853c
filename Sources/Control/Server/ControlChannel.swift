import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A client's connection: HTTP/1.1.
struct ControlChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  private let http: HTTP1Channel
  private let executor: PoliteExecutor?

  /// - Parameter executor: where requests are done; nil = on the threads of the process.
  init(
    responder: @escaping HTTPChannelHandler.Responder, configuration: HTTP1Channel.Configuration = .init(),
    executor: PoliteExecutor? = nil
  ) {
    self.executor = executor
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

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(executor) { await http.handle(value: value, logger: logger) }
  }
}
