internal import LinuxHost
import Synchronization

/// What the control side and the reactor ask of a thread that owns its state; answered between breaths.
///
/// Bounded by construction: each session has one request under way, and each caller of `Dataplane` waits for its own.
final class CommandQueue<State: ~Copyable>: Sendable {
  typealias Command = @Sendable (inout State) -> Void

  private let commands = Mutex<[Command]>([])
  private let waiting = Atomic<Bool>(false)
  let bell: EventDescriptor

  init() throws(SystemError) { bell = try EventDescriptor() }

  /// Something is there to be run; one relaxed load.
  @inline(__always)
  var isWaiting: Bool { waiting.load(ordering: .relaxed) }

  /// Hands a command over and wakes the thread.
  ///
  /// Commands run in order.
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
    for command in taken { command(&state) }
  }
}
