internal import LinuxHost
import Synchronization

/// What the control side and the reactor ask of a thread that owns its state; answered between breaths.
///
/// As long as its senders are many: a session has one request of its front-end under way, and one look at how its rings get
/// on; a caller of `Dataplane` waits for its own command, so that there are as many as the control side has calls under way;
/// news of an interface's links come one by one, as the kernel's socket, which is bounded, gives them. The thread takes
/// all that is there at each turn of its loop.
final class CommandQueue<State: ~Copyable>: Sendable {
  typealias Command = @Sendable (inout State) -> Void

  private let commands = Mutex<[Command]>([])
  private let waiting = Atomic<Bool>(false)
  private let runCount = Atomic<Int>(0)
  let bell: EventDescriptor

  init() throws(SystemError) { bell = try EventDescriptor() }

  /// Something is there to be run; one relaxed load.
  @inline(__always)
  var isWaiting: Bool { waiting.load(ordering: .relaxed) }

  /// Commands that were run so far, or have begun to.
  var count: Int { runCount.load(ordering: .relaxed) }

  /// Hands a command over and wakes the thread.
  ///
  /// Commands run in order. One that a command hands over runs at the next call of `coldRun`.
  func submit(_ command: @escaping Command) {
    commands.withLock { $0.append(command) }
    waiting.store(true, ordering: .releasing)
    bell.signal()
  }

  /// Runs all that is there; called by the owning thread only.
  @inline(never)
  func coldRun(_ state: inout State) {
    waiting.store(false, ordering: .sequentiallyConsistent)
    let taken = commands.withLock { commands in
      let taken = commands
      commands.removeAll(keepingCapacity: true)
      return taken
    }
    runCount.store(count + taken.count, ordering: .relaxed)
    for command in taken { command(&state) }
  }
}
