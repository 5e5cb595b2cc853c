import Synchronization

/// The one door through which everything goes that changes a lab, in two lanes.
///
/// A *whole* change makes the lab another one: `up`, `down`, `start`, `stop`, letting go of it. It may wait for guests
/// for minutes. A *brief* one sets something of what is there, and takes a moment: `link set`, the carriers of a node,
/// the faults of a link, what machines are told of the other ends of their wires. Of each lane one at a time, in the
/// order in which they came.
///
/// There is not one lane alone, as a link is cut and mended while machines boot. Instead a whole change is in the brief
/// lane for each of its steps that sets a carrier or a fault, or that makes a port by what was said of its carrier: what
/// was read is true until it is carried out. Who is in the brief lane asks for neither lane again, and does not wait for
/// a guest's system or a client.
package final class ChangeDoor: Sendable {
  let whole = Lane()
  let brief = Lane()

  /// Lets one task at a time through.
  package final class Lane: Sendable {
    private struct State {
      var isTaken = false
      var waiters: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
      /// Of those who were cancelled before they could wait.
      var cancelled: Set<Int> = []
      private var lastTicket = 0

      mutating func newTicket() -> Int {
        lastTicket += 1
        return lastTicket
      }
    }

    private let state = Mutex(State())

    package init() {}

    /// For tests: how many wait.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Returns when the lane is the caller's, until it says `leave`, whatever happens to its task meanwhile.
    package func take() async {
      let ticket = state.withLock { $0.newTicket() }
      _ = await wait(ticket)
    }

    /// The same, but who is cancelled while waiting waits no more.
    /// - Throws: `CancellationError`; then the lane is not the caller's.
    func takeUnlessCancelled() async throws(CancellationError) {
      let ticket = state.withLock { $0.newTicket() }
      let isOurs = await withTaskCancellationHandler {
        await wait(ticket)
      } onCancel: {
        state.withLock { state -> CheckedContinuation<Bool, Never>? in
          guard let place = state.waiters.firstIndex(where: { $0.ticket == ticket }) else {
            state.cancelled.insert(ticket)
            return nil
          }
          return state.waiters.remove(at: place).continuation
        }?.resume(returning: false)
      }
      _ = state.withLock { $0.cancelled.remove(ticket) }
      guard isOurs else { throw CancellationError() }
    }

    /// - Returns: whether the lane is the caller's.
    private func wait(_ ticket: Int) async -> Bool {
      await withCheckedContinuation { continuation in
        let isOurs = state.withLock { state -> Bool? in
          guard !state.cancelled.contains(ticket) else { return false }
          guard state.isTaken else {
            state.isTaken = true
            return true
          }
          state.waiters.append((ticket, continuation))
          return nil
        }
        if let isOurs { continuation.resume(returning: isOurs) }
      }
    }

    /// The next one's turn.
    package func leave() {
      let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        guard state.waiters.isEmpty else { return state.waiters.removeFirst().continuation }
        state.isTaken = false
        return nil
      }
      next?.resume(returning: true)
    }
  }
}

extension LabRuntime {
  /// Runs a whole change.
  /// - Throws: `CancellationError` when the task is cancelled while it waits; what `body` throws.
  func whole<Value>(_ body: () async throws -> Value) async throws -> Value {
    try await door.whole.takeUnlessCancelled()
    defer { door.whole.leave() }
    return try await body()
  }

  /// Runs a brief change.
  func brief<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
    await door.brief.take()
    defer { door.brief.leave() }
    return try await body()
  }
}
