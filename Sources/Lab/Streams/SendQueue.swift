import Synchronization

/// Counts the bytes that wait to be sent, and lets those wait who would make them too many.
final class SendQueue: Sendable {
  /// Bytes beyond which `waitForRoom` waits.
  static let limit = 256 << 10

  private struct State {
    var count = 0
    var isOver = false
    var waiting: [WakeUp] = []
  }

  private let state = Mutex(State())

  /// Bytes that wait; for tests.
  var count: Int { state.withLock(\.count) }

  func note(queued count: Int) { state.withLock { $0.count += count } }

  func note(sent count: Int) {
    let waiting = state.withLock { state -> [WakeUp] in
      state.count -= count
      guard state.count <= Self.limit else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.wake() }
  }

  /// Nothing is sent any more.
  func end() {
    let waiting = state.withLock { state in
      state.isOver = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.wake() }
  }

  /// Returns when there is room; any number of callers at a time.
  /// - Returns: false when nothing is sent any more, or the task was cancelled.
  func waitForRoom() async -> Bool {
    while !Task.isCancelled {
      let change = WakeUp()
      let hasRoom = state.withLock { state -> Bool? in
        if state.isOver { return false }
        if state.count <= Self.limit { return true }
        state.waiting.append(change)
        return nil
      }
      if let hasRoom { return hasRoom }
      await change.wait()
    }
    return false
  }
}
