internal import LinuxHost
import Synchronization

/// A data-plane thread and the way to talk to it.
final class Worker: Sendable {
  let guardian = CallGuardian()
  let account = WorkerAccount()
  let commands: CommandQueue<WorkerCore>
  private let thread: HostThread
  private let stopping: Flag

  /// A flag that one thread sets and another reads.
  final class Flag: Sendable {
    let value = Atomic<Bool>(false)
  }

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - cpu: processor to pin it to; nil = not pinned.
  ///   - faults: where it reports what guests did.
  ///   - recorder: where it records what comes in; nil = nowhere.
  init(
    index: Int, cpu: Int?, poll: PollPolicy, faults: FaultQueue, recorder: FlightRecorder?
  ) throws(SystemError) {
    let commands = try CommandQueue<WorkerCore>()
    let epoll = try Epoll()
    try epoll.add(commands.bell.raw, token: WorkerToken.bell, events: Epoll.input | Epoll.edgeTriggered)
    let stopping = Flag()
    let guardian = guardian
    let account = account
    self.commands = commands
    self.stopping = stopping
    thread = try HostThread.start(name: "apus-worker\(index)", cpu: cpu) {
      var core = WorkerCore(guardian: guardian, faults: faults, epoll: epoll)
      core.record(into: recorder)
      var loop = WorkerLoop(
        core: core, commands: commands, account: account,
        poll: poll)
      while !stopping.value.load(ordering: .relaxed) { loop.turn() }
      loop.finish()
    }
  }

  /// Runs `body` on the worker, between breaths, and gives its result back.
  ///
  /// Called by an actor, what the actor does before and the handing over of `body` are one step: nothing else of the
  /// actor comes between them, and commands have the order of its steps.
  func run<T: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: @escaping @Sendable (inout WorkerCore) -> T
  ) async -> T {
    await withCheckedContinuation { continuation in
      commands.submit { core in continuation.resume(returning: body(&core)) }
    }
  }

  /// Breaks off a call that blocks; see `CallGuardian`.
  func interrupt() { thread.interrupt() }

  /// Ends the thread and waits for it.
  func stop() {
    stopping.value.store(true, ordering: .relaxed)
    commands.submit { _ in }
    thread.join()
  }
}

/// What an event of a worker's epoll is about.
enum WorkerToken {
  static let bell: UInt64 = 0

  static func kick(port: Int, ring: Int) -> UInt64 { 1 << 32 | UInt64(port) << 8 | UInt64(ring) }
  static func tap(port: Int) -> UInt64 { 2 << 32 | UInt64(port) << 8 }
}
