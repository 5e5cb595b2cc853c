import Control
import Glibc
import Lab
import Logging

/// Has another program go on with the lab of a daemon.
struct Upgrade: Sendable {
  let daemon: Daemon
  let server: ControlServer
  /// Keeps `apus.pid` locked, for the other program too.
  let lock: OpenFile
  let send: @Sendable (Daemon.Event) -> Void

  /// - Parameter path: of the program.
  /// - Throws: `UserError`; the daemon goes on.
  func run(to path: String, progress: @escaping @Sendable (String) -> Void) async throws -> UpgradeOutcome {
    do {
      let report = try await daemon.runtime.handOver(to: path, house(), progress: progress)
      let send = send
      let row = UpgradeRow(
        lab: report.lab, pid: Int(report.process), version: report.version, seconds: report.seconds)
      daemon.logger.notice("\(row.words)")
      return UpgradeOutcome(row) { send(.movedOn(process: report.process, nil)) }
    } catch let error as LostLab {
      let (send, reason) = (send, error.reason)
      return UpgradeOutcome(lost: reason) { send(.movedOn(process: 0, reason)) }
    } catch is CancellationError {
      throw UserError(.failed, "the upgrade was interrupted")
    }
  }

  private func house() -> UpgradeHouse {
    let (server, tcp, logger) = (server, daemon.tcp, daemon.logger)
    var house = UpgradeHouse(
      lock: lock, control: { server.socketFile }, http: { await tcp.handOver() },
      isForeground: daemon.isForeground, version: Product.version)
    house.letWait = { await server.letWait() }
    house.takeAgain = { await server.takeAgain() }
    let events = daemon.service.events
    house.begun = { process in
      ServiceNotice.tell("MAINPID=\(process)", logger)
      // Who looks on finds the other one at once.
      events.finish()
      Task { await server.endStreams() }
    }
    return house
  }
}

extension Daemon {
  /// Ends without touching anything of the lab, which is another process's.
  /// - Parameter error: why it is not, and nobody's.
  /// - Throws: `LostLab`.
  func leaveToOther(_ process: Int32, _ error: UserError?, _ server: ControlServer) async throws(LostLab) {
    await server.endStreams()
    await endEvents(server)
    if let error { throw LostLab(reason: error) }
    if isForeground, !ServiceNotice.isHeard {
      Output.words("lab \(name) goes on in the background, process \(process); `apus down \(name)` takes it down")
    }
  }
}
