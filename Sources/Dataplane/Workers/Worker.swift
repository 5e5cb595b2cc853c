internal import LinuxHost
import Synchronization

/// The data plane's threads and the way to talk to them: one worker or several, of which the first answers for all.
final class Worker: Sendable {
  /// Of each worker, in order.
  let accounts: [WorkerAccount]
  let commands: CommandQueue<WorkerCore>
  /// Nil where there is one worker alone.
  private let team: WorkerTeam?
  private let seats: [Seat]

  /// One worker's thread, and what others have of it.
  struct Seat: Sendable {
    let guardian: CallGuardian
    let commands: CommandQueue<WorkerCore>
    let stopping: StopFlag
    let ended: StopFlag
    let thread: HostThread

    /// Says that the thread is to end.
    func beginStop() {
      stopping.value.store(true, ordering: .relaxed)
      commands.bell.signal()
    }
  }

  /// What all workers are made of.
  struct Setting: Sendable {
    let configuration: DataplaneConfiguration
    /// Where they report what guests did.
    let faults: FaultQueue
    /// Where each records what comes in; empty = nowhere.
    let recorders: [FlightRecorder]
    /// What they say of their bursts to who merges what they captured; nil = there is one.
    let marks: BurstMarks?
    /// When stations were seen.
    let clock: TickClock
    /// They begin with standing still, as ports are still handed over.
    let isHalted: Bool
    /// Told, on a worker's thread, what it could not do.
    let events: @Sendable (DataplaneEvent) -> Void
  }

  /// Starts the threads.
  init(_ setting: Setting) throws(SystemError) {
    let count = setting.configuration.workerCount
    var parts: [Part] = []
    for worker in 0..<count { parts.append(try Part(worker)) }
    let (all, commands) = (parts, parts[0].commands)
    let shared = SharedWork(workerCount: count, bell: commands.bell, marks: setting.marks)
    team =
      count > 1
      ? try WorkerTeam(workerCount: count, commands: commands, now: 0) { all[$0].loop(setting, shared) } : nil
    self.commands = commands
    accounts = parts.map(\.account)
    seats = try Self.start(parts, setting, shared, team)
  }

  /// Starts all threads, the first worker's last; none runs if it throws.
  private static func start(
    _ parts: [Part], _ setting: Setting, _ shared: SharedWork, _ team: WorkerTeam?
  ) throws(SystemError) -> [Seat] {
    var seats: [Seat] = []
    for part in parts.reversed() {
      do throws(SystemError) {
        seats.insert(try part.start(setting, shared, team), at: 0)
      } catch {
        stop(seats, seats)
        throw error
      }
    }
    return seats
  }

  /// What watches for a call that blocks, of each worker.
  var guardians: [CallGuardian] { seats.map(\.guardian) }

  /// Runs `body` on the first worker, between breaths of all, and gives its result back.
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

  /// Breaks off a call of a worker that blocks; see `CallGuardian`.
  ///
  /// The first worker makes calls for others, while they stand still.
  func interrupt(_ worker: Int) {
    seats[worker].thread.interrupt()
    if worker > 0 { seats[0].thread.interrupt() }
  }

  /// Ends the threads and waits for them: the first one last, which lets go of what all have.
  func stop() {
    Self.stop(Array(seats.dropFirst()), seats)
    Self.stop(Array(seats.prefix(1)), seats)
  }

  /// Ends some threads of `all` and waits for them; nobody else breaks off calls of theirs by now, which any may wait for.
  private static func stop(_ some: [Seat], _ all: [Seat]) {
    for seat in some { seat.beginStop() }
    var looks = 0
    while some.contains(where: { !$0.ended.value.load(ordering: .acquiring) }) {
      HostClock.pause(microseconds: looks < 20 ? 50 : 1000)
      looks += 1
      if looks % 250 == 0 { for seat in all { seat.thread.interrupt() } }
    }
    for seat in some { seat.thread.join() }
  }
}

/// What one worker's thread is started with.
private struct Part {
  let worker: Int
  let guardian = CallGuardian()
  let account = WorkerAccount()
  let commands: CommandQueue<WorkerCore>
  let epoll: Epoll
  let stopping = StopFlag()
  let ended = StopFlag()

  init(_ worker: Int) throws(SystemError) {
    self.worker = worker
    commands = try CommandQueue<WorkerCore>()
    epoll = try Epoll()
    try epoll.add(commands.bell.raw, token: EventToken.bell.word, events: Epoll.input | Epoll.edgeTriggered)
  }

  func loop(_ setting: Worker.Setting, _ shared: SharedWork) -> WorkerLoop {
    var core = WorkerCore(guardian: guardian, faults: setting.faults, epoll: epoll, shared: shared, worker: worker)
    core.isHalted = setting.isHalted
    core.state.delays.switchOverLimit = setting.configuration.switchOverLimit.wholeNanoseconds
    if worker < setting.recorders.count { core.state.taps.coldRecord(into: setting.recorders[worker]) }
    return WorkerLoop(
      core: core, commands: commands, account: account, poll: setting.configuration.poll, clock: setting.clock)
  }

  /// Starts the thread; the first worker's ends with what all have.
  func start(_ setting: Worker.Setting, _ shared: SharedWork, _ team: WorkerTeam?) throws(SystemError) -> Worker.Seat {
    let cpu = setting.configuration.cpu(ofWorker: worker)
    let part = self
    let thread = try HostThread.start(name: "apus-worker\(worker)", cpu: cpu) {
      defer { part.ended.value.store(true, ordering: .releasing) }
      part.setPriority(setting)
      guard part.worker > 0, let team else { return part.live(setting, shared, team) }
      let loops = team.others
      withExtendedLifetime(team) {
        while !part.stopping.value.load(ordering: .relaxed) { loops[part.worker - 1].turn() }
      }
    }
    return Worker.Seat(guardian: guardian, commands: commands, stopping: stopping, ended: ended, thread: thread)
  }

  /// The first worker's thread.
  private func live(_ setting: Worker.Setting, _ shared: SharedWork, _ team: WorkerTeam?) {
    var loop = loop(setting, shared)
    loop.core.team = team.map { Held($0) }
    while !stopping.value.load(ordering: .relaxed) { loop.turn() }
    loop.finish()
  }

  private func setPriority(_ setting: Worker.Setting) {
    let nice = setting.configuration.nice
    guard nice != 0, !HostThread.setPriority(nice) else { return }
    let text = "nice \(nice) needs CAP_SYS_NICE; it goes on with the priority that it has"
    setting.events(.workerAdvice(worker: worker, text: text))
  }
}
