import Synchronization

/// A process whose standard output is read piece by piece, as the reader wants it: a process that is faster waits.
///
/// Used by one task; to be ended with `close`.
package final class ProcessOutput: Sendable {
  /// Bytes of a complaint that are kept.
  private static let longestComplaint = 1000

  private let child: RunningChild
  private let state = Mutex(State())

  private struct State {
    var pieces: [[UInt8]] = []
    var complaint: [UInt8] = []
    var status: Int32?
  }

  /// Starts the process of a request; both of its output streams are captured.
  /// - Throws: what `spawn` throws.
  package init(_ request: SpawnRequest) throws(SystemError) { child = try RunningChild(request) }

  /// What comes next; nil when the process has ended and all of it was taken.
  /// - Throws: what reading throws; `CancellationError` is none: a cancelled task gets nil.
  package func next() async throws(SystemError) -> [UInt8]? {
    while true {
      if let piece = state.withLock({ $0.pieces.isEmpty ? nil : $0.pieces.removeFirst() }) { return piece }
      if state.withLock({ $0.status != nil }) { return nil }
      guard try await Readiness.wait(for: child.activity, timeoutSeconds: nil) else { return nil }
      try child.advance(take)
      if child.hasEnded {
        let status = try child.finish(take)
        state.withLock { $0.status = status }
      }
    }
  }

  private func take(isError: Bool, _ bytes: [UInt8]) {
    state.withLock { state in
      if isError {
        state.complaint += bytes.prefix(Self.longestComplaint - state.complaint.count)
      } else {
        state.pieces.append(bytes)
      }
    }
  }

  /// Exit status, or 128 + the signal that ended it; nil while it runs.
  package var status: Int32? { state.withLock(\.status) }

  /// What it wrote to standard error, the first 1000 bytes.
  package var complaint: String { String(decoding: state.withLock(\.complaint), as: UTF8.self) }

  /// Ends the process if it still runs.
  package func close() async {
    if status == nil { await child.kill() }
  }
}
