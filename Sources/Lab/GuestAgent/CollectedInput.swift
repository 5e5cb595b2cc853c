import Synchronization

/// Input that is collected to its end, for an agent that takes it as a whole.
final class CollectedInput: CommandInput {
  /// Bytes that are collected: QEMU's agent takes a line of 64 MiB, and holds several copies.
  static let limit = 8 << 20

  private struct State {
    var bytes: [UInt8] = []
    var isWhole = false
    var isTooLong = false
  }

  private let state = Mutex(State())
  private let change = WakeUp()

  func write(_ bytes: [UInt8]) async -> Bool {
    let fits = state.withLock { state in
      guard state.bytes.count + bytes.count <= Self.limit else {
        (state.isTooLong, state.bytes) = (true, [])
        return false
      }
      state.bytes += bytes
      return true
    }
    if !fits { change.wake() }
    return fits
  }

  func end() async {
    state.withLock { $0.isWhole = true }
    change.wake()
  }

  func resize(to size: TerminalSize) {}

  /// All of it, once it has ended.
  /// - Throws: `UserError` when it is too long; `CancellationError`.
  func whole() async throws -> [UInt8] {
    while true {
      let state = state.withLock { $0 }
      if state.isTooLong {
        throw UserError(
          .failed, "QEMU's guest agent takes at most \(Self.limit >> 20) MiB of standard input",
          hint: "copy the file into the machine, or use ssh")
      }
      if state.isWhole { return state.bytes }
      try Task.checkCancellation()
      await change.wait()
    }
  }
}
