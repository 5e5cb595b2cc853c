import Hummingbird
import NIOCore
import Synchronization

extension Answer {
  /// A stream of JSON values, a line each, each asked for when the one before is on its way.
  ///
  /// So a client that does not read holds up who makes them, and nothing piles up.
  ///
  /// - Parameters:
  ///   - opener: the client; when it goes, or may not look on any more, a waiting `next` is cancelled.
  ///   - feeder: takes the request's body meanwhile; it is cancelled, and has ended, before the answer ends. A line that it
  ///     returns is the last: nothing more is asked for, and a waiting `next` is cancelled.
  ///   - next: the next line; nil = the end.
  static func asking<Line: Encodable & Sendable>(
    to opener: StreamOpener, feeder: (@Sendable () async -> Line?)? = nil, next: @escaping @Sendable () async -> Line?
  ) -> Response {
    var headers: HTTPFields = [:]
    // What is left of a body that was not read to its end leaves no place for another request.
    if feeder != nil { headers[.connection] = "close" }
    return asking(to: opener, type: Content.linesType, headers: headers, feeder: feeder) {
      try buffer($0)
    } next: {
      await next()
    }
  }

  /// The same in any form.
  /// - Parameters:
  ///   - first: comes before all that is asked for.
  ///   - form: the bytes of a value.
  static func asking<Line: Sendable>(
    to opener: StreamOpener, type: String, first: ByteBuffer? = nil, headers: HTTPFields = [:],
    feeder: (@Sendable () async -> Line?)? = nil, form: @escaping @Sendable (Line) throws -> ByteBuffer,
    next: @escaping @Sendable () async -> Line?
  ) -> Response {
    let asker = Asker(next)
    if let feeder { asker.feed(feeder) }
    // A connection that stays for many requests must not hold what each of them was about.
    opener.channel.closeFuture.whenComplete { [weak asker] _ in asker?.cancel() }
    // With the daemon it ends by itself, once the last of it is told.
    let stream = opener.open { [weak asker] reason in if reason == .accessEnds { asker?.cancel() } }
    let body = ResponseBody { writer in
      defer { withExtendedLifetime(stream) {} }
      var pace = WritePace(opener.channel)
      do {
        if let first { try await writer.write(first) }
        while let line = await asker.next() { try await writer.write(form(line), &pace) }
        if let last = await asker.endOfFeeder() { try await writer.write(form(last)) }
      } catch {
        asker.cancel()
        _ = await asker.endOfFeeder()
        throw error
      }
      try await writer.finish(nil)
    }
    var headers = headers
    headers[.contentType] = type
    return Response(status: .ok, headers: headers, body: body)
  }

  private static func buffer(_ line: some Encodable) throws -> ByteBuffer {
    var buffer = ByteBuffer(bytes: try JSON.bytes(line))
    buffer.writeInteger(UInt8(ascii: "\n"))
    return buffer
  }
}

/// Asks for one value after the other, until that is cancelled from outside, or by what feeds it.
private final class Asker<Value: Sendable>: Sendable {
  private struct State {
    var task: Task<Value?, Never>?
    var feeder: Task<Value?, Never>?
    var isCancelled = false
  }

  private let ask: @Sendable () async -> Value?
  private let state = Mutex(State())

  init(_ ask: @escaping @Sendable () async -> Value?) { self.ask = ask }

  deinit { state.withLock(\.feeder)?.cancel() }

  /// Starts what takes the body; a value of it ends the asking.
  func feed(_ feed: @escaping @Sendable () async -> Value?) {
    let task = Task { [weak self] in
      let last = await feed()
      if last != nil { self?.stopAsking() }
      return last
    }
    state.withLock { $0.feeder = task }
  }

  /// Ends what takes the body; its value.
  func endOfFeeder() async -> Value? {
    let feeder = state.withLock(\.feeder)
    feeder?.cancel()
    return await feeder?.value
  }

  func next() async -> Value? {
    let task = state.withLock { state -> Task<Value?, Never>? in
      guard !state.isCancelled else { return nil }
      let task = Task { await ask() }
      state.task = task
      return task
    }
    return await task?.value
  }

  func cancel() {
    stopAsking()
    state.withLock(\.feeder)?.cancel()
  }

  private func stopAsking() {
    let task = state.withLock { state in
      state.isCancelled = true
      return state.task
    }
    task?.cancel()
  }
}
