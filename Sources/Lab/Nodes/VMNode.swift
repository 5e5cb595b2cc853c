import Dataplane
import Glibc
import LinuxHost
import Logging
import Topology

/// A virtual machine: a QEMU process with a vhost-user NIC a port, which outlives the daemon.
actor VMNode: Node {
  static let kind = NodeKind.vm
  static func boots(_ definition: NodeDefinition) -> Bool { true }
  static let survives = true
  static let rewires = Rewiring.nics
  static let showsCarriers = true
  /// Seconds until an adopted guest must have answered; one that does not is left as it is.
  static let adoptionTimeout = 10.0
  /// Seconds that QEMU's monitor has to answer before the machine is stopped without it.
  private static let monitorTimeout = 2.0
  /// Seconds that a guest has to shut down, emulated ones too.
  static let shutdownTimeout = 60.0

  let definition: NodeDefinition
  let environment: NodeEnvironment
  nonisolated let paths: NodePaths
  nonisolated var consoleSocket: String? { paths.consoleSocket }
  nonisolated var consoleLog: String? { paths.consoleLog }

  /// Why the process ended, told by QEMU or seen by us.
  enum Life: Sendable, Equatable {
    case stopped
    case running
    /// The guest powered itself off.
    case poweredOff
    case failed(String)
  }

  /// What happens to the guest while `start` waits for it.
  enum BootEvent: Sendable {
    case ready, ended, timeout
    case failed(UserError)
  }

  var life = Life.stopped
  var record: NodeRecord?
  var agent: (any CommandAgent)?
  var monitor: QEMUMonitor?
  /// NICs whose carrier was taken away at run time.
  var downNICs: Set<String> = []
  /// NICs on wires whose other end is down.
  var farDownNICs: Set<String> = []
  /// All that makes it ready has been seen since its start or reset.
  var hasBecomeReady = false
  /// Why it has not become ready, until it is started again or somebody stops it.
  var failure: String?
  /// Watches for that.
  var readiness: Task<Void, Never>?
  var agentAnswers: AsyncStream<GuestSetup>.Continuation?
  /// Takes what happens to the guest while `start` waits for it.
  var waiting: AsyncStream<BootEvent>.Continuation?
  /// Who waits until the guest has let go of a device, by its id.
  var unplugging: [String: AsyncStream<Void>.Continuation] = [:]
  /// Hears what becomes of the machine while it moves.
  var moveEvents: AsyncStream<MoveEvent>.Continuation?
  var waitForPort: @Sendable (NodeDefinition, Int) async throws -> Void = { _, _ in }
  /// Whoever has saved it ends it as it is.
  var standsStill = false
  var watcher: Task<Void, Never>?
  private var sawShutdownByGuest = false

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
    paths = environment.paths(of: definition.name)
  }

  func prepare(_ journal: Journal) async throws { await settleMove() }

  func configure(isThere: Bool) async throws -> [String] { [] }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    let begin = ContinuousClock.now
    let (events, continuation) = AsyncStream.makeStream(of: BootEvent.self)
    waiting = continuation
    defer { waiting = nil }
    waitForPort = context.waitForPort
    let process = isRunning ? try takeBack() : try await launch(context)
    life = .running
    sawShutdownByGuest = false
    connect()
    watch(process)
    if isRunning { await recover(context) }
    environment.events.nodeStarted(definition.name, process: process.pid, takenBack: isRunning)
    let words = context.isResumed ? "goes on" : isRunning ? "taken back" : "booting"
    context.progress("\(definition.name): \(words) (pid \(process.pid))")
    context.onStarted()
    // A failure that is known already does not keep others from going on.
    let hadFailed = isRunning && record?.setupFailure != nil
    watchReadiness(wasReady: isRunning && record?.isReady == true)
    let timeout = isRunning ? Self.adoptionTimeout : bootTimeout
    let timer = Task {
      try await Task.sleep(for: .seconds(timeout))
      continuation.yield(.timeout)
    }
    defer { timer.cancel() }
    switch await events.first(where: { _ in true }) {
    case .ready:
      context.progress("\(definition.name): ready in \(Seconds.text(.now - begin))")
    case .ended:
      throw UserError(.failed, "node \(definition.name): its QEMU ended while the guest was booting\(lastWords())")
    case .failed(let error) where hadFailed: context.progress("\(error)")
    case .failed(let error): throw error
    case .timeout where isRunning:
      environment.logger.warning("\(definition.name): not ready yet; the guest is left as it is")
    case .timeout:
      throw UserError(
        .failed, "node \(definition.name): not ready \(Int(timeout)) s after its start\(lastWords())",
        hint: "look at \(paths.consoleLog)")
    case nil:
      throw CancellationError()
    }
  }

  func detach() async {
    watcher?.cancel()
    watcher = nil
    let watch = readiness
    watch?.cancel()
    readiness = nil
    agent?.close()
    agent = nil
    monitor?.close()
    monitor = nil
    // What it had for it on this host, a namespace that asks for a port, is gone then.
    await watch?.value
  }

  func learn(_ handed: HandedNode) {
    farDownNICs = handed.farDownNICs
    if !handed.isRunning { life = handed.error.map { .failed($0) } ?? .stopped }
  }

  func stop(cleanly: Bool) async throws {
    watcher?.cancel()
    let process = (record ?? NodeRecord.read(paths))?.process
    // One that has not come up has no system that could shut down.
    let isUp = (record ?? NodeRecord.read(paths))?.isReady == true && !standsStill
    if let process, process.isAlive, isUp, let disk = definition.disk, cleanly || disk.persist {
      await shutDown(process)
    }
    await detach()
    if let process { try await Self.end(process, definition.name) }
    await endOthers()
    // It takes as much of this host as the machine had.
    MachineMemory.remove(paths)
    if life == .running { environment.events.nodeStopped(definition.name) }
    life = .stopped
    hasBecomeReady = false
    if cleanly { failure = nil }
    record = nil
    try NodeRecord.remove(paths)
  }

  func remove() async throws -> [String] {
    let process = (record ?? NodeRecord.read(paths))?.process
    let wasRunning = process?.isAlive ?? false
    try await stop(cleanly: false)
    return wasRunning ? ["process \(process?.pid ?? 0) of \(definition.name)"] : []
  }

  func condition() async -> NodeCondition {
    var condition = NodeCondition(isReady: false, process: record?.process?.pid, console: paths.consoleSocket)
    switch life {
    case .running: (condition.isReady, condition.error) = (hasBecomeReady, failure)
    case .stopped, .poweredOff:
      condition.state = failure == nil ? .stopped : .failed
      (condition.process, condition.error) = (nil, failure)
    case .failed(let reason):
      condition.state = .failed
      condition.process = nil
      condition.error = reason
    }
    return condition
  }

  func execute(_ request: CommandRequest) async throws -> StartedCommand {
    guard life == .running, let agent else {
      throw UserError(
        .different, "node \(definition.name) does not run", hint: "start it again with `apus up` and the lab's file")
    }
    do {
      return try agent.start(request)
    } catch {
      throw UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint)
    }
  }

  // MARK: - Processes

  /// The machine that a daemon before this one has started.
  private func takeBack() throws(UserError) -> ProcessIdentity {
    guard let known = NodeRecord.read(paths), let process = known.process, process.isAlive else {
      throw UserError(.failed, "node \(definition.name): its QEMU has ended")
    }
    record = known
    return process
  }

  /// Starts its QEMU.
  /// - Parameter resumed: what it goes on from; it stands still, then, and has not read it yet. nil = it boots.
  func launch(_ context: StartContext, resuming resumed: ResumedMachine? = nil) async throws -> ProcessIdentity {
    _ = try spawnRequest()
    await endOthers()
    // It was found to have ended; one that had just moved, and was found, would be a second one.
    if let old = NodeRecord.read(paths)?.process { await Self.kill(old) }
    try LabFolders.makeState(paths)
    try LabFolders.makeData(paths)
    try await makeDisks(resumed, context.progress)
    let (memory, reason) = MachineMemory.make(paths, size: definition.memory)
    if let reason {
      context.progress("note: \(definition.name): to migrate it will take a copy of its memory: \(reason)")
    }
    // Where their ports are: those of a machine that has moved are elsewhere than usual.
    let sockets = await context.sockets()
    let request = try spawnRequest(memory, sockets, resuming: resumed?.machine)
    let consoleStart = GrowingFile(path: paths.consoleLog, offset: nil).offset
    let process: ProcessIdentity
    do {
      process = try spawn(request)
    } catch {
      MachineMemory.remove(paths)
      throw definition.failure("cannot start \(request.executable)", error)
    }
    context.journal.note("process \(process.pid) of \(definition.name)") { try await self.stop(cleanly: false) }
    var known = NodeRecord(process: process)
    known.consoleStart = consoleStart
    if case .file(let path) = memory { known.memory = path }
    known.sockets = unusual(sockets)
    if definition.disk == nil {
      known.setupSteps = definition.networkSteps.count
      if definition.setup != nil { known.isSetUp = false }
    }
    if let before = resumed?.machine.record { known.goOn(from: before) }
    record = known
    try known.write(paths)
    return process
  }

  /// Presses the machine's power button and waits until it is off; one that does not listen is left to its end.
  private func shutDown(_ process: ProcessIdentity) async {
    let monitor = self.monitor ?? QEMUMonitor(path: paths.monitorSocket) { _ in }
    monitor.start()
    guard await monitor.waitForCommandMode(seconds: Self.monitorTimeout),
      (try? await monitor.execute(QMPCommand(name: "system_powerdown"))) != nil
    else { return monitor.close() }
    if await !process.wait(timeoutSeconds: Self.shutdownTimeout) {
      environment.logger.warning("\(definition.name): does not shut down; its machine is ended")
    }
    monitor.close()
  }

  private static func end(_ process: ProcessIdentity, _ node: String) async throws(UserError) {
    if await process.endMachine() { return }
    throw UserError(.failed, "node \(node): process \(process.pid) does not end, not even when killed")
  }

  /// Who speaks with its guest's agent; not connected yet.
  func makeAgent() -> any CommandAgent {
    let onAnswer: @Sendable (GuestSetup) -> Void = { [weak self] setup in
      Task { await self?.agentAnswered(setup) }
    }
    guard definition.disk == nil else {
      return QEMUGuestAgent(path: paths.agentSocket) { onAnswer(GuestSetup()) }
    }
    return GuestAgent(path: paths.agentSocket, onReady: onAnswer)
  }

  private func connect() {
    // That by which it was read.
    self.monitor?.close()
    let agent = makeAgent()
    let monitor = QEMUMonitor(path: paths.monitorSocket) { [weak self] event in
      Task { await self?.heard(event) }
    }
    self.agent = agent
    self.monitor = monitor
    holdCarriers()
    agent.start()
    monitor.start()
  }

  func watch(_ process: ProcessIdentity) {
    watcher = Task { [weak self] in
      while !Task.isCancelled {
        let hasEnded = await process.wait(timeoutSeconds: 10)
        if Task.isCancelled { return }
        guard let self else { return }
        if hasEnded {
          // What QEMU said last on its monitor may still be on its way.
          try? await Task.sleep(for: .milliseconds(100))
          return await self.ended(process)
        }
        ConsoleLog.cap(self.paths.consoleLog)
      }
    }
  }

  // MARK: - What happens to the guest

  func heard(_ event: QEMUEvent) {
    // Said before it was let go.
    guard monitor != nil else { return }
    moveEvents?.yield(.source(event))
    switch event {
    case .reset:
      agent?.guestWasReset()
      environment.events.nodeReset(definition.name)
      noteSetUp(false)
      watchReadiness(wasReady: false)
    case .shutdown(let byGuest): sawShutdownByGuest = byGuest
    case .guestPanicked: environment.logger.warning("\(definition.name): the guest's kernel panicked")
    case .deviceDeleted(let device): unplugging.removeValue(forKey: device)?.finish()
    case .stopped, .resumed, .migration, .migrationPass: break
    }
  }

  private func ended(_ process: ProcessIdentity) {
    guard life == .running, record?.process == process else { return }
    readiness?.cancel()
    agent?.close()
    monitor?.close()
    moveEvents?.yield(.sourceEnded)
    // The other one of a move may still need it.
    if record?.move == nil { MachineMemory.remove(paths) }
    life = sawShutdownByGuest ? .poweredOff : .failed("its QEMU ended\(lastWords())")
    environment.logger.warning("\(definition.name): \(sawShutdownByGuest ? "powered off" : "QEMU ended")")
    if case .failed(let reason) = life {
      environment.events.nodeFailed(definition.name, reason: reason)
    } else {
      environment.events.nodeStopped(definition.name, reason: "it was powered off")
    }
    waiting?.yield(.ended)
  }

  /// The last lines of QEMU's own words and of the guest's console, to be put behind a sentence.
  func lastWords() -> String {
    // It warns so of every back-end that has no configuration space, which no network device needs.
    let said = Files.lastLines(of: paths.processLog, count: 3).filter { !$0.contains("VHOST_USER_PROTOCOL_F_CONFIG") }
    let shown = Files.lastLines(of: paths.consoleLog, count: 5)
    var text = said.isEmpty ? "" : "; QEMU said: \(said.joined(separator: " | "))"
    if !shown.isEmpty { text += "; last on its console: \(shown.joined(separator: " | "))" }
    return text
  }
}
