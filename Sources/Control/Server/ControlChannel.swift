import HummingbirdCore
import Logging
import NIOCore

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
    http.setup(channel: channel, logger: logger)
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(executor) { await http.handle(value: value, logger: logger) }
  }
}
