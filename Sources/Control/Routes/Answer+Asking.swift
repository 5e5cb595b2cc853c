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
  ///   - feeder: takes the request's body meanwhile; it is cancelled, and has ended, before the answer ends.
  ///   - next: the next line; nil = the end.
  static func asking<Line: Encodable & Sendable>(
    to channel: any Channel, feeder: Task<Void, Never>? = nil, next: @escaping @Sendable () async -> Line?
  ) -> Response {
    let asker = Asker(next)
    channel.closeFuture.whenComplete { _ in asker.cancel() }
    let body = ResponseBody { writer in
      do {
        while let line = await asker.next() {
          var buffer = ByteBuffer(bytes: try JSON.bytes(line))
          buffer.writeInteger(UInt8(ascii: "\n"))
          try await writer.write(buffer)
        }
      } catch {
        asker.cancel()
        await end(feeder)
        throw error
      }
      await end(feeder)
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: RequestLines.type], body: body)
  }

  private static func end(_ feeder: Task<Void, Never>?) async {
    feeder?.cancel()
    await feeder?.value
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
