internal import LinuxHost
import Synchronization

/// The workers of a data plane that has several: the first one, who answers for all, and the others, whose state it reaches
/// while they stand still.
///
/// Settings are changed by the first worker alone, in its own state; `WorkerCore.coldShare` then has the others take them over.
/// Each queue that frames come in by belongs to one worker; frames leave by any port, whoever has them.
///
/// Made before any thread runs, and kept by `Worker` for as long as one does.
final class WorkerTeam: @unchecked Sendable {
  let standstill: Standstill
  /// What the first worker is asked to do.
  let commands: CommandQueue<WorkerCore>
  /// Loops of the workers but the first, in order; touched by the thread of each within its turns, and by the first worker
  /// while all stand still.
  let others: SharedView<WorkerLoop>
  private let store = SharedStore<WorkerLoop>()
  /// Which worker has which queue; the first worker's.
  var spread: Spread
  /// All stand still, by the first worker's doing; its own to know.
  var isStill = false
  /// Workers that wait within a breath for the first one: that breath goes on, though all seem to stand still.
  let askers = Atomic<Int>(0)
  /// TSC when queues were last spread by load.
  var lastSpread: UInt64

  /// - Parameters:
  ///   - commands: those of the first worker.
  ///   - make: makes the loop of a worker, by its number.
  init(
    workerCount: Int, commands: CommandQueue<WorkerCore>, now: UInt64, _ make: (Int) -> WorkerLoop
  ) throws(SystemError) {
    standstill = try Standstill(workerCount: workerCount)
    self.commands = commands
    spread = Spread(workerCount: workerCount)
    lastSpread = now
    store.grow(to: workerCount - 1) { make($0 + 1) }
    others = store.view
    for index in 0..<others.count { others[index].join(self, worker: index + 1) }
  }

  var workerCount: Int { others.count + 1 }
}
