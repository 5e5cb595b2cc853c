import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Keeps a connection over TCP within its limits: a place among the others, time for a body, an answer in words to what
/// is no HTTP, and an end behind an answer that came before its request's end.
///
/// It sits between HTTP's codec and the server's own handlers.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private enum Life {
    case serving
    /// Behind the answer that is being written it ends.
    case lastAnswer
    /// Nothing more is said, and what comes is forgotten, so that the client can read the last answer.
    case lingering
  }

  private let limits: ConnectionLimits
  private let table: ConnectionTable
  private var life = Life.serving
  /// Requests whose answer is not wholly written.
  private var unanswered = 0
  /// A request has begun to come and has not ended.
  private var isReading = false
  /// Bytes of the body since the timer was started.
  private var readBytes = 0
  /// What comes is forgotten; answers that are due are still given.
  private var isDeaf = false
  /// An answer has begun and has not ended.
  private var isAnswering = false
  private var timer: Scheduled<Void>?
  /// Pieces of answers that are not in the socket yet.
  private var pendingWrites = 0
  /// Closes the connection of a client that does not read.
  private var stall: Scheduled<Void>?
  /// The connection is no more: what is written late is nobody's matter.
  private var isOver = false

  init(_ limits: ConnectionLimits, _ table: ConnectionTable) {
    self.limits = limits
    self.table = table
  }

  func handlerAdded(context: ChannelHandlerContext) {
    guard table.add(context.channel) else {
      let refusal = HTTPRefusal(
        .serviceUnavailable, table.isEnding ? "the daemon is ending" : "\(limits.count) connections are being answered",
        hint: table.isEnding ? nil : "try again later; the control socket has no such limit")
      // Once it is set up to write.
      context.eventLoop.assumeIsolated().execute { self.refuse(refusal, context) }
      return
    }
    context.channel.closeFuture.whenComplete { [table, channel = context.channel] _ in table.remove(channel) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { cancelTimers() }

  func channelInactive(context: ChannelHandlerContext) {
    cancelTimers()
    context.fireChannelInactive()
  }

  // MARK: - Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard life != .lingering, !isDeaf else { return }
    switch Self.unwrapInboundIn(data) {
    case .head:
      guard !table.isEnding else { return refuseNext(context) }
      unanswered += 1
      isReading = true
      startTimer(context)
    case .body(let bytes): readBytes += bytes.readableBytes
    case .end:
      isReading = false
      timer?.cancel()
    }
    note(context)
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // The server asks for no more.
    if life == .lingering || isDeaf { context.read() }
    context.fireChannelReadComplete()
  }

  /// What is no HTTP is answered by words, instead of the server's bare 400.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard life == .serving, !isAnswering, let error = error as? HTTPParserError else {
      context.close(promise: nil)
      return
    }
    // What was asked before it is answered first.
    guard unanswered <= (isReading ? 1 : 0) else {
      (life, isDeaf) = (.lastAnswer, true)
      return
    }
    switch error {
    case .headerOverflow:
      refuse(
        HTTPRefusal(
          .requestHeaderFieldsTooLarge, "the head of the request is too long",
          hint: "at most \(limits.headerBytes) bytes and \(limits.headerCount) fields are taken"), context)
    default: refuse(HTTPRefusal(.badRequest, "this is no HTTP/1.1: \(error)"), context)
    }
  }

  /// A request to a daemon that is ending: behind the answers to those before it, the connection ends.
  private func refuseNext(_ context: ChannelHandlerContext) {
    guard unanswered > 0 else {
      return refuse(HTTPRefusal(.serviceUnavailable, "the daemon is ending"), context)
    }
    (life, isDeaf) = (.lastAnswer, true)
  }

  private func startTimer(_ context: ChannelHandlerContext) {
    timer?.cancel()
    readBytes = 0
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.body)) {
      // A body that goes on while its answer comes may take its time.
      guard self.life == .serving, self.isReading, !self.isAnswering else { return }
      let good = self.limits.body / .seconds(1) * Double(self.limits.bodyRate)
      guard Double(self.readBytes) < good else { return self.startTimer(context) }
      self.refuse(
        HTTPRefusal(
          .requestTimeout, "the body has not come within \(self.limits.body.components.seconds) s"), context)
    }
  }

  // MARK: - Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard life != .lingering else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch Self.unwrapOutboundIn(data) {
    case .head(var head):
      isAnswering = true
      // What is left of the request is not waited for: it may be long, or never end.
      let isLast = life == .lastAnswer && unanswered == 1
      if isReading || isLast, head.status.kind != .informational { head.headerFields[.connection] = "close" }
      if head.headerFields[.connection] == "close" { life = .lastAnswer }
      note(context)
      context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    case .body: writePiece(data, context, promise)
    case .end:
      isAnswering = false
      unanswered -= 1
      note(context)
      context.writeAndFlush(data, promise: promise)
      // Nothing more is asked of a daemon that is ending: who holds the connection is told so.
      let isLast = life == .lastAnswer && !isDeaf || unanswered <= 0 && (life == .lastAnswer || table.isEnding)
      if isLast { linger(context) }
    }
  }

  /// A client that does not read gives its place up: while one reads, pieces get into the socket again and again.
  private func writePiece(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    pendingWrites += 1
    armStall(context)
    written.futureResult.assumeIsolated().whenComplete { _ in
      self.pendingWrites -= 1
      self.stall?.cancel()
      self.stall = nil
      self.armStall(context)
    }
    context.write(data, promise: written)
  }

  private func armStall(_ context: ChannelHandlerContext) {
    guard pendingWrites > 0, stall == nil, !isOver else { return }
    stall = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.stall)) {
      context.close(promise: nil)
    }
  }

  private func cancelTimers() {
    timer?.cancel()
    stall?.cancel()
    (stall, isOver) = (nil, true)
  }

  /// Answers in the server's place, and ends.
  private func refuse(_ refusal: HTTPRefusal, _ context: ChannelHandlerContext) {
    guard life == .serving, !isAnswering else {
      context.close(promise: nil)
      return
    }
    let bytes = (try? JSON.bytes(ErrorAnswer(error: ErrorBody(refusal.error)))) ?? []
    var head = HTTPResponse(status: refusal.status)
    head.headerFields[.contentType] = Content.jsonType
    head.headerFields[.contentLength] = "\(bytes.count)"
    head.headerFields[.connection] = "close"
    context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
    context.write(Self.wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
    context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    unanswered = 0
    linger(context)
  }

  /// Closes this side; the other one has a while to read what was said, before what it has sent unasked resets all.
  private func linger(_ context: ChannelHandlerContext) {
    life = .lingering
    note(context)
    timer?.cancel()
    context.close(mode: .output, promise: nil)
    context.read()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.lingering)) {
      context.close(promise: nil)
    }
  }

  private func note(_ context: ChannelHandlerContext) {
    let business: ConnectionTable.Business =
      unanswered == 0 || life == .lingering ? .idle : isReading && !isAnswering ? .asking : .answering
    table.note(business, of: context.channel)
  }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
