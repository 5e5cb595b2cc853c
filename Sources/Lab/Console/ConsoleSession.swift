import LinuxHost
import Synchronization

/// What comes from a console.
package enum ConsoleEvent: Sendable, Equatable {
  /// The client has the console; the first event.
  case begun
  case output([UInt8])
  /// That many bytes before what comes next were dropped, as nobody read them.
  case lost(Int)
  /// Nothing more comes, and why.
  case ended(ConsoleEnd)
}

package enum ConsoleEnd: String, Sendable, CaseIterable {
  /// Another client has taken the console over.
  case taken
  /// The machine has ended.
  case closed
  /// The client has left.
  case left
}

/// One client at a machine's serial console.
///
/// QEMU holds the guest up for as long as who is connected does not read. So this always reads: what the client does
/// not take waits in a bounded buffer, of which the oldest bytes are dropped. Ends when nothing refers to it any more.
package final class ConsoleSession: Sendable {
  /// Bytes that wait for the client.
  static let limit = 256 << 10
  /// Bytes in one event.
  private static let pieceSize = 32 << 10

  private struct State {
    var bytes: [UInt8] = []
    var lost = 0
    var end: ConsoleEnd?
    var hasToldBegin = false
    var hasToldEnd = false
  }

  /// Another one comes in its place when the machine moves.
  let socket: SwitchedSocket
  private let state = Mutex(State())
  private let change = WakeUp()
  private let reader = Mutex<Task<Void, Never>?>(nil)

  /// - Parameter socket: connected to QEMU's character device.
  init(_ socket: Descriptor) {
    let (socket, change) = (SwitchedSocket(socket), change)
    self.socket = socket
    let task = Task { [weak self] in
      while !(self?.isOver ?? true), let bytes = await socket.read() { self?.add(bytes) }
      self?.end(.closed)
      change.wake()
    }
    reader.withLock { $0 = task }
  }

  deinit { reader.withLock { $0 }?.cancel() }

  /// For tests: the last bytes that have come.
  func endsWith(_ text: String) -> Bool { state.withLock { $0.bytes.suffix(text.utf8.count).elementsEqual(text.utf8) } }

  package var isOver: Bool { state.withLock { $0.end != nil } }

  private func add(_ bytes: [UInt8]) {
    state.withLock { state in
      state.bytes += bytes
      guard state.bytes.count > Self.limit else { return }
      // A quarter at a time, since what stays is moved.
      let count = state.bytes.count - Self.limit * 3 / 4
      state.bytes.removeFirst(count)
      state.lost += count
    }
    change.wake()
  }

  /// Lets go of the console; what has come can still be read.
  package func end(_ reason: ConsoleEnd) {
    state.withLock { $0.end = $0.end ?? reason }
    reader.withLock { $0 }?.cancel()
    socket.close()
    change.wake()
  }

  /// What comes next; nil after the end, or when the task is cancelled.
  ///
  /// One caller at a time.
  package func next() async -> ConsoleEvent? {
    while !Task.isCancelled, !state.withLock({ $0.hasToldEnd }) {
      if let event = take() { return event }
      await change.wait()
    }
    return nil
  }

  private func take() -> ConsoleEvent? {
    state.withLock { state in
      guard state.hasToldBegin else {
        state.hasToldBegin = true
        return .begun
      }
      if state.lost > 0 {
        defer { state.lost = 0 }
        return .lost(state.lost)
      }
      guard !state.bytes.isEmpty else {
        state.hasToldEnd = state.end != nil
        return state.end.map { .ended($0) }
      }
      let piece = Array(state.bytes.prefix(Self.pieceSize))
      state.bytes.removeFirst(piece.count)
      return .output(piece)
    }
  }

  /// Types these bytes, as fast as the machine takes them; one caller at a time.
  /// - Returns: false when the console is gone, or the task was cancelled.
  package func write(_ bytes: [UInt8]) async -> Bool {
    await socket.write(bytes)
  }
}
