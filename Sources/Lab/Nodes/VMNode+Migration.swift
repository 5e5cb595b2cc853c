import Glibc
import LinuxHost
import Logging
import Topology

/// What happens to a machine while it moves from one QEMU into another.
enum MoveEvent: Sendable {
  case source(QEMUEvent)
  case target(QEMUEvent)
  case sourceEnded, targetEnded
  /// It is time to ask how far it is.
  case look
}

/// Moving a machine into another QEMU of this host.
///
/// The one that it leaves is ended only when the other one has said that it runs there: QEMU's source says `completed`
/// even where its target has died (as without `return-path`). Until then all of it can be taken back.
extension VMNode {
  static let migrates = true

  func migrate(_ wish: MigrationWish, _ help: MigrationHelp) async throws -> MigrationOutcome {
    let begin = ContinuousClock.now
    let (monitor, process) = try await movable()
    let (events, note) = AsyncStream.makeStream(of: MoveEvent.self)
    let move = try await plan(wish, help, monitor, process, note)
    moveEvents = note
    defer { moveEvents = nil }
    var target: MoveTarget?
    do {
      let opened = try await startOther(move)
      target = opened
      try await move.carryOut(into: opened, events)
      // In tasks of their own, since this one may be cancelled.
      return await Task { await self.arrive(move, at: opened, since: begin) }.value
    } catch {
      let reached = target
      let ending = Task { () -> (outcome: MigrationOutcome?, goesOn: Bool) in
        if let reached, await move.hasArrivedAllTheSame(at: reached) {
          return (await self.arrive(move, at: reached, since: begin), true)
        }
        return (nil, await self.giveUp(move, reached))
      }
      let end = await ending.value
      if let outcome = end.outcome { return outcome }
      throw move.explained(error, goesOn: end.goesOn)
    }
  }

  /// - Returns: the monitor and the process of a machine that can move now.
  private func movable() async throws(UserError) -> (QEMUMonitor, ProcessIdentity) {
    let name = definition.name
    guard life == .running, let monitor, let process = record?.process else {
      throw UserError(.different, "node \(name) does not run", hint: "`apus start \(name)` starts it")
    }
    if let failure { throw UserError(.different, "node \(name) has failed, and is not migrated: \(failure)") }
    guard hasBecomeReady else {
      throw UserError(.different, "node \(name) is not ready yet", hint: "`apus ps` tells when it is")
    }
    guard await monitor.waitForCommandMode(seconds: Self.adoptionTimeout) else {
      throw UserError(.failed, "node \(name): its machine's monitor does not answer")
    }
    let status = try await monitor.ask(.queryStatus)["status"]?.text ?? "unknown"
    guard status == "running" else {
      throw UserError(.different, "node \(name): its machine stands still (\(status))", hint: "let it go on first")
    }
    // The other QEMU would open its disks without what lies over them.
    try await demandWholeDisks()
    return (monitor, process)
  }

  /// Finds out what the other QEMU has to be like; changes nothing.
  private func plan(
    _ wish: MigrationWish, _ help: MigrationHelp, _ monitor: QEMUMonitor, _ process: ProcessIdentity,
    _ note: AsyncStream<MoveEvent>.Continuation
  ) async throws(UserError) -> MachineMove {
    let name = definition.name
    guard let words = MovedMachine.words(of: process) else {
      throw UserError(.failed, "node \(name): cannot read what process \(process.pid) was started with")
    }
    guard let executable = Executables.find(Self.program, environment.variables) else {
      throw UserError(.failed, "node \(name): no program \(Self.program) on this host")
    }
    var sockets: [String: String] = [:]
    for nic in definition.nics { sockets[nic.name] = try otherSocket(of: nic) }
    let isCopied = !(MovedMachine.memoryFile(in: words) == paths.memory && process.maps(paths.memory))
    if isCopied { try checkRoom() }
    var machine = MovedMachine(
      words: words, sockets: try replacedSockets(sockets), machine: nil,
      memory: isCopied ? .anonymous : .file(paths.memory), nics: Set(definition.nics.map(\.name)), plugged: [],
      accelerator: .ofThisHost())
    let type = try await monitor.ask(.machineType).text
    machine.machine = type.map { $0.hasSuffix("-machine") ? String($0.dropLast("-machine".count)) : $0 }
    machine.plugged = try await pluggedNICs(monitor, sockets)
    return MachineMove(
      definition: definition, paths: paths, logger: environment.logger, wish: wish, help: help, source: monitor,
      sourceProcess: process, isCopied: isCopied, machine: machine, executable: executable, sockets: sockets, note: note
    )
  }

