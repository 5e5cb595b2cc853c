import Frames
import LinuxHost
import VhostUser

@testable import Dataplane

/// A worker without a thread, for tests and benchmarks that draw each breath themselves, on one thread.
///
/// The benchmark of `tools/bench instructions` has this file too: a release build knows no `@testable`, so there it is part
/// of a build of the module, and means itself by the import above.
///
/// Ports are vhost-user ports on one switch whose memory and rings are handed over as the session would.
package struct DrivenWorker: ~Copyable {
  var core: WorkerCore
  private let faults: FaultQueue
  private let recorder: FlightRecorder?
  var records: [PortRecord] = []
  let table: SwitchTable
  /// All workers, if there are several; `core` is the first.
  let team: WorkerTeam?

  /// - Parameters:
  ///   - workers: how many; all but the first breathe by `breathe(_:)`.
  ///   - recorderSize: bytes of the flight recorder; 0 = there is none.
  ///   - configure: settings of the switch that are not the usual ones.
  package init(
    workers: Int = 1, recorderSize: Int = 0, _ configure: (inout SwitchConfiguration) -> Void = { _ in }
  ) throws(SystemError) {
    var configuration = SwitchConfiguration(name: "switch")
    configure(&configuration)
    let table = try SwitchTable(configuration)
    let bell = try EventDescriptor()
    let epoll = try Epoll()
    let faults = FaultQueue(bell: bell)
    let shared = SharedWork(workerCount: workers, bell: bell)
    let team = workers > 1 ? try Self.team(workers, faults, shared) : nil
    // All that may fail comes before the first property is set.
    let recorder = recorderSize > 0 ? try FlightRecorder(size: recorderSize) : nil
    self.table = table
    self.faults = faults
    self.team = team
    MemoryMapping.installFaultHandler()
    core = WorkerCore(guardian: CallGuardian(), faults: faults, epoll: epoll, shared: shared)
    core.team = team.map { Held($0) }
    core.state.delays.isDriven = true
    self.recorder = recorder
    core.state.taps.coldRecord(into: recorder)
    core.coldAddSwitch(0, table)
  }

  private static func team(
    _ count: Int, _ faults: FaultQueue, _ shared: SharedWork
  ) throws(SystemError) -> WorkerTeam {
    var parts: [(commands: CommandQueue<WorkerCore>, epoll: Epoll)] = []
    for _ in 0..<count { parts.append((try CommandQueue<WorkerCore>(), try Epoll())) }
    let all = parts
    return try WorkerTeam(workerCount: count, commands: all[0].commands, now: 0) { worker in
      WorkerLoop(
        core: WorkerCore(
          guardian: CallGuardian(), faults: faults, epoll: all[worker].epoll, shared: shared, worker: worker),
        commands: all[worker].commands, account: WorkerAccount(), poll: .busy, clock: TickClock())
    }
  }

  /// From here to `endAlone` all workers stand still, as for a command.
  package mutating func beginAlone() {
    team?.standstill.coldClose()
    team?.isStill = true
    core.coldEach { $0.state.ports.settleCalls() }
  }

  package mutating func endAlone() {
    core.coldShare()
    team?.isStill = false
    team?.standstill.coldOpen()
  }

  /// Gives a port's queue to a worker.
  package mutating func move(port: Int, to worker: Int) { core.coldMoveQueue(port, 0, to: worker) }

  /// A turn of a worker but the first, for one thread at a time; it returns the frames taken.
  package func breathing(_ worker: Int) -> @Sendable () -> Int {
    guard worker > 0, let team else { return { 0 } }
    let (standstill, others) = (team.standstill, team.others)
    return {
      standstill.enter(worker)
      defer { standstill.leave(worker) }
      // The team lives as long as this.
      return withExtendedLifetime(team) { others[worker - 1].core.breathe() }
    }
  }

  /// Adds a port; returns its number.
  package mutating func addPort(_ mode: PortMode) -> Int { addPort(mode, .vhostUser) }

  /// Adds a port that takes everything; returns its number.
  package mutating func addSink(_ mode: PortMode) -> Int { addPort(mode, .null) }

  private mutating func addPort(_ mode: PortMode, _ kind: PortKind) -> Int {
    let port = records.count
    let record = PortRecord(
      index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: mode, mtu: PortConfiguration.largestMTU,
      address: MACAddress(bits: 2), peer: nil, socket: nil, switchIndex: mode == .wire ? nil : 0,
      block: CounterBlock(workers: team?.workerCount ?? 1))
    records.append(record)
    table.fdb.coldReservePorts(port + 1)
    core.coldAddPort(record, kind)
    if kind == .null { core.coldCarrier(port) }
    return port
  }

  /// Maps a port's memory and starts a ring of it (`start` as after SET_VRING_KICK).
  ///
  /// - Parameter region: kept for the back-end that follows; nil = nothing is.
  package mutating func start(
    port: Int, memory: [MemoryRegionRequest], rings: [RingStart], inflight region: InflightRegion? = nil
  ) throws {
    let table = try MemoryTable(memory)
    let inflight = try region.map { try InflightMap($0) }
    core.coldReplaceMemory(port, table, [:])
    for ring in rings {
      var traits = QueueTraits(ring)
      traits.ring.inflight = inflight?.record(ring: ring.index, size: ring.size, isPacked: ring.isPacked).record
      core.coldStartRing(
        port,
        WorkerCore.RingInstallation(
          index: ring.index,
          layout: try RingLayout(ring.addresses, size: ring.size, isPacked: ring.isPacked, in: table),
          base: ring.base, traits: traits, isEnabled: ring.isEnabled, kick: ring.kick, call: ring.call,
          error: ring.error, inflight: inflight))
    }
  }

  /// Has a port mark the pages that it writes; nil = no more.
  package mutating func log(port: Int, in log: LogRequest?) throws(SystemError) {
    if let log { core.coldSetLog(port, try DirtyLog(log)) }
    core.coldSetLogging(port, log != nil)
  }

  /// Joins two ports of mode `.wire`.
  package mutating func connect(_ first: Int, _ second: Int) { core.coldConnect(first, second) }

  /// Replaces what is done to a port's frames; nil = nothing.
  package mutating func impair(port: Int, fromNode: Impairment?, toNode: Impairment?, seed: UInt64) {
    core.coldImpair(port, .fromNode, fromNode, seed: seed)
    core.coldImpair(port, .toNode, toNode, seed: ~seed)
  }

  /// Replaces what a port lets through.
  package mutating func setRules(port: Int, _ rules: PortRules) { core.coldSetRules(port, rules) }

  /// What a port's rules did; nil = it has none.
  package func ruleStatus(port: Int) -> RuleStatus? { core.coldRuleStatus(port) }

  /// Nanoseconds of the clock that impairments go by.
  package var now: UInt64 {
    get { core.state.delays.now }
    set { core.state.delays.now = newValue }
  }

  /// When the first frame of all that are held leaves, in nanoseconds; nil = none is held.
  package var nextRelease: UInt64? { core.state.delays.nextRelease == .max ? nil : core.state.delays.nextRelease }

  /// Seconds of the clock of ageing.
  package var tick: UInt32 {
    get { core.state.tick }
    set {
      guard newValue != core.state.tick else { return }
      core.state.tick = newValue
      core.coldAge()
    }
  }

  /// Stations that the switch knows.
  package var stationCount: Int { table.fdb.count }

  /// Has the switch know a station that was seen now; `bits` is its address, the first byte in the lowest bits.
  package func know(_ bits: UInt64, vlan: UInt16 = 1, port: Int) {
    _ = table.fdb.learn(FDB.key(vlan: vlan, MACAddress(bits: bits)), port: port, tick: core.state.tick)
  }

  /// Replaces the VLANs in which a port discards; nil = it forwards everywhere.
  package mutating func setForwarding(port: Int, discarding: VLANSet?) {
    var states = ForwardingStates()
    if let discarding { states.set(discarding, to: .discarding) }
    core.forwarder.coldSetForwarding(port, states, &core.state)
  }

  /// Most entries of the switch's table that were held at a time.
  package var longestHold: Int { table.fdb.longestHold }

  /// What a turn of the loop does beside a breath; false if nothing is owed.
  package mutating func payDebts() -> Bool {
    guard core.forwarder.hasDebts else { return false }
    core.forwarder.coldPayDebts(&core.state)
    return true
  }

  /// Lists all stations, as the control side does, on any thread; returns how many it saw.
  package var listing: @Sendable () -> Int {
    let table = table
    return {
      var count = 0
      table.fdb.forEach { _, _, _ in count += 1 }
      return count
    }
  }

  /// Forgets all stations, as the control side does; for any thread.
  package var flushing: @Sendable () -> Void {
    let table = table
    return { table.fdb.coldFlush(port: nil, vlan: nil) }
  }

  package mutating func setMode(port: Int, _ mode: PortMode) { core.coldSetMode(port, mode) }

  package mutating func setCarrier(port: Int, up: Bool) { core.coldSetWanted(port, up) }

  package mutating func remove(port: Int) { core.coldRemovePort(port) }

  /// Takes out the port that was added last, whose number is the next one's.
  package mutating func removeLast() {
    if let record = records.popLast() { core.coldRemovePort(record.index) }
  }

  /// What the recorder holds; ports are named by their numbers.
  package func recording() -> FlightRecording {
    let ports = self.records.indices.map {
      RecordedPort(
        name: "\($0)", switchName: nil, kind: .vhostUser, address: [2, 0, 0, 0, 0, 0], index: $0, from: 0, until: .max)
    }
    return FlightRecording(recorder.map { [$0.snapshot()] } ?? [], ports: ports, since: 0)
  }

  /// Starts a capture, whose interfaces are numbered and named as the ports: `0`, `1`.
  package mutating func capture(ports: [Int], _ configuration: CaptureConfiguration) -> CaptureHandle? {
    guard let rings = try? [CaptureRing](workers: 1, size: configuration.ringSize),
      let slot = core.coldStartCapture(rings, configuration)
    else { return nil }
    let handle = CaptureHandle(id: slot, rings: rings)
    for port in ports { add(port: port, to: handle) }
    return handle
  }

  /// Takes a port into a capture.
  package mutating func add(port: Int, to capture: CaptureHandle) {
    core.coldCapture(capture.id, port, capture.append(records[port]))
  }

  /// Replaces the filter of a capture; nil = all frames are wanted.
  package mutating func setFilter(_ capture: CaptureHandle, _ program: FilterProgram?) {
    _ = core.coldSetFilter(capture.id, program)
  }

  package mutating func stop(_ capture: CaptureHandle) { core.coldStopCapture(capture.id, .stopped) }

  /// TSC cycles that a breath is said to take: as many as make a port rest, unless the test says so.
  package var cyclesPerBreath: UInt64 = ActivePorts.silence

  /// One breath; returns the frames taken, from ports and from lines.
  package mutating func breathe() -> Int {
    core.state.ports.active.now &+= cyclesPerBreath
    return core.breathe()
  }

  /// Frames and bytes that went to a port's guest, and drops in both directions.
  package func counts(port: Int) -> (transmitted: UInt64, received: UInt64, drops: [String: UInt64]) {
    let block = records[port].block
    return (
      block.value(CounterBlock.Slot.transmitPackets), block.value(CounterBlock.Slot.receivePackets),
      block.ingressDrops.merging(block.egressDrops) { $0 + $1 }
    )
  }

  /// Faults since the last call.
  package func takeFaults() -> [String] {
    faults.take().compactMap { report in
      if case .fault(_, _, let fault) = report { "\(fault)" } else { nil }
    }
  }
}
