import Glibc
import Synchronization

/// Keeps Ctrl-C and the like from ending this process while it makes what nobody else would clear away.
///
/// One that came meanwhile ends the process at `release`. Signals that somebody else takes, or that are ignored, are left
/// alone. One of these at a time.
struct HeldInterrupts {
  private static let latest = Atomic<Int32>(0)
  private let held: [Int32]

  init() {
    Self.latest.store(0, ordering: .relaxed)
    // Not ignored, but handled: a program that is started meanwhile begins with the default again.
    held = [SIGINT, SIGTERM, SIGHUP].filter { number in
      guard let former = signal(number, { HeldInterrupts.latest.store($0, ordering: .relaxed) }) else { return true }
      signal(number, former)
      return false
    }
  }

  var hasCome: Bool { Self.latest.load(ordering: .relaxed) != 0 }

  /// Lets them through again.
  func release() {
    for number in held { signal(number, SIG_DFL) }
    let number = Self.latest.exchange(0, ordering: .relaxed)
    // To the process: this thread may be one of those that take no signals.
    if number != 0 { kill(getpid(), number) }
  }
}
