import Hummingbird
import NIOCore
import Synchronization

extension Answer {
  /// A stream of JSON values, a line each, each asked for when the one before is on its way.
  ///
  /// So a client that does not read holds up who makes them, and nothing piles up.
  ///
  /// - Parameters:
  ///   - channel: the client's connection; when it closes, a waiting `next` is cancelled.
  ///   - feeder: takes the request's body meanwhile; it is cancelled, and has ended, before the answer ends. A line that it
  ///     returns is the last: nothing more is asked for, and a waiting `next` is cancelled.
  ///   - next: the next line; nil = the end.
  static func asking<Line: Encodable & Sendable>(
    to channel: any Channel, feeder: (@Sendable () async -> Line?)? = nil, next: @escaping @Sendable () async -> Line?
  ) -> Response {
    let asker = Asker(next)
    let feeder = feeder.map { feed in
      Task {
        let last = await feed()
        if last != nil { asker.cancel() }
        return last
      }
    }
    channel.closeFuture.whenComplete { _ in
      asker.cancel()
      feeder?.cancel()
    }
    let body = ResponseBody { writer in
      do {
        while let line = await asker.next() { try await writer.write(buffer(line)) }
        if let last = await end(feeder) { try await writer.write(buffer(last)) }
      } catch {
        asker.cancel()
        _ = await end(feeder)
        throw error
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: RequestLines.type], body: body)
  }

  private static func buffer(_ line: some Encodable) throws -> ByteBuffer {
    var buffer = ByteBuffer(bytes: try JSON.bytes(line))
    buffer.writeInteger(UInt8(ascii: "\n"))
    return buffer
  }

  private static func end<Line>(_ feeder: Task<Line?, Never>?) async -> Line? {
    feeder?.cancel()
    return await feeder?.value
  }
}

/// Asks for one value after the other, until that is cancelled from outside.
private final class Asker<Value: Sendable>: Sendable {
  private struct State {
    var task: Task<Value?, Never>?
    var isCancelled = false
  }

  private let ask: @Sendable () async -> Value?
  private let state = Mutex(State())

  init(_ ask: @escaping @Sendable () async -> Value?) { self.ask = ask }

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
    let task = state.withLock { state in
      state.isCancelled = true
      return state.task
    }
    task?.cancel()
  }
}
