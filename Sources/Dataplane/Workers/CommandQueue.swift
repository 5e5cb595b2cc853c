internal import LinuxHost
import Synchronization

/// What the control side and the reactor ask of a thread that owns its state; answered between breaths.
///
/// As long as its senders are many: a session has one request of its front-end under way, and one look at how its rings get
/// on; a caller of `Dataplane` waits for its own command, so that there are as many as the control side has calls under way,
/// but for ports that are added, which cost the caller more time than the thread; news of an interface's links come one by
/// one, as the kernel's socket, which is bounded, gives them. The thread takes all that is there at each turn of its loop.
///
/// Every command is run, so that nobody waits for ever: once the thread has ended, those that hand commands over run them,
/// one at a time, on what it has left of its state.
final class CommandQueue<State: ~Copyable>: Sendable {
  typealias Command = @Sendable (inout State) -> Void

  private struct Pending {
    var commands: [Command] = []
    /// The thread runs no more.
    var hasEnded = false
    /// Somebody runs what is handed over after the end.
    var isTaken = false
  }

  private let pending = Mutex(Pending())
  /// What an ended thread has left; only whoever set `isTaken` is at it.
  private let remains = WriterLock<State?>(nil)
  private let waiting = Atomic<Bool>(false)
  private let runCount = Atomic<Int>(0)
  let bell: EventDescriptor

  init() throws(SystemError) { bell = try EventDescriptor() }

  /// Something is there to be run; one relaxed load.
  @inline(__always)
  var isWaiting: Bool { waiting.load(ordering: .relaxed) }

  /// Commands that were run so far, or have begun to.
  var count: Int { runCount.load(ordering: .relaxed) }

  /// Hands a command over and wakes the thread, unless it has yet to look for one that came before.
  ///
  /// Commands run in order. One that a command hands over runs at the next call of `coldRun`.
  func submit(_ command: @escaping Command) {
    let isOurs = pending.withLock { pending in
      pending.commands.append(command)
      guard pending.hasEnded, !pending.isTaken else { return false }
      pending.isTaken = true
      return true
    }
    guard !isOurs else { return coldRunLate() }
    // True already: whoever made it so rings the bell, and the thread will find this command too, since it makes it false
    // before it takes what is there.
    guard !waiting.exchange(true, ordering: .sequentiallyConsistent) else { return }
    bell.signal()
  }

  /// Runs all that is there; called by the owning thread only.
  @inline(never)
  func coldRun(_ state: inout State) {
    waiting.store(false, ordering: .sequentiallyConsistent)
    let taken = pending.withLock { pending in
      let taken = pending.commands
      pending.commands.removeAll(keepingCapacity: true)
      return taken
    }
    runCount.store(count + taken.count, ordering: .relaxed)
    for command in taken { command(&state) }
  }

  /// The last call of the owning thread: what is there is run, and what comes from now on by whoever hands it over.
  ///
  /// - Parameter state: has let go of what is not to outlive the thread.
  func coldEnd(leaving state: consuming State) {
    var left: State? = consume state
    remains.coldWithLock { swap(&$0, &left) }
    pending.withLock { pending in (pending.hasEnded, pending.isTaken) = (true, true) }
    coldRunLate()
  }

  /// Runs commands on what the thread has left, until there are none; what they hand over comes after them.
  private func coldRunLate() {
    while true {
      let taken = pending.withLock { pending in
        defer { pending.commands = [] }
        pending.isTaken = !pending.commands.isEmpty
        return pending.commands
      }
      guard !taken.isEmpty else { return }
      remains.coldWithLock { remains in
        guard var state = remains.take() else { return }
        for command in taken { command(&state) }
        remains = consume state
      }
    }
  }
}
