import CLinux
internal import LinuxHost
import Synchronization

/// A worker's life: breathe while there is work, then look again with kicks enabled, then sleep.
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
  /// Microseconds that a worker sleeps at most: the clock of ageing goes on.
  private static let longestSleep: Int64 = 1_000_000
  /// Microseconds before a held frame leaves that a worker wakes up, since the kernel wakes it 50 us late as a rule;
  /// a shorter sleep than that is none.
  private static let wakeEarly: Int64 = 60

  private var core: WorkerCore
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

  /// One turn: commands, a breath, and what follows from it.
  mutating func turn() {
    if commands.isWaiting {
      // A command may stop a ring: its driver must not miss a call for what was published before.
      core.state.ports.settleCalls()
      commands.coldRun(&core)
      // Whatever has become of the ports: those at rest were left as they were.
      core.state.ports.coldWakeAll()
    }
    if core.forwarder.hasDebts { core.forwarder.coldPayDebts() }
    if core.state.delays.count > 0 { core.state.delays.readClock() }
    core.state.ports.active.now = now
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
    } else {
      account.add(account.idleCycles, cycles)
      clinux_pause()
    }
    if end &- lastLook > (core.state.ports.lookedAtCount > 0 ? Self.lookCycles : Self.rareLookCycles) {
      lastLook = end
      coldLook(microseconds: 0)
    }
    if moved == 0, poll != .busy, poll == .sleep || end &- lastWork > Self.spinCycles { coldSleep() }
  }

  /// The end: whoever waits for an answer gets it.
  consuming func finish() {
    core.state.ports.settleCalls()
    commands.coldRun(&core)
    core.coldLetGo()
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
    account.add(account.sleeps, 1)
    coldLook(microseconds: microseconds)
    core.coldSuppressKicks()
    now = clinux_rdtsc()
    lastLook = now
  }

  /// Microseconds to sleep at most; nil if a held frame leaves too soon for any.
  private func coldLongestSleep() -> Int64? {
    guard core.state.delays.nextRelease != .max else { return Self.longestSleep }
    let left =
      Int64(clamping: core.state.delays.nextRelease / 1000) - Int64(clamping: clinux_monotonic() / 1000)
      - Self.wakeEarly
    return left > 0 ? min(left, Self.longestSleep) : nil
  }

  /// Takes what epoll has, waiting up to `microseconds` for it, and moves the clock of ageing.
  @inline(never)
  private mutating func coldLook(microseconds: Int64) {
    let count = core.state.ports.epoll.wait(into: &events, timeoutMicroseconds: microseconds)
    for index in 0..<max(count, 0) { coldHandle(events[index]) }
    // A ring whose index was lost with its page looks idle.
    if clinux_fault_count() != core.state.ports.faultCount { core.coldMemoryFaults() }
    let tick = clock.tick
    if tick != core.state.tick {
      core.state.tick = tick
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
