import Synchronization

/// What happens, told to everybody who listens, each at a speed of its own.
///
/// The newest `limit` elements are kept, once for all: a listener that is slower loses the oldest and is told how many.
/// Nobody who sends ever waits, and what is kept is also there for who comes later.
package final class Broadcast<Element: Sendable>: Sendable {
  /// What a listener hears.
  package enum Heard: Sendable {
    case element(Element)
    /// That many elements before the next one were forgotten before this listener had come to them.
    case lost(Int)
  }

  private struct State {
    /// The newest ones; twice the limit at most, so that forgetting moves each element about once.
    var kept: [Element] = []
    /// Number of the first in `kept`, counted from the first that was ever sent.
    var first = 0
    var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
    var lastListener = 0
    var isFinished = false
  }

  /// Elements that are kept.
  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: elements that a listener may be behind, 1 or more.
  package init(limit: Int) { self.limit = max(1, limit) }

  /// From any thread; never waits for a listener.
  ///
  /// Nothing happens once it is finished.
  package func send(_ element: Element) {
    state.withLock { state in
      guard !state.isFinished else { return }
      state.kept.append(element)
      if state.kept.count >= 2 * limit {
        let surplus = state.kept.count - limit
        state.kept.removeFirst(surplus)
        state.first += surplus
      }
      for wake in state.listeners.values { wake.yield() }
    }
  }

  /// Nothing more will be sent; listeners end once they have heard what is kept.
  package func finish() {
    let listeners = state.withLock { state in
      state.isFinished = true
      return state.listeners.values.map { $0 }
    }
    // Not under the lock: ending a stream has it forgotten here.
    for wake in listeners { wake.finish() }
  }

  /// One listener's place in what is sent; each call is another one, and has it all.
  /// - Parameter fromStart: what is kept from before is heard too.
  package func subscribe(fromStart: Bool = false) -> Subscription {
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let (number, position) = state.withLock { state in
      state.lastListener += 1
      if state.isFinished { wake.finish() } else { state.listeners[state.lastListener] = wake }
      let end = state.first + state.kept.count
      return (state.lastListener, fromStart ? max(state.first, end - limit) : end)
    }
    wake.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) } }
    return Subscription(source: self, wakes: wakes, position: position)
  }

  private enum Look {
    case heard(Heard)
    case nothingYet
    case end
  }

  /// What a listener at `position` hears next; moves it on.
  private func look(_ position: inout Int) -> Look {
    state.withLock { state in
      let end = state.first + state.kept.count
      let oldest = max(state.first, end - limit)
      if position < oldest {
        defer { position = oldest }
        return .heard(.lost(oldest - position))
      }
      guard position < end else { return state.isFinished ? .end : .nothingYet }
      defer { position += 1 }
      return .heard(.element(state.kept[position - state.first]))
    }
  }

  /// A sequence for one task; it ends when the broadcast is finished or the task is cancelled.
  package struct Subscription: AsyncSequence, Sendable {
    fileprivate let source: Broadcast
    fileprivate let wakes: AsyncStream<Void>
    fileprivate let position: Int

    package func makeAsyncIterator() -> Iterator {
      Iterator(source: source, wakes: wakes.makeAsyncIterator(), position: position)
    }

    package struct Iterator: AsyncIteratorProtocol {
      fileprivate let source: Broadcast
      fileprivate var wakes: AsyncStream<Void>.Iterator
      fileprivate var position: Int

      package mutating func next() async -> Heard? {
        var isLastLook = false
        while true {
          switch source.look(&position) {
          case .heard(let heard): return heard
          case .end: return nil
          case .nothingYet where isLastLook: return nil
          // A wake-up that was for what is heard already costs one more look; without any more, the task was cancelled
          // or the broadcast is finished.
          case .nothingYet: isLastLook = await wakes.next() == nil
          }
        }
      }
    }
  }
}
