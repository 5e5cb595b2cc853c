import Hummingbird
import Lab
import Logging
import NIOCore
import NIOWebSocket
import Synchronization

/// All WebSockets of a server: lets a bounded number in, and counts what went wrong with them.
final class WebSocketDesk: Sendable {
  /// How much, and how long.
  struct Limits: Sendable {
    /// Connections at once.
    var connections = 64
    /// Time between two looks whether a client was heard of; it is asked by a ping each time.
    var ping = TimeAmount.seconds(20)
    /// Looks in a row that may find nothing.
    var silences = 3
    /// Time in which a client may answer a close frame.
    var farewell = TimeAmount.seconds(2)
  }

  /// What has been since the server runs.
  struct Counts: Sendable, Equatable {
    /// Connections that are open now.
    var open = 0
    var opened = 0
    /// Requests that found too many.
    var refused = 0
    /// Connections that were closed since their client was not heard of any more.
    var silent = 0
    /// Connections that were closed for what their client sent, by close code.
    var faults: [Int: Int] = [:]
    /// Connections that are no more.
    var ended: [WebSocketEnd: Int] = [:]
  }

  let limits: Limits
  private let logger: Logger
  private let state = Mutex(Counts())

  /// - Parameter logger: takes the first fault of each kind; without it nothing is logged.
  init(
    limits: Limits = Limits(), logger: Logger = Logger(label: "apus", factory: { _ in SwiftLogNoOpLogHandler() })
  ) {
    (self.limits, self.logger) = (limits, logger)
  }

  var counts: Counts { state.withLock { $0 } }

  /// Returns when none is open, or some time has passed.
  func waitForEnd(within limit: Duration) async {
    let end = ContinuousClock.now + limit
    while counts.open > 0, ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
    }
  }

  /// Answers a request by a WebSocket.
  /// - Parameters:
  ///   - opener: whose connection the request came on.
  ///   - serve: what goes on there; it ends when the connection does, or is cancelled then, and says how to close it.
  /// - Throws: `UserError` for a handshake that is none, or too many connections.
  func answer(
    _ request: Request, to opener: StreamOpener,
    _ serve: @escaping @Sendable (WebSocketConnection) async -> WebSocketFault
  ) async throws -> Response {
    let channel = opener.channel
    let fields = try await WebSocketHandshake.fields(for: request, channel)
    try enter()
    let connection = WebSocketConnection(on: channel.eventLoop)
    channel.closeFuture.whenComplete { [self] _ in
      leave(connection.end ?? .lost)
      connection.finish()
    }
    let stream = opener.open { [weak connection] reason in
      connection?.close(reason == .daemonEnds ? .goingAway : .accessEnded, isHasty: true)
    }
    try await WebSocketGate.prepare(channel, for: connection, self).get()
    return Response(
      status: .switchingProtocols, headers: fields,
      body: ResponseBody { _ in
        defer { withExtendedLifetime(stream) {} }
        await withTaskCancellationHandler {
          guard await connection.open() else { return }
          let fault = await serve(connection)
          // Texts are the server's to judge.
          if fault.code == .unacceptableData { self.note(fault) }
          connection.close(fault)
        } onCancel: {
          connection.close(.goingAway, isHasty: true)
        }
      })
  }

  private func enter() throws(UserError) {
    let isIn = state.withLock { counts in
      guard counts.open < limits.connections else {
        counts.refused += 1
        return false
      }
      counts.open += 1
      counts.opened += 1
      return true
    }
    guard isIn else {
      throw UserError(
        .unreachable, "\(limits.connections) WebSockets are open, and no more are served at once",
        hint: "close a console or a shell")
    }
  }

  private func leave(_ end: WebSocketEnd) {
    state.withLock { counts in
      counts.open -= 1
      counts.ended[end, default: 0] += 1
    }
  }

  /// A client sent what it may not; the first one of each kind is logged.
  func note(_ fault: WebSocketFault) {
    let code = Int(UInt16(webSocketErrorCode: fault.code))
    let count = state.withLock { counts in
      counts.faults[code, default: 0] += 1
      return counts.faults[code, default: 0]
    }
    if count == 1 { logger.warning("a WebSocket was closed with code \(code): \(fault.reason)") }
  }

  func noteSilence() { state.withLock { $0.silent += 1 } }
}
