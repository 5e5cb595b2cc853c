import Synchronization

/// A flag that one thread sets and another reads: the other is to end.
final class StopFlag: Sendable {
  let value = Atomic<Bool>(false)
}
