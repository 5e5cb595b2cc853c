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
      var waiters: [Waiter] = []
      /// Of those who were cancelled before they could wait.
      var cancelled: Set<Int> = []
      /// Nobody is let through any more.
      var isClosed = false
      private var lastTicket = 0

      mutating func newTicket() -> Int {
        lastTicket += 1
        return lastTicket
      }
    }

    private struct Waiter {
      var ticket: Int
      /// It has nothing to say to who asked, and waits on when nobody is let through any more.
      var waitsForEver: Bool
      var continuation: CheckedContinuation<Bool, Never>
    }

    private let state = Mutex(State())

    package init() {}

    /// For tests: how many wait.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Returns when the lane is the caller's, until it says `leave`, whatever happens to its task meanwhile; at once if
    /// it is closed, for who has nothing to change any more.
    package func take() async { _ = await takeUnlessClosed() }

    /// The same.
    /// - Returns: false if it is closed; the lane is not the caller's then.
    func takeUnlessClosed() async -> Bool {
      let ticket = state.withLock { $0.newTicket() }
      return await wait(ticket)
    }

    /// The same, but never returns if the lane is closed.
    func takeOrNever() async {
      let ticket = state.withLock { $0.newTicket() }
      _ = await wait(ticket, waitsForEver: true)
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
    private func wait(_ ticket: Int, waitsForEver: Bool = false) async -> Bool {
      await withCheckedContinuation { continuation in
        let isOurs = state.withLock { state -> Bool? in
          guard !state.cancelled.contains(ticket), waitsForEver || !state.isClosed else { return false }
          guard state.isTaken || state.isClosed else {
            state.isTaken = true
            return true
          }
          state.waiters.append(Waiter(ticket: ticket, waitsForEver: waitsForEver, continuation: continuation))
          return nil
        }
        if let isOurs { continuation.resume(returning: isOurs) }
      }
    }

    /// Lets nobody through any more, for who is in it and stays: those who wait are sent away, and who comes, but those
    /// who would have nothing to say.
    func close() {
      let waiters = state.withLock { state in
        state.isClosed = true
        defer { state.waiters.removeAll { !$0.waitsForEver } }
        return state.waiters.filter { !$0.waitsForEver }
      }
      for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    /// The next one's turn.
    package func leave() {
      let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        guard !state.isClosed else { return nil }
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
  /// - Throws: `CancellationError` when the task is cancelled while it waits; `UserError` when another daemon has the
  ///   lab; what `body` throws.
  func whole<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      try await door.whole.takeUnlessCancelled()
    } catch {
      guard hasMovedOn, !Task.isCancelled else { throw error }
      throw Self.isElsewhere
    }
    defer { door.whole.leave() }
    return try await body()
  }

  /// Runs a brief change.
  ///
  /// One that cannot fail waits for ever when another daemon has the lab: this one is about to end.
  /// - Throws: what `body` throws; `UserError`, if it may, when another daemon has the lab.
  func brief<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
    if let error = Self.isElsewhere as? Failure {
      guard await door.brief.takeUnlessClosed() else { throw error }
    } else {
      await door.brief.takeOrNever()
    }
    defer { door.brief.leave() }
    return try await body()
  }

  private static var isElsewhere: UserError {
    UserError(.failed, "another daemon goes on with the lab", hint: "say it again")
  }
}
