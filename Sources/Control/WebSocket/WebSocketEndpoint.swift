import NIOCore
import NIOWebSocket

/// The server's end of a WebSocket, in the channel's pipeline: frames become messages, and back.
///
/// It answers pings, asks whether a silent client is there, stops reading while messages wait, and sees to the close
/// handshake. Lives on the event loop.
final class WebSocketEndpoint: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = Never
  typealias OutboundIn = Never
  typealias OutboundOut = WebSocketFrame

  /// An event of the pipeline: it is time to go.
  struct ServerEnds: Sendable {}

  private let connection: WebSocketConnection
  private let desk: WebSocketDesk
  private var limits: WebSocketDesk.Limits { desk.limits }
  private var rules = WebSocketRules()
  private var context: ChannelHandlerContext?
  /// A close frame is sent, or the connection is closed without one.
  private var isClosing = false
  private var holdsReads = false
  /// A read was asked for while reads are held.
  private var isReadDue = false
  /// Something has come since the last look.
  private var wasHeard = true
  /// Looks in a row that found nothing.
  private var silences = 0
  private var timer: Scheduled<Void>?
  /// A ping of ours, or a pong, is not in the socket yet: a client that does not read gets no second one.
  private var (isPinging, isPonging) = (false, false)
  /// The last ping that waits for its answer; RFC 6455 5.5.3 allows to answer the last one only.
  private var waitingPing: ByteBuffer?

  init(_ connection: WebSocketConnection, _ desk: WebSocketDesk) { (self.connection, self.desk) = (connection, desk) }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    wait(limits.ping) { $0.look() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    self.context = nil
    connection.finish()
  }

  // MARK: - What comes

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = Self.unwrapInboundIn(data)
    wasHeard = true
    do throws(WebSocketFault) {
      guard let event = try rules.take(frame) else { return }
      take(event, context)
    } catch {
      refuse(error)
    }
  }

  private func take(_ event: WebSocketEvent, _ context: ChannelHandlerContext) {
    // What a client sends that is being closed is read, so that it can hear why, and forgotten.
    guard !isClosing else {
      if case .close = event { context.close(promise: nil) }
      return
    }
    switch event {
    case .bytes(let bytes): if !bytes.isEmpty { deliver(.bytes(bytes)) }
    case .text(let text): deliver(.text(text))
    case .ping(let data): pong(data)
    case .pong: break
    case .close(let code):
      connection.note(.client)
      close(WebSocketFault(code: code ?? .normalClosure, reason: ""), isHasty: true)
    }
  }

  private func deliver(_ message: WebSocketMessage) {
    if connection.deliver(message) { holdsReads = true }
  }

  func read(context: ChannelHandlerContext) {
    guard holdsReads, !isClosing else { return context.read() }
    isReadDue = true
  }

  /// There is room again.
  func resume() {
    holdsReads = false
    wasHeard = true
    guard isReadDue else { return }
    isReadDue = false
    context?.read()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case NIOWebSocketError.invalidFrameLength:
      refuse(
        WebSocketFault(code: .messageTooLarge, reason: "a frame has at most \(WebSocketRules.frameLimit) bytes"))
    case is NIOWebSocketError: refuse(.broken("a control frame is short and in one piece"))
    case ByteToMessageDecoderError.dataReceivedInErrorState: break
    default: context.close(promise: nil)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed: context.close(promise: nil)
    case is ServerEnds: close(.goingAway, isHasty: true)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosing = true
    connection.finish()
    context.fireChannelInactive()
  }

  // MARK: - What goes

  /// - Returns: done when all of it is in the socket.
  func send(_ message: WebSocketMessage) -> EventLoopFuture<Void> {
    guard let context, !isClosing else { return connection.loop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
    return switch message {
    case .bytes(let bytes): write(.binary, context.channel.allocator.buffer(bytes: bytes), context)
    case .text(let text): write(.text, context.channel.allocator.buffer(string: text), context)
    }
  }

  private func write(
    _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext
  ) -> EventLoopFuture<Void> {
    context.writeAndFlush(Self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)))
  }

  /// Nothing of HTTP is written any more.
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.ioOnClosedChannel)
  }

  private func pong(_ data: ByteBuffer) {
    guard let context, !isClosing else { return }
    guard !isPonging else { return waitingPing = data }
    isPonging = true
    write(.pong, data, context).assumeIsolated().whenComplete { [self] _ in
      isPonging = false
      if let next = waitingPing.take() { pong(next) }
    }
  }

  // MARK: - The end

  private func refuse(_ fault: WebSocketFault) {
    guard !isClosing else { return }
    desk.note(fault)
    close(fault)
  }

  /// Says why, and closes once the client has answered, or has had the time for it.
  func close(_ fault: WebSocketFault, isHasty: Bool = false) {
    guard let context, !isClosing else { return }
    isClosing = true
    connection.note(fault.end)
    connection.finish()
    if isReadDue { resume() }
    var data = context.channel.allocator.buffer(capacity: 2 + fault.reason.utf8.count)
    data.write(webSocketErrorCode: fault.code)
    data.writeString(fault.reason)
    let sent = write(.connectionClose, data, context)
    if isHasty { sent.assumeIsolated().whenComplete { [self] _ in self.context?.close(promise: nil) } }
    wait(limits.farewell) { $0.context?.close(promise: nil) }
  }

  /// The server ends; half a connection is none here.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode != .all else { return context.close(mode: .all, promise: promise) }
    close(.goingAway, isHasty: true)
    promise?.succeed()
  }

  // MARK: - Silence

  /// Looks whether the client was heard of; asks it, or gives it up.
  private func look() {
    guard let context, !isClosing else { return }
    // Nothing is read while messages wait, so nothing can be heard.
    silences = wasHeard || holdsReads ? 0 : silences + 1
    wasHeard = false
    guard silences < limits.silences else {
      desk.noteSilence()
      return close(.silence, isHasty: true)
    }
    if !isPinging {
      isPinging = true
      write(.ping, ByteBuffer(), context).assumeIsolated().whenComplete { [self] _ in isPinging = false }
    }
    wait(limits.ping) { $0.look() }
  }

  private func wait(_ time: TimeAmount, _ work: @escaping (WebSocketEndpoint) -> Void) {
    timer?.cancel()
    timer = context?.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      if let self { work(self) }
    }
  }
}

extension WebSocketFault {
  /// The daemon ends.
  static let goingAway = Self(code: .goingAway, reason: "the daemon is ending")
  static let silence = Self(code: .policyViolation, reason: "no answer to pings")
  /// The session, or the token, by which it was opened counts no more.
  static let accessEnded = Self(code: .policyViolation, reason: "the session has ended")

  fileprivate var end: WebSocketEnd {
    switch code {
    case .normalClosure: .done
    case .unexpectedServerError: .failed
    case .goingAway: .daemon
    case .policyViolation: self == .silence ? .silent : .access
    default: .broken
    }
  }
}
