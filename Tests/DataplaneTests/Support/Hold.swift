import GuestKit
import LinuxHost
import Synchronization
import TestSupport

/// Keeps a thread from its commands until it is ended, for a minute at most.
final class Hold: Sendable {
  private let isReached = Flag()
  private let isOver = Flag()
  private let hasExpired = Flag()

  /// Nobody ended it in time: what was to be done meanwhile waited for the thread.
  var wasWaitedFor: Bool { hasExpired.isSet }

  func end() { isOver.set() }

  /// For the thread: returns when it is over.
  func wait() {
    isReached.set()
    let deadline = Deadline(milliseconds: 60_000)
    while !isOver.isSet {
      guard deadline.remaining > 0 else { return hasExpired.set() }
      HostClock.pause(microseconds: 100)
    }
  }

  /// The thread has come to it.
  func reached() async -> Bool { await eventually { isReached.isSet } }
}

/// A word that one thread says to others, once.
final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}
