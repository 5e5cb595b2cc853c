import Lab
import NIOCore
import NIOWebSocket
import Synchronization

/// A message of a client, or a piece of a binary one.
enum WebSocketMessage: Sendable, Equatable {
  case bytes([UInt8])
  case text(String)
}

/// A client's WebSocket, for the task that serves it.
///
/// Bounded both ways: while what has come waits for `next`, nothing more is read, and `send` returns when its bytes are
/// in the socket.
final class WebSocketConnection: Sendable {
  /// Bytes that wait for `next` before nothing more is read; with what is under way there may be a frame's size more.
  static let inboxLimit = 256 << 10
  /// What a waiting message counts besides its bytes, so that a flood of small ones is bounded too.
  private static let overhead = 64

  private struct State {
    var messages: [WebSocketMessage] = []
    var size = 0
    var endpoint: NIOLoopBound<WebSocketEndpoint>?
    var isOver = false
    /// What is to be said as soon as it is open.
    var farewell: (fault: WebSocketFault, isHasty: Bool)?
    var end: WebSocketEnd?
    var isFull: Bool { size > WebSocketConnection.inboxLimit }
  }

  let loop: any EventLoop
  private let state = Mutex(State())
  private let (opening, change, ending) = (WakeUp(), WakeUp(), WakeUp())

  init(on loop: any EventLoop) { self.loop = loop }

  // MARK: - The side of the event loop

  /// The connection speaks WebSocket from now on.
  func note(opened endpoint: NIOLoopBound<WebSocketEndpoint>) {
    let farewell = state.withLock { state in
      state.endpoint = endpoint
      return state.farewell.take()
    }
    opening.wake()
    if let farewell { endpoint.value.close(farewell.fault, isHasty: farewell.isHasty) }
  }

  /// It ends, or has ended; the first reason counts.
  func note(_ end: WebSocketEnd) { state.withLock { $0.end = $0.end ?? end } }

  /// How it ended; nil = nobody has said why.
  var end: WebSocketEnd? { state.withLock(\.end) }

  /// Takes what has come.
  /// - Returns: whether reading must stop until there is room.
  func deliver(_ message: WebSocketMessage) -> Bool {
    let isFull = state.withLock { state in
      state.size += message.count
      if case .bytes(let more) = message, case .bytes(var bytes)? = state.messages.last {
        // A person's typing, and a flood of small frames, become one.
        state.messages.removeLast()
        bytes += more
        state.messages.append(.bytes(bytes))
      } else {
        state.messages.append(message)
        state.size += Self.overhead
      }
      return state.isFull
    }
    change.wake()
    return isFull
  }

  /// Nothing more comes, and nothing more can be sent; what has come can still be taken.
  func finish() {
    state.withLock { $0.isOver = true }
    for wakeUp in [opening, change, ending] { wakeUp.wake() }
  }

  // MARK: - The side of the task

  /// Waits until it is open.
  /// - Returns: false when the client has gone first.
  func open() async -> Bool {
    while !Task.isCancelled {
      let (isOpen, isOver) = state.withLock { ($0.endpoint != nil, $0.isOver) }
      if isOpen || isOver { return isOpen }
      await opening.wait()
    }
    return false
  }

  var isOver: Bool { state.withLock(\.isOver) }

  /// Waits until it is over; one caller at a time.
  func waitForEnd() async {
    while !Task.isCancelled, !isOver { await ending.wait() }
  }

  /// What comes next; nil after the end, or when the task is cancelled.
  ///
  /// One caller at a time.
  func next() async -> WebSocketMessage? {
    while !Task.isCancelled {
      let (message, isOver, hasRoom) = state.withLock { state in
        let wasFull = state.isFull
        guard !state.messages.isEmpty else { return (WebSocketMessage?.none, state.isOver, false) }
        let first = state.messages.removeFirst()
        state.size -= first.count + Self.overhead
        return (first, state.isOver, wasFull && !state.isFull)
      }
      if hasRoom { onEndpoint { $0.resume() } }
      if let message { return message }
      if isOver { return nil }
      await change.wait()
    }
    return nil
  }

  /// Sends a message; one caller at a time.
  /// - Returns: false when the client is gone.
  func send(_ message: WebSocketMessage) async -> Bool {
    guard let endpoint = state.withLock({ $0.isOver ? nil : $0.endpoint }) else { return false }
    do {
      try await loop.flatSubmit { endpoint.value.send(message) }.get()
      return true
    } catch {
      return false
    }
  }

  /// Begins the end: no message is sent after it.
  /// - Parameter isHasty: does not wait for the client to say that it has heard.
  func close(_ fault: WebSocketFault, isHasty: Bool = false) {
    let isOpen = state.withLock { state in
      if state.endpoint == nil { state.farewell = (fault, isHasty) }
      return state.endpoint != nil
    }
    if isOpen { onEndpoint { $0.close(fault, isHasty: isHasty) } }
  }

  private func onEndpoint(_ work: @escaping @Sendable (WebSocketEndpoint) -> Void) {
    guard let endpoint = state.withLock({ $0.endpoint }) else { return }
    loop.execute { work(endpoint.value) }
  }
}

extension WebSocketMessage {
  /// Bytes.
  fileprivate var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .text(let text): text.utf8.count
    }
  }
}
