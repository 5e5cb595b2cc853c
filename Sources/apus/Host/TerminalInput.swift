import Control
import Glibc
import Lab
import Synchronization

/// What a person does at the terminal of standard input: types, changes its size, leaves.
///
/// Always read, so that the key to leave is seen whatever the other side does; what is typed and not taken is bounded,
/// and the rest is dropped, as by a terminal.
final class TerminalInput: Sendable {
  /// Bytes typed that may wait.
  private static let limit = 256 << 10

  private struct State {
    var typed: [UInt8] = []
    var size: TerminalSize?
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let change = WakeUp()
  private let end = WakeUp()

  /// - Parameter leave: the byte that ends it, which is not passed on.
  init(leavingWith leave: UInt8? = nil) {
    StandardInput.follow { [self] piece in
      let passed = piece.prefix { $0 != leave }
      let isEnd = piece.isEmpty || passed.count < piece.count
      state.withLock { state in
        state.typed += passed.prefix(max(0, Self.limit - state.typed.count))
        state.hasEnded = isEnd
      }
      change.wake()
      if isEnd { end.wake() }
      return !isEnd
    }
    let sizes = SignalStream.of([SIGWINCH])
    Task {
      for await _ in sizes {
        guard let size = RawTerminal.size() else { continue }
        state.withLock { $0.size = size }
        change.wake()
      }
    }
  }

  /// What is to be passed on next; nil at the end.
  ///
  /// One caller at a time.
  /// - Throws: `CancellationError`; then nothing is lost.
  func next() async throws -> InputLine? {
    while true {
      try Task.checkCancellation()
      let (line, isOver) = state.withLock { state -> (InputLine?, Bool) in
        if let size = state.size.take() { return (.size(size), false) }
        guard state.typed.isEmpty else {
          defer { state.typed = [] }
          return (.input(state.typed), false)
        }
        return (nil, state.hasEnded)
      }
      if line != nil || isOver { return line }
      await change.wait()
    }
  }

  /// Returns when the person leaves, or when the task is cancelled; one caller at a time.
  func waitForEnd() async {
    while !state.withLock({ $0.hasEnded }), !Task.isCancelled { await end.wait() }
  }
}
