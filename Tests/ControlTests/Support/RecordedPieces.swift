import Synchronization

/// Counts what several tasks do.
final class SharedCount: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func add() { count.withLock { $0 += 1 } }
}

/// Pieces of a recording that does not end soon.
struct PiecesAskedFor: IteratorProtocol, Sendable {
  var left: Int
  let asked: SharedCount
  /// Runs when the first is asked for.
  var begins: (@Sendable () -> Void)?

  mutating func next() -> [UInt8]? {
    guard left > 0 else { return nil }
    left -= 1
    begins.take()?()
    asked.add()
    return [UInt8](repeating: UInt8(truncatingIfNeeded: left), count: 65536)
  }
}
