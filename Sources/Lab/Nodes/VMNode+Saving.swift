import LinuxHost
import Logging
import Topology

/// A machine's part in `apus save`: it stands still, is written to a file, goes on.
extension VMNode: MachineToSave {
  nonisolated var savedParts: SavedParts {
    SavedParts(machine: self, copies: [.variables, .seed, .environment].filter { Files.exists(path(of: $0)) })
  }

  private nonisolated func path(of file: NodeFile) -> String { "\(paths.dataDirectory)/\(file.rawValue)" }

  /// Between two looks at how far QEMU is.
  private static let interval = Duration.milliseconds(5)
  /// Seconds in which at least a byte has to be written.
  static let patience = 60.0
  /// Seconds that it may take until it may go on.
  private static let finishTimeout = 20.0
  /// What QEMU calls the file that it writes.
  private static let fileName = "apus-memory"

  /// Its disks, in order; a built-in guest has none.
  nonisolated var storedDisks: [MachineStorage.Disk] { definition.disk == nil ? [] : machineDisks.storage.disks }

  nonisolated var layers: DiskLayers { DiskLayers(paths: paths, count: storedDisks.count) }

  private func savingFailed(_ error: UserError) -> UserError {
    let prefix = "node \(definition.name): "
    return UserError(
      error.code, error.message.hasPrefix(prefix) ? error.message : prefix + error.message, hint: error.hint)
  }

  private func runningMonitor() throws(UserError) -> QEMUMonitor {
    guard life == .running, let monitor else {
      throw UserError(.failed, "node \(definition.name): it does not run any more")
    }
    return monitor
  }

  /// What is to be known of it before it stands still.
  ///
  /// - Throws: `UserError` for a machine that runs and cannot be saved as it is.
  func savedForm() async throws(UserError) -> SavedNodes.Machine {
    var saved = SavedNodes.Machine(node: definition.name, isRunning: life == .running)
    saved.disks = storedDisks.indices.map { index in
      let files = DiskFiles(number: index + 1)
      return SavedNodes.Disk(
        image: ImageIdentity.read(paths, files), path: DiskOverlay.backing(of: paths.disk(index + 1)))
    }
    guard life == .running else { return saved }
    do throws(UserError) {
      let monitor = try runningMonitor()
      guard await monitor.waitForCommandMode(seconds: Self.adoptionTimeout) else {
        throw UserError(.failed, "its machine's monitor does not answer")
      }
      let status = try await monitor.ask(.queryStatus)["status"]?.text ?? "in a state that is not known"
      guard status == "running" else {
        throw UserError(.failed, "its machine is \(status): only one that runs can be saved, or one that was stopped")
      }
      let board = try await monitor.ask(.queryBoard).text ?? ""
      saved.board = board.hasSuffix("-machine") ? String(board.dropLast("-machine".count)) : board
      saved.accelerator = Accelerator.ofThisHost() == .kvm ? "kvm" : "tcg"
      saved.places = MachineFacts.places(try await monitor.ask(.queryBus))
    } catch {
      throw savingFailed(error)
    }
    // Where it is on this host is of no use elsewhere.
    var known = record
    known?.process = nil
    known?.memory = nil
    known?.sockets = nil
    saved.record = known
    return saved
  }

  /// QEMU's version, such as `7.2.22`; nil if it does not say.
  func emulatorVersion() async -> String? {
    guard let version = try? await monitor?.ask(QMPCommand(name: "query-version"))["qemu"],
      let major = version["major"]?.integer, let minor = version["minor"]?.integer
    else { return nil }
    return "\(major).\(minor).\(version["micro"]?.integer ?? 0)"
  }

  /// Stops its processors.
  func standStill() async throws(UserError) {
    do throws(UserError) {
      try await runningMonitor().execute(.standStill)
    } catch {
      throw savingFailed(error)
    }
  }

  /// Has its processors go on; nothing happens if it does not run any more.
  func resume() async throws(UserError) {
    guard life == .running, let monitor else { return }
    let end = ContinuousClock.now + .seconds(Self.finishTimeout)
    while true {
      do throws(UserError) {
        try await monitor.execute(.goOn)
        standsStill = false
        return
      } catch {
        // What it has written is whole a moment before it may go on ("Migration is not finalized yet").
        guard ContinuousClock.now < end else { throw savingFailed(error) }
        await Self.pause()
      }
    }
  }

  /// Waits a moment, also in a task that was cancelled.
  private static func pause() async { await Task { _ = try? await Task.sleep(for: interval) }.value }

