import NIOCore

/// Somebody who looks at a lab; who is forgotten ends it.
final class LiveViewer: Sendable {
  /// JSON, a message each.
  let messages: AsyncStream<ByteBuffer>
  private let continuation: AsyncStream<ByteBuffer>.Continuation

  fileprivate init(_ messages: AsyncStream<ByteBuffer>, _ continuation: AsyncStream<ByteBuffer>.Continuation) {
    (self.messages, self.continuation) = (messages, continuation)
  }

  deinit { end() }

  /// Nothing comes any more, and nothing is made for it.
  func end() { continuation.finish() }
}

/// Tells viewers what is live of a lab: everything at first, then once a second what has changed.
///
/// It is made once for all of them, and not at all while nobody looks.
actor LiveFeed {
  /// One who is told.
  private struct Viewer {
    var messages: AsyncStream<ByteBuffer>.Continuation
    /// Differences are of no use to it: it has not heard everything before them.
    var wantsWhole = true
  }

  /// Messages that may wait for a viewer; one that is slower misses some, and is told everything after that.
  private static let backlog = 4
  /// Seconds without a message after which there is one without news, by which dead connections are noticed.
  private static let silence = 10

  private let service: any LabService
  private var viewers: [Int: Viewer] = [:]
  private var lastViewer = 0
  private var board: LiveBoard?
  private var loop: Task<Void, Never>?
  private var quiet = 0
  /// How often the lab was looked at.
  private(set) var looks = 0

  /// Somebody is told.
  var isLooking: Bool { loop != nil }

  init(service: any LabService) { self.service = service }

  /// Begins to tell somebody.
  func join() -> LiveViewer {
    let (stream, messages) = AsyncStream<ByteBuffer>.makeStream(bufferingPolicy: .bufferingOldest(Self.backlog))
    lastViewer += 1
    let number = lastViewer
    messages.onTermination = { [weak self] _ in Task { await self?.leave(number) } }
    viewers[number] = Viewer(messages: messages)
    if let board, let message = Self.message(board.row) { tell(number, message) }
    if loop == nil { loop = Task { await run() } }
    return LiveViewer(stream, messages)
  }

  private func leave(_ number: Int) {
    viewers[number] = nil
    guard viewers.isEmpty else { return }
    loop?.cancel()
    (loop, board, quiet) = (nil, nil, 0)
  }

  /// One second after the other; after a look that took longer, the next one is a whole second later.
  private func run() async {
    let clock = ContinuousClock()
    var next = clock.now
    while !Task.isCancelled {
      looks += 1
      let snapshot = await LiveSnapshot(of: service)
      // Somebody else's loop may have begun while this one waited.
      guard !Task.isCancelled else { return }
      tellAll(of: snapshot)
      next = next.advanced(by: .seconds(1))
      if next <= clock.now { next = clock.now.advanced(by: .seconds(1)) }
      try? await clock.sleep(until: next)
    }
  }

  private func tellAll(of snapshot: LiveSnapshot) {
    var board = board ?? LiveBoard()
    let difference = board.advance(to: snapshot)
    self.board = board
    quiet = difference.isEmpty ? quiet + 1 : 0
    let isWorthTelling = quiet % Self.silence == 0
    var whole: ByteBuffer?
    let news = isWorthTelling ? Self.message(difference) : nil
    for (number, viewer) in viewers {
      if viewer.wantsWhole {
        whole = whole ?? Self.message(board.row)
        if let whole { tell(number, whole) }
      } else if let news {
        tell(number, news)
      }
    }
  }

  private func tell(_ number: Int, _ message: ByteBuffer) {
    switch viewers[number]?.messages.yield(message) {
    case .enqueued: viewers[number]?.wantsWhole = false
    case .dropped: viewers[number]?.wantsWhole = true
    default: break
    }
  }

  private static func message(_ row: LiveRow) -> ByteBuffer? {
    (try? JSON.bytes(row)).map { ByteBuffer(bytes: $0) }
  }
}
