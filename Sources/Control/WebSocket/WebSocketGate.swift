import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Where a connection turns from HTTP into a WebSocket: a handler between HTTP's decoder and the server's own ones.
///
/// A request to upgrade goes through the router as any other, so who may ask is decided in one place. When its answer
/// is 101, the pipeline is changed in the same breath in which that is written: what comes next is frames.
final class WebSocketGate: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart
  private typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>

  /// Bytes that may come behind a request before its answer.
  private static let leftOverLimit = 256 << 10

  /// Who takes the connection over once 101 is written.
  private var successor: WebSocketEndpoint?
  private var connection: WebSocketConnection?
  /// The decoder takes what follows a request with `Upgrade` for another protocol: no request can be read any more.
  private var isLastRequest = false

  /// Puts one into the pipeline of a connection that HTTP/1.1 is spoken on and nothing is read from yet.
  ///
  /// The decoder gives way to one that passes on what comes behind a request to upgrade.
  /// - Parameter limits: of what the decoder takes.
  static func install(in channel: any Channel, limits: NIOHTTPDecoderLimitConfiguration) -> EventLoopFuture<Void> {
    let pipeline = channel.pipeline.syncOperations
    do {
      let old = try pipeline.handler(type: Decoder.self)
      // What follows a request with `Upgrade` stays with the decoder until it is answered, or for ever: within bounds.
      let new = Decoder(
        HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits),
        maximumBufferSize: Self.leftOverLimit)
      try pipeline.addHandlers([new, WebSocketGate()], position: .after(old))
      return pipeline.removeHandler(old)
    } catch {
      return channel.eventLoop.makeFailedFuture(error)
    }
  }

  /// Makes a connection's next answer of status 101 its last one.
  static func prepare(
    _ channel: any Channel, for connection: WebSocketConnection, _ desk: WebSocketDesk
  ) -> EventLoopFuture<Void> {
    channel.eventLoop.submit {
      let gate = try channel.pipeline.syncOperations.handler(type: WebSocketGate.self)
      gate.successor = WebSocketEndpoint(connection, desk)
      gate.connection = connection
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = Self.unwrapInboundIn(data), head.headers.contains(name: "upgrade"),
      head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" })
    {
      isLastRequest = true
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What is too much behind a request would be read, and forgotten, for ever.
    guard !(error is ByteToMessageDecoderError.PayloadTooLargeError) else { return context.close(promise: nil) }
    context.fireErrorCaught(error)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard isLastRequest else { return context.write(data, promise: promise) }
    switch Self.unwrapOutboundIn(data) {
    case .head(let head) where head.status == .switchingProtocols:
      context.writeAndFlush(data, promise: promise)
      handOver(context)
    case .head(var head):
      head.headers.replaceOrAdd(name: "connection", value: "close")
      context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      context.writeAndFlush(data, promise: promise)
      context.close(mode: .output, promise: nil)
    }
  }

  private func handOver(_ context: ChannelHandlerContext) {
    let pipeline = context.pipeline.syncOperations
    do {
      guard let successor = successor.take(), let connection = connection.take() else {
        throw ChannelError.operationUnsupported
      }
      let (decoder, encoder) = (
        try pipeline.handler(type: Decoder.self), try pipeline.handler(type: HTTPResponseEncoder.self)
      )
      let frames = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: WebSocketRules.frameLimit))
      try pipeline.addHandlers([WebSocketFrameEncoder(), frames, successor], position: .after(decoder))
      pipeline.removeHandler(encoder, promise: nil)
      // It passes on what it has got.
      pipeline.removeHandler(decoder, promise: nil)
      connection.note(opened: NIOLoopBound(successor, eventLoop: context.eventLoop))
    } catch {
      context.close(promise: nil)
    }
  }
}
