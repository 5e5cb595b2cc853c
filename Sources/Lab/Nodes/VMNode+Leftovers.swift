import Glibc
import LinuxHost
import Logging
import Topology

/// What a daemon that died has left of a move.
extension VMNode {
  /// Seconds that two QEMUs have to finish what they are about.
  private static let settleTimeout = 20.0

  /// Finds out where a machine is that was on its way when the daemon before this one died, and ends the other QEMU.
  func settleMove() async {
    guard var known = NodeRecord.read(paths), let move = known.move, let process = known.process else { return }
    let others = ([move.other].compactMap { $0 } + strays(beside: process)).filter(\.isAlive)
    if !move.hasArrived {
      var target: ProcessIdentity?
      for other in others where target == nil {
        if await hasArrived(in: other, from: process) { target = other }
      }
      if let target {
        environment.logger.info("\(definition.name): it had arrived in process \(target.pid)")
        known.process = target
        known.sockets = move.sockets.isEmpty ? nil : move.sockets
        known.memory = move.memory
        known.move = NodeRecord.Move(other: process, hasArrived: true, sockets: [:])
        try? known.write(paths)
        return await finish(&known, ending: others.filter { $0 != target } + [process])
      }
      environment.logger.info("\(definition.name): it had not arrived elsewhere, and goes on where it was")
      for other in others { await Self.kill(other) }
      if process.isAlive { await goOn() }
      if known.memory == nil { MachineMemory.remove(paths) }
      for path in [paths.newConsoleSocket, paths.newMonitorSocket, paths.newAgentSocket, paths.moveSocket] {
        _ = try? Files.remove(path)
      }
      known.move = nil
      try? known.write(paths)
      return removeOtherSockets()
    }
    await finish(&known, ending: others)
  }

  /// Removes the sockets by which NICs are not reached any more.
  private func removeOtherSockets() {
    for nic in definition.nics {
      if let path = try? otherSocket(of: nic) { _ = try? Files.remove(path) }
    }
  }

  private func finish(_ known: inout NodeRecord, ending others: [ProcessIdentity]) async {
    takeNewSockets()
    for other in others where other != known.process { await Self.kill(other) }
    known.move = nil
    try? known.write(paths)
    removeOtherSockets()
  }

  /// Ends what is left of a move whose machine is to end, too.
  func endOthers() async {
    guard let known = record ?? NodeRecord.read(paths), let move = known.move else { return }
    let others = [move.other].compactMap { $0 } + (known.process.map { strays(beside: $0) } ?? [])
    for other in others where other != known.process { await Self.kill(other) }
  }

  /// QEMUs of this node that are not written down as its process: one may have been started just before our end.
  private func strays(beside process: ProcessIdentity) -> [ProcessIdentity] {
    OrphanMachine.find(in: environment.directories)
      .filter { $0.lab == environment.lab && $0.name == "apus-\(environment.lab)-\(definition.name)" }
      .map(\.process).filter { $0 != process }
  }

  /// Ends a QEMU at once: one that tidies up would remove sockets that another has by now, by their names.
  static func kill(_ process: ProcessIdentity) async {
    process.signal(SIGKILL)
    _ = await process.wait(timeoutSeconds: 10)
  }

  /// Whether the machine runs in another QEMU, that with the new sockets.
  ///
  /// One that is under way is called back.
  private func hasArrived(in other: ProcessIdentity, from process: ProcessIdentity) async -> Bool {
    let target = QEMUMonitor(path: paths.newMonitorSocket) { _ in }
    let source = QEMUMonitor(path: paths.monitorSocket) { _ in }
    for monitor in [target, source] { monitor.start() }
    defer { for monitor in [target, source] { monitor.close() } }
    let end = ContinuousClock.now + .seconds(Self.settleTimeout)
    while ContinuousClock.now < end, other.isAlive {
      if await target.waitForCommandMode(seconds: 0.2), await target.runs { return true }
      guard process.isAlive else { continue }
      // It may not have begun to take it in: then nobody answers.
      if await source.waitForCommandMode(seconds: 0.2), await source.hasStayed { return false }
    }
    return false
  }

  private func goOn() async {
    let monitor = QEMUMonitor(path: paths.monitorSocket) { _ in }
    monitor.start()
    defer { monitor.close() }
    guard await monitor.waitForCommandMode(seconds: Self.adoptionTimeout) else { return }
    await Self.bringBack(monitor, logger: environment.logger)
  }

  /// Lets a machine go on that was about to leave.
  ///
  /// For a moment after a migration has ended QEMU refuses to ("Migration is not finalized yet"): it is asked again.
  /// - Returns: whether it goes on.
  @discardableResult
  static func bringBack(_ monitor: QEMUMonitor, logger: Logger) async -> Bool {
    let end = ContinuousClock.now + .seconds(settleTimeout)
    while ContinuousClock.now < end {
      guard let report = (try? await monitor.ask(.queryMigration)).map({ MigrationReport($0) }),
        let status = try? await monitor.ask(.queryStatus)["status"]?.text
      else { return false }
      if report.phase.isOver {
        if status == "running" { return true }
        try? await monitor.execute(.goOn)
      } else {
        try? await monitor.execute(.cancelMigration)
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    logger.warning("the machine does not go on: see its monitor")
    return false
  }
}

extension QEMUMonitor {
  /// Its machine runs.
  var runs: Bool {
    get async { (try? await ask(.queryStatus)["status"]?.text) == "running" }
  }

  /// Whether a machine that was to leave stays for sure: it runs, and nothing is under way; what is, is called back.
  ///
  /// One that stands still to be taken over is not called back: it may be about to run in the other QEMU, and would
  /// then run in both.
  /// How a QEMU came by its machine counts as a migration that is over: that it runs tells more.
  var hasStayed: Bool {
    get async {
      guard let report = (try? await ask(.queryMigration)).map({ MigrationReport($0) }) else { return false }
      switch report.phase {
      case .failed, .cancelled: return true
      case .none, .completed: return await runs
      default:
        let status = try? await ask(.queryStatus)["status"]?.text
        // At `preSwitchover` nothing of it is there yet.
        if status != "finish-migrate" || report.phase == .preSwitchover { try? await execute(.cancelMigration) }
        return false
      }
    }
  }
}
