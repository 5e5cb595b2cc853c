import CLinux
internal import LinuxHost
import Synchronization

/// A worker's life: breathe while there is work, then look again with kicks enabled, then sleep.
///
/// Where there are several, each but the first enters before a turn and leaves after it: between the two nobody changes what
/// it works on (`Standstill`).
struct WorkerLoop: ~Copyable {
  /// TSC cycles of empty breaths before a worker sleeps.
  ///
  /// Counted from the last frame out of a ring or a line. For those of a TAP, which the kernel tells of, nothing is won by
  /// polling, and where processors are few it takes one from whoever is to read or write next: then the worker sleeps at
  /// once.
  private static let spinCycles = ActivePorts.silence
  /// TSC cycles between looks at the clock and at descriptors while the worker does not sleep: about 20 us when a TAP
  /// may have something, about half a millisecond when only the clock of ageing waits, since a look is a system call.
  private static let lookCycles: UInt64 = 50_000
  private static let rareLookCycles: UInt64 = 1_000_000
  /// Of so many breaths that moved frames, the time of one is taken.
  private static let sampleInterval = 16
  /// How much longer than all stood still for commands nobody has to stand still for others, and TSC cycles of that at most.
  private static let restFactor: UInt64 = 4
  private static let longestRest: UInt64 = 2_000_000
  /// Microseconds that a worker sleeps at most: the clock of ageing goes on.
  private static let longestSleep: Int64 = 1_000_000
  /// Milliseconds that a worker without frames sleeps at most.
  private static let haltMilliseconds: Int32 = 100
  /// Microseconds before a held frame leaves that a worker wakes up, since the kernel wakes it 50 us late as a rule;
  /// a shorter sleep than that is none.
  private static let wakeEarly: Int64 = 60

  var core: WorkerCore
  private let commands: CommandQueue<WorkerCore>
  private let account: WorkerAccount
  private let poll: PollPolicy
  private var events = [EpollEvent](repeating: EpollEvent(), count: 64)
  /// TSC when the last breath ended, when frames last came that are polled for, when descriptors were last looked at.
  private var now = clinux_rdtsc()
  private var lastWork = clinux_rdtsc()
  private var lastLook = clinux_rdtsc()
  /// Bursts from rings so far.
  private var ringBursts: UInt64 = 0
  private let clock: TickClock
  private var second = WorkerAccount.Moment()
  /// Breaths that move frames before the one whose time is taken.
  private var untilSample = WorkerLoop.sampleInterval
  /// TSC from which on commands are run again.
  private var restUntil: UInt64 = 0
  /// What has this worker stand still; nil for the first one.
  private var standstill: Held<Standstill>?

  init(
    core: consuming WorkerCore, commands: CommandQueue<WorkerCore>, account: WorkerAccount, poll: PollPolicy,
    clock: TickClock
  ) {
    self.core = core
    self.clock = clock
    self.commands = commands
    self.account = account
    self.poll = poll
  }

  /// The worker is one of several, and not the first.
  mutating func join(_ team: WorkerTeam, worker: Int) {
    core.team = Held(team)
    standstill = Held(team.standstill)
  }

  /// Has a worker that sleeps look what there is.
  func wake() { commands.bell.signal() }

  /// One turn: commands, a breath, and what follows from it.
  mutating func turn() {
    enter()
    if commands.isWaiting, now >= restUntil || core.isHalted { coldRunCommands() }
    guard !core.isHalted else { return coldHalt() }
    if core.forwarder.hasDebts { core.forwarder.coldPayDebts(&core.state) }
    if core.state.delays.count > 0 { core.state.delays.readClock() }
    core.state.ports.active.now = now
    let begin = untilSample == 0 ? clinux_rdtsc() : 0
    let moved = core.breathe()
    let end = clinux_rdtsc()
    let cycles = end &- now
    now = end
    if moved > 0 {
      if core.state.ports.ringBursts != ringBursts || core.state.delays.released > 0 { lastWork = end }
      ringBursts = core.state.ports.ringBursts
      account.add(account.busyCycles, cycles)
      account.add(account.bursts, 1)
      // Those that were held were counted when they came.
      account.add(account.frames, UInt64(moved - core.state.delays.released))
      core.state.delays.released = 0
      account.burstSizes.note(UInt64(moved), adding: UInt64(moved))
      if untilSample == 0 { coldSample(end &- begin) } else { untilSample &-= 1 }
    } else {
      account.add(account.idleCycles, cycles)
      clinux_pause()
    }
    if end &- lastLook > (core.state.ports.lookedAtCount > 0 ? Self.lookCycles : Self.rareLookCycles) {
      lastLook = end
      coldLook(microseconds: 0)
    }
    if moved == 0, poll != .busy, poll == .sleep || end &- lastWork > Self.spinCycles { coldSleep() }
    leave()
  }