  /// Looks whether its memory fits into this host once more.
  private func checkRoom() throws(UserError) {
    guard let room = HostFacts.memoryAvailable, room < UInt64(clamping: definition.memory) else { return }
    throw UserError(
      .failed,
      "node \(definition.name): its \(definition.memory >> 20) MiB of memory would have to be copied, and this host "
        + "has \(room >> 20) MiB left")
  }

  /// Sockets of the QEMU that runs, and what stands in the place of each in the other one.
  /// - Parameter sockets: of NICs in the other one, by NIC.
  private func replacedSockets(_ sockets: [String: String]) throws(UserError) -> [String: String] {
    for path in [paths.moveSocket, paths.newConsoleSocket] + sockets.values { try SocketPath.check(path) }
    var replaced = [
      paths.consoleSocket: paths.newConsoleSocket, paths.monitorSocket: paths.newMonitorSocket,
      paths.agentSocket: paths.newAgentSocket,
    ]
    for nic in definition.nics { replaced[try socketPath(of: nic)] = sockets[nic.name] }
    return replaced
  }

  /// A machine has two names for the sockets of its NICs: one in the QEMU that runs, the other for the next.
  func otherSocket(of nic: NICDefinition) throws(UserError) -> String {
    let usual = try environment.socketPath(of: nic, node: definition.name)
    guard try socketPath(of: nic) == usual else { return usual }
    let file = PortName.nic(node: definition.name, nic: nic.name).otherSocketFile
    return "\(environment.directories.state(environment.lab))/\(file)"
  }

  /// NICs that were plugged in, which QEMU itself has found places for.
  private func pluggedNICs(
    _ monitor: QEMUMonitor, _ sockets: [String: String]
  ) async throws(UserError) -> [(nic: MovedMachine.PluggedNIC, socket: String)] {
    let names = Set(record?.plugged ?? [])
    let nics = definition.nics.filter { names.contains($0.name) }
    guard !nics.isEmpty else { return [] }
    let answer = try await monitor.ask(QMPCommand(name: "query-pci"))
    let devices = answer.items.flatMap { $0["devices"]?.items ?? [] }
    var plugged: [(nic: MovedMachine.PluggedNIC, socket: String)] = []
    for nic in nics {
      guard let device = devices.first(where: { $0["qdev_id"]?.text == NICDevice.id(nic.name) }),
        let slot = device["slot"]?.integer, let socket = sockets[nic.name]
      else { throw UserError(.failed, "node \(definition.name): its machine does not know its NIC \(nic.name)") }
      let function = device["function"]?.integer ?? 0
      let place = NICDevice.Place(slot: slot, function: function, sharesSlot: function > 0)
      plugged.append((MovedMachine.PluggedNIC(nic: nic, place: place), socket))
    }
    return plugged
  }

  // MARK: - The other QEMU

  /// Starts the other QEMU; what is there of it is written down first.
  private func startOther(_ move: MachineMove) async throws -> MoveTarget {
    var move = move
    try removeNewSockets()
    let begun = NodeRecord.Move(sockets: unusual(move.sockets) ?? [:], memory: record?.memory)
    record?.move = begun
    try record?.write(paths)
    if move.isCopied {
      (move.machine.memory, _) = MachineMemory.make(paths, size: definition.memory)
      if case .file(let path) = move.machine.memory { record?.move?.memory = path } else { record?.move?.memory = nil }
    }
    for nic in definition.nics {
      try Task.checkCancellation()
      try await move.help.addStandby(nic, move.sockets[nic.name] ?? "")
    }
    let said = GrowingFile(path: paths.processLog, offset: nil)
    let process = try spawn(move.request)
    record?.move?.other = process
    try record?.write(paths)
    move.tell("a second QEMU has started (pid \(process.pid))")
    let note = move.note
    let monitor = QEMUMonitor(path: paths.newMonitorSocket) { [weak self] event in
      note.yield(.target(event))
      Task { await self?.heard(event, from: process) }
    }
    let target = MoveTarget(process: process, monitor: monitor, said: said)
    monitor.start()
    do {
      try await target.waitUntilReady(move)
      await prepareLines(move)
      return target
    } catch {
      // Nobody else knows it yet.
      await target.end()
      throw error
    }
  }

  /// An event of the other QEMU, which counts once the machine is there.
  private func heard(_ event: QEMUEvent, from process: ProcessIdentity) {
    if record?.process == process { heard(event) }
  }

  private func removeNewSockets() throws(UserError) {
    for path in [paths.newConsoleSocket, paths.newMonitorSocket, paths.newAgentSocket, paths.moveSocket] {
      try Files.remove(path)
    }
  }

