internal import LinuxHost
import Synchronization

/// A data-plane thread and the way to talk to it.
final class Worker: Sendable {
  let guardian = CallGuardian()
  let account = WorkerAccount()
  let commands: CommandQueue<WorkerCore>
  private let thread: HostThread
  private let stopping: StopFlag

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - configuration: the processor to pin it to, its priority, and how it waits.
  ///   - faults: where it reports what guests did.
  ///   - recorder: where it records what comes in; nil = nowhere.
  ///   - clock: when stations were seen.
  ///   - events: told, on the thread, what it could not do.
  init(
    index: Int, _ configuration: DataplaneConfiguration, faults: FaultQueue, recorder: FlightRecorder?,
    clock: TickClock, events: @escaping @Sendable (DataplaneEvent) -> Void
  ) throws(SystemError) {
    let commands = try CommandQueue<WorkerCore>()
    let epoll = try Epoll()
    try epoll.add(commands.bell.raw, token: EventToken.bell.word, events: Epoll.input | Epoll.edgeTriggered)
    let stopping = StopFlag()
    let guardian = guardian
    let account = account
    self.commands = commands
    self.stopping = stopping
    let (poll, nice) = (configuration.poll, configuration.nice)
    let cpu = configuration.cpus.indices.contains(index) ? configuration.cpus[index] : nil
    thread = try HostThread.start(name: "apus-worker\(index)", cpu: cpu) {
      if nice != 0, !HostThread.setPriority(nice) {
        let text = "nice \(nice) needs CAP_SYS_NICE; it goes on with the priority that it has"
        events(.workerAdvice(worker: index, text: text))
      }
      var core = WorkerCore(guardian: guardian, faults: faults, epoll: epoll)
      core.state.taps.coldRecord(into: recorder)
      var loop = WorkerLoop(
        core: core, commands: commands, account: account,
        poll: poll, clock: clock)
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