  /// Lays a file over each of its disks, while it stands still: what is beneath stays as it is when it goes on.
  func layDisks() async throws(UserError) {
    do throws(UserError) {
      try await layers.lay(try runningMonitor())
    } catch {
      throw savingFailed(error)
    }
  }

  /// Demands that nothing lies over its disks, which are to be copied as they are.
  func demandWholeDisks() async throws(UserError) {
    do throws(UserError) {
      try await layers.demandNone(try runningMonitor())
    } catch {
      throw savingFailed(error)
    }
  }

  /// Writes what lies over its disks back into them; it runs, and stands still for a moment at the end.
  func mergeDisks(
    standStill: @Sendable (_ body: () async throws(UserError) -> Void) async throws(UserError) -> Void
  ) async throws(UserError) {
    do throws(UserError) {
      try await layers.merge(try runningMonitor(), standStill: standStill)
    } catch {
      throw savingFailed(error)
    }
  }

  /// Paths of its disks, in order.
  var diskPaths: [String] { storedDisks.map(\.path) }

  /// Makes one file of each disk again, of a machine that does not run.
  func settleDisks(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    let name = definition.name
    try await layers.settle(environment.variables) { progress("\(name): \($0)") }
  }

  /// Writes the machine, which stands still, to a file: its memory and its devices.
  ///
  /// It stands still afterwards, too.
  func write(to file: Descriptor) async throws(UserError) {
    do throws(UserError) {
      let monitor = try runningMonitor()
      try await monitor.execute(.wholeMigration)
      try await monitor.execute(.unlimitedMigration)
      _ = try await monitor.ask(.takeDescriptor(Self.fileName), passing: file)
      do throws(UserError) {
        try await monitor.execute(.migrate(toDescriptor: Self.fileName))
      } catch {
        try? await monitor.execute(.closeDescriptor(Self.fileName))
        throw error
      }
      try await Self.waitForEnd(monitor)
    } catch {
      throw savingFailed(error)
    }
  }

  /// Waits until QEMU has written, or read, all; as long as it gets on.
  /// - Parameter patience: seconds in which at least a byte has to be written; one that reads does not tell how much it
  ///   has read, and has to be done by then.
  static func waitForEnd(_ monitor: QEMUMonitor, patience: Double = VMNode.patience) async throws(UserError) {
    var deadline = ContinuousClock.now + .seconds(patience)
    var before = -1
    while true {
      let report = MigrationReport(try await monitor.ask(.queryMigration))
      switch report.phase {
      case .completed: return
      case .failed, .cancelled:
        throw UserError(.failed, "QEMU could not finish: \(report.error ?? "it does not say why")")
      default: break
      }
      if report.sent != before { (before, deadline) = (report.sent, .now + .seconds(patience)) }
      guard ContinuousClock.now < deadline else {
        throw UserError(.failed, "QEMU has not got on for \(Int(patience)) s")
      }
      // Who was interrupted does not wait on: the machine is to go on at once.
      do {
        try await Task.sleep(for: interval)
      } catch {
        await cancel(monitor)
        throw UserError(.failed, "interrupted")
      }
    }
  }

  /// Ends what QEMU is writing, so that the machine can go on.
  private static func cancel(_ monitor: QEMUMonitor) async {
    try? await monitor.execute(.cancelMigration)
    for _ in 0..<400 {
      guard let answer = try? await monitor.ask(.queryMigration), !MigrationReport(answer).phase.isOver else { return }
      await pause()
    }
  }

  func leaveStandingStill() { standsStill = true }

  /// What a daemon before this one was about when it died is brought to an end.
  func recover(_ context: StartContext) async {
    guard context.wasSaving || layers.areThere else { return }
    do {
      try await recoverFromSaving()
    } catch {
      environment.logger.warning("\(error)")
    }
  }

  /// A daemon that was killed while it saved has left it as it was then: standing still, its disks under layers.
  private func recoverFromSaving() async throws(UserError) {
    let monitor = try runningMonitor()
    guard await monitor.waitForCommandMode(seconds: Self.adoptionTimeout) else { return }
    // What it was writing is of no use any more.
    await Self.cancel(monitor)
    do throws(UserError) {
      try await layers.recall(monitor)
    } catch {
      environment.logger.warning("\(error)")
    }
    let status = try await monitor.ask(.queryStatus)["status"]?.text
    if ["paused", "postmigrate", "finish-migrate"].contains(status) { try await resume() }
    guard layers.areThere else { return }
    // Its disks may be large: it is taken back meanwhile.
    Task {
      do {
        try await self.mergeDisks { (body) throws(UserError) in try await self.standStill(during: body) }
      } catch {
        environment.logger.warning("\(error)")
      }
    }
  }
}
