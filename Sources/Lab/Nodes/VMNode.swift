import Dataplane
import Glibc
import LinuxHost
import Logging
import Topology

/// A virtual machine: a QEMU process with a vhost-user NIC a port, which outlives the daemon.
actor VMNode: Node {
  static let kind = "vm"
  /// Seconds until a guest must have booted to its agent; generous, as emulated or nested guests on a busy host can take
  /// a minute and one that died is noticed at once.
  static let bootTimeout = 180.0
  /// Seconds until an adopted guest must have answered; one that does not is left as it is.
  static let adoptionTimeout = 10.0
  /// Seconds that QEMU has for an orderly end.
  static let stopTimeout = 2.0

  let definition: NodeDefinition
  let environment: NodeEnvironment
  let canExecute = true
  nonisolated let paths: NodePaths

  /// Why the process ended, told by QEMU or seen by us.
  enum Life: Sendable, Equatable {
    case stopped
    case running
    /// The guest powered itself off.
    case poweredOff
    case failed(String)
  }

  var life = Life.stopped
  var record: NodeRecord?
  var agent: GuestAgent?
  var monitor: QEMUMonitor?
  private var watcher: Task<Void, Never>?
  /// Takes what happens to the guest while `start` waits for it.
  private var waiting: AsyncStream<BootEvent>.Continuation?
  private var sawShutdownByGuest = false

  private enum BootEvent: Sendable { case ready, ended, timeout }

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
    paths = environment.paths(of: definition.name)
  }

  func prepare(_ journal: Journal) async throws {}

  func configure() async throws {}

  func start(_ context: StartContext, isRunning: Bool) async throws {
    let clock = ContinuousClock()
    let begin = clock.now
    let (events, continuation) = AsyncStream.makeStream(of: BootEvent.self)
    waiting = continuation
    let process = isRunning ? try takeBack() : try await launch(context)
    life = .running
    sawShutdownByGuest = false
    connect()
    watch(process)
    context.progress("\(definition.name): \(isRunning ? "taken back" : "booting") (pid \(process.pid))")
    let timeout = isRunning ? Self.adoptionTimeout : Self.bootTimeout
    let timer = Task {
      try await Task.sleep(for: .seconds(timeout))
      continuation.yield(.timeout)
    }
    defer {
      timer.cancel()
      waiting = nil
    }
    switch await events.first(where: { _ in true }) {
    case .ready:
      context.progress("\(definition.name): ready in \(Seconds.text(clock.now - begin))")
    case .ended:
      throw UserError(.failed, "node \(definition.name): its QEMU ended while the guest was booting\(lastWords())")
    case .timeout where isRunning:
      environment.logger.warning("\(definition.name): the agent does not answer; the guest is left as it is")
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
    agent?.close()
    agent = nil
    monitor?.close()
    monitor = nil
  }

  func stop() async throws {
    await detach()
    if let process = (record ?? NodeRecord.read(paths))?.process { try await Self.end(process, definition.name) }
    life = .stopped
    record = nil
    try NodeRecord.remove(paths)
  }

  func remove() async throws -> [String] {
    let process = (record ?? NodeRecord.read(paths))?.process
    let wasRunning = process?.isAlive ?? false
    try await stop()
    return wasRunning ? ["process \(process?.pid ?? 0) of \(definition.name)"] : []
  }

  func condition() async -> NodeCondition {
    var condition = NodeCondition(isReady: false, process: record?.process?.pid, console: paths.consoleSocket)
    switch life {
    case .running: condition.isReady = agent?.isReady ?? false
    case .stopped, .poweredOff:
      condition.state = .stopped
      condition.process = nil
    case .failed(let reason):
      condition.state = .failed
      condition.process = nil
      condition.error = reason
    }
    return condition
  }

  func execute(_ command: [String]) async throws -> AsyncThrowingStream<ExecuteEvent, any Error> {
    guard life == .running, let agent else {
      throw UserError(
        .failed, "node \(definition.name) does not run", hint: "start it again with `apus up` and the lab's file")
    }
    do {
      return try agent.execute(command)
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

  private func launch(_ context: StartContext) async throws -> ProcessIdentity {
    let request = try spawnRequest()
    try Files.makeDirectory(paths.stateDirectory, mode: 0o700)
    try Files.makeDirectory(paths.dataDirectory)
    let process: ProcessIdentity
    do {
      process = try spawn(request)
    } catch {
      throw definition.failure("cannot start \(request.executable)", error)
    }
    context.journal.note("process \(process.pid) of \(definition.name)") { try await self.stop() }
    let known = NodeRecord(process: process)
    record = known
    try known.write(paths)
    return process
  }

  /// Ends a QEMU: SIGTERM lets it close its files; one that hangs (waiting for a port, say) is killed.
  private static func end(_ process: ProcessIdentity, _ node: String) async throws(UserError) {
    for signal in [SIGTERM, SIGKILL] {
      guard process.isAlive else { return }
      process.signal(signal)
      if await process.wait(timeoutSeconds: stopTimeout) { return }
    }
    throw UserError(.failed, "node \(node): process \(process.pid) does not end, not even when killed")
  }

  private func connect() {
    let agent = GuestAgent(path: paths.agentSocket) { [weak self] in
      Task { await self?.becameReady() }
    }
    let monitor = QEMUMonitor(path: paths.monitorSocket) { [weak self] event in
      Task { await self?.heard(event) }
    }
    monitor.holdCarrierDown(
      devices: definition.nics.indices.filter { definition.nics[$0].attachment == .none }
        .map(QEMUCommandLine.deviceID(nic:)))
    self.agent = agent
    self.monitor = monitor
    agent.start()
    monitor.start()
  }

  private func watch(_ process: ProcessIdentity) {
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

  private func becameReady() {
    waiting?.yield(.ready)
  }

  private func heard(_ event: QEMUEvent) {
    switch event {
    case .reset: agent?.guestWasReset()
    case .shutdown(let byGuest): sawShutdownByGuest = byGuest
    case .guestPanicked: environment.logger.warning("\(definition.name): the guest's kernel panicked")
    }
  }

  private func ended(_ process: ProcessIdentity) {
    guard life == .running, record?.process == process else { return }
    agent?.close()
    monitor?.close()
    life = sawShutdownByGuest ? .poweredOff : .failed("its QEMU ended\(lastWords())")
    environment.logger.warning("\(definition.name): \(sawShutdownByGuest ? "powered off" : "QEMU ended")")
    waiting?.yield(.ended)
  }

  /// The last lines of QEMU's own words and of the guest's console, to be put behind a sentence.
  private func lastWords() -> String {
    let said = Files.lastLines(of: paths.processLog, count: 3)
    let shown = Files.lastLines(of: paths.consoleLog, count: 5)
    var text = said.isEmpty ? "" : "; QEMU said: \(said.joined(separator: " | "))"
    if !shown.isEmpty { text += "; last on its console: \(shown.joined(separator: " | "))" }
    return text
  }
}
