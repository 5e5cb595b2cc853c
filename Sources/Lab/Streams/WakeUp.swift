import Synchronization

/// Wakes a task that waits; a wake-up that comes first is kept.
package final class WakeUp: Sendable {
  private struct State {
    var isSet = false
    var waiting: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  package func wake() {
    let waiting = state.withLock { state in
      defer { state.waiting = nil }
      state.isSet = state.waiting == nil
      return state.waiting
    }
    waiting?.resume()
  }

  /// Returns after a wake-up, or when the task is cancelled; one caller at a time.
  package func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDue = state.withLock { state in
          guard !state.isSet, !Task.isCancelled else {
            state.isSet = false
            return true
          }
          state.waiting = continuation
          return false
        }
        if isDue { continuation.resume() }
      }
    } onCancel: {
      wake()
    }
  }
}
