internal import LinuxHost
import Synchronization

/// Hands a capture to a task, piece by piece: for a connection whose bytes are sent by somebody else.
///
/// A few pieces wait at most; then the capture's thread waits, and what its rings cannot hold is dropped and counted.
package final class StreamSink: CaptureSink {
  private struct State {
    var pieces: [[UInt8]] = []
    var waiting: CheckedContinuation<[UInt8]?, Never>?
    var isClosed = false
    var isAbandoned = false
  }

  private static let limit = 8
  private static let pause: UInt32 = 2000
  private let state = Mutex(State())

  package init() {}

  package var isAbandoned: Bool { state.withLock(\.isAbandoned) }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    while true {
      let outcome = state.withLock { state -> Bool? in
        if state.isAbandoned || state.isClosed { return nil }
        if let waiting = state.waiting {
          state.waiting = nil
          waiting.resume(returning: blocks)
          return true
        }
        guard state.pieces.count < Self.limit else { return false }
        state.pieces.append(blocks)
        return true
      }
      guard let isTaken = outcome else { throw .readerGone }
      if isTaken { return }
      if isCancelled() { throw .cancelled }
      HostClock.pause(microseconds: Self.pause)
    }
  }

  /// The next piece; nil when the capture has ended and all of it was taken.
  ///
  /// One task; when it is cancelled it is as if it had called `abandon`.
  package func next() async -> [UInt8]? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let piece = state.withLock { state -> [UInt8]?? in
          if !state.pieces.isEmpty { return state.pieces.removeFirst() }
          if state.isClosed || state.isAbandoned { return .some(nil) }
          state.waiting = continuation
          return nil
        }
        if let piece { continuation.resume(returning: piece) }
      }
    } onCancel: {
      abandon()
    }
  }

  /// Nobody will ask for more: the capture ends as with a reader that has gone.
  package func abandon() {
    let waiting = state.withLock { state in
      state.isAbandoned = true
      state.pieces = []
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: nil)
  }

  package func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: nil)
  }
}

/// Calls a closure with each piece, on the capture's thread.
package final class ClosureSink: CaptureSink {
  private let body: @Sendable ([UInt8]) throws(CaptureSinkError) -> Void

  package init(_ body: @escaping @Sendable ([UInt8]) throws(CaptureSinkError) -> Void) { self.body = body }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) { try body(blocks) }

  package func close() {}
}