  /// Connects whoever speaks with the guest to the other QEMU too, so that nothing of what is said is lost.
  ///
  /// What is sent to the agent waits until the machine is there. Where the guest does not read what was sent, its agent
  /// is not kept: it is connected to anew, and commands that run then end with an error.
  private func prepareLines(_ move: MachineMove) async {
    if let console = move.help.console(), let socket = try? UnixSocket.connect(path: paths.newConsoleSocket) {
      console.prepare(socket, holds: false)
    }
    guard let agent = agent?.connection?.socket, let socket = try? UnixSocket.connect(path: paths.newAgentSocket) else {
      return
    }
    agent.prepare(socket, holds: true)
    if await !agent.isDrained(within: 1) { agent.stay() }
  }

  // MARK: - The end

  /// The machine runs in the other QEMU: that is the node's from now on, and the one that it left ends.
  private func arrive(
    _ move: MachineMove, at target: MoveTarget, since begin: ContinuousClock.Instant
  ) async -> MigrationOutcome {
    watcher?.cancel()
    moveEvents = nil
    let isWritten = noteArrival(move, target)
    let report = await move.finalReport()
    for nic in definition.nics {
      do {
        try await move.help.promote(nic)
      } catch {
        move.tell("note: NIC \(nic.name): \(error)")
      }
    }
    await move.hold(false)
    takeNewSockets()
    if life != .running { comeBack() }
    agent?.connection?.socket.arrive()
    move.help.console()?.arrive()
    let old = monitor
    monitor = target.monitor
    target.monitor.socketMoved(to: paths.monitorSocket)
    holdCarriers()
    watch(target.process)
    old?.close()
    // A daemon after this one would look for the machine in the one that is about to end.
    if !isWritten, let record { note(record) }
    await Self.kill(move.sourceProcess)
    removeEmulatedSockets(move, but: move.sockets)
    record?.move = nil
    if let record { note(record) }
    return MigrationOutcome(
      node: definition.name, process: target.process.pid, isCopied: move.isCopied, rounds: report?.rounds ?? 0,
      sent: report?.sent ?? 0, downtime: Double(report?.downtime ?? 0) / 1000,
      seconds: (ContinuousClock.now - begin) / .seconds(1))
  }

  /// The machine that it left had ended before anybody knew that it runs in the other one.
  private func comeBack() {
    life = .running
    let agent = makeAgent()
    self.agent = agent
    agent.start()
  }

  /// - Returns: whether it is written down.
  private func noteArrival(_ move: MachineMove, _ target: MoveTarget) -> Bool {
    guard var known = record else { return true }
    known.process = target.process
    known.sockets = unusual(move.sockets)
    known.memory = known.move?.memory
    known.move = NodeRecord.Move(other: move.sourceProcess, hasArrived: true, sockets: [:])
    record = known
    return note(known)
  }

  /// Removes the sockets that a QEMU has made for NICs that it emulates, and, being killed, has not removed.
  /// - Parameter used: those that are in use, by NIC.
  private func removeEmulatedSockets(_ move: MachineMove, but used: [String: String]) {
    for nic in move.emulated {
      guard let path = try? otherSocket(of: nic), path != used[nic.name] else { continue }
      _ = try? Files.remove(path)
    }
  }

  /// The machine goes on where it was: the other QEMU and all that was made for it go.
  /// - Returns: whether it goes on.
  private func giveUp(_ move: MachineMove, _ target: MoveTarget?) async -> Bool {
    await target?.end()
    if let other = record?.move?.other { await Self.kill(other) }
    agent?.connection?.socket.stay()
    move.help.console()?.stay()
    for nic in definition.nics { await move.help.removeStandby(nic) }
    var goesOn = false
    if life == .running { goesOn = await Self.bringBack(move.source, logger: environment.logger) }
    await move.hold(false)
    try? removeNewSockets()
    removeEmulatedSockets(move, but: [:])
    if move.isCopied || life != .running { MachineMemory.remove(paths) }
    record?.move = nil
    if let record { note(record) }
    return goesOn && life == .running
  }

  /// - Returns: whether it is written down.
  @discardableResult
  private func note(_ record: NodeRecord) -> Bool {
    do throws(UserError) {
      try record.write(paths)
      return true
    } catch {
      environment.logger.error("\(definition.name): \(error)")
      return false
    }
  }

  /// Gives the sockets of the other QEMU the names by which everybody knows them.
  func takeNewSockets() {
    guard let folder = LabFolders.findState(paths) else { return }
    let names: [(NodeFile, NodeFile)] = [
      (.newConsoleSocket, .consoleSocket), (.newMonitorSocket, .monitorSocket), (.newAgentSocket, .agentSocket),
    ]
    for (new, usual) in names where (try? folder.kind(of: new.rawValue)) == .socket {
      _ = try? folder.rename(new.rawValue, to: usual.rawValue)
    }
    _ = try? folder.remove(NodeFile.moveSocket.rawValue)
  }
}