  /// A turn in which no frame moves: waits for a command.
  ///
  /// What the kernel tells meanwhile stays where it is.
  @inline(never)
  private mutating func coldHalt() {
    if core.worker > 0 { core.hasHalted = true }
    leave()
    // The last commands may have begun it, and others come since.
    if !commands.isWaiting { commands.bell.wait(milliseconds: Self.haltMilliseconds) }
    commands.bell.drain()
    now = clinux_rdtsc()
    lastWork = now
  }

  /// Notes how long a breath took from its first look for frames until all that it took were delivered.
  @inline(never)
  private mutating func coldSample(_ cycles: UInt64) {
    untilSample = Self.sampleInterval - 1
    guard second.cycleTime != 0 else { return }
    let nanoseconds = second.nanoseconds(cycles)
    account.breathTimes.note((nanoseconds + 999) / 1000, adding: nanoseconds)
  }

  /// Runs commands; where others have to stand still for it, they then have some time for themselves, so that a guest whose
  /// front-end sends messages without end does not keep them from their ports.
  @inline(never)
  private mutating func coldRunCommands() {
    let start = clinux_rdtsc()
    core.coldRunCommands(commands)
    guard core.team != nil else { return }
    let end = clinux_rdtsc()
    restUntil = end &+ min((end &- start) &* Self.restFactor, Self.longestRest)
  }

  @inline(__always)
  private func enter() {
    if let standstill { standstill.with { $0.enter(core.worker) } }
  }

  @inline(__always)
  private func leave() {
    if let standstill { standstill.with { $0.leave(core.worker) } }
  }

  /// The end: whoever waits for an answer gets it.
  consuming func finish() {
    core.coldRunCommands(commands)
    core.coldAlone { $0.coldLetGo() }
    // Others have ended before, and nothing is theirs any more.
    core.team = nil
    commands.coldEnd(leaving: core)
  }

  /// Sleeps until somebody kicks, calls or sends; returns at once if there is work after all.
  @inline(never)
  private mutating func coldSleep() {
    // The last look may have taken the bell of a command that came after this turn's began.
    guard !commands.isWaiting, !core.forwarder.hasDebts, let longest = coldLongestSleep(),
      let microseconds = core.coldArmKicks(longest: longest)
    else {
      lastWork = now
      return
    }
    core.state.delays.sleeps(true)
    defer { core.state.delays.sleeps(false) }
    // Another worker may have held a frame that leaves before all others, and not seen that this one is about to sleep.
    guard let left = coldLongestSleep() else {
      core.coldSuppressKicks()
      return
    }
    account.add(account.sleeps, 1)
    coldLook(microseconds: min(microseconds, left))
    core.coldSuppressKicks()
    now = clinux_rdtsc()
    lastLook = now
  }

  /// Microseconds to sleep at most; nil if a held frame leaves too soon for any.
  private func coldLongestSleep() -> Int64? {
    guard core.state.delays.nextRelease != .max else { return Self.longestSleep }
    let left =
      Int64(clamping: core.state.delays.nextRelease / 1000) - Int64(clamping: core.state.delays.clock / 1000)
      - Self.wakeEarly
    return left > 0 ? min(left, Self.longestSleep) : nil
  }

  /// Takes what epoll has, waiting up to `microseconds` for it, and moves the clock of ageing.
  @inline(never)
  private mutating func coldLook(microseconds: Int64) {
    if microseconds > 0 { leave() }
    let count = core.state.ports.epoll.wait(into: &events, timeoutMicroseconds: microseconds)
    if microseconds > 0 { enter() }
    for index in 0..<max(count, 0) { coldHandle(events[index]) }
    // A ring whose index was lost with its page looks idle.
    if clinux_fault_count() != core.state.ports.faultCount { core.coldMemoryFaults() }
    let tick = clock.tick
    if tick != core.state.tick {
      core.state.tick = tick
      account.closeSecond(&second)
      core.coldAge()
    }
  }

  private mutating func coldHandle(_ event: EpollEvent) {
    let token = EventToken(word: event.token)
    guard let port = token.port else {
      commands.bell.drain()
      return
    }
    guard port < core.state.ports.capacity else { return }
    core.state.ports.coldHandle(port, PortEvent(source: token.source, events: event.events))
    core.state.ports.coldWake(port)
  }
}
