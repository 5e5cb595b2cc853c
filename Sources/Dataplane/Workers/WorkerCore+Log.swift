internal import VhostUser

/// What a front-end's messages have a worker do about the log of dirty pages; see `VhostUserEndpoint`.
extension WorkerCore {
  /// Replaces the log of a port; nothing is marked in the one before any more.
  mutating func coldSetLog(_ port: Int, _ log: DirtyLog) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].log = log
    coldAttachLogs(port)
    coldTellBroken()
  }

  /// Pages that are written from now on are marked, or are not.
  mutating func coldSetLogging(_ port: Int, _ isOn: Bool) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].isLogging = isOn
    coldAttachLogs(port)
    coldTellBroken()
  }

  /// Has the rings of a port mark in the log that it has; one whose own words are not in it breaks.
  ///
  /// Called after each change of the log, of the number of rings, or of where they are.
  mutating func coldAttachLogs(_ port: Int) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].attachLogs()
    let size = state.ports.vhostUser[body].log?.size ?? 0
    for ring in 0..<state.ports.vhostUser[body].rings.count {
      guard let address = state.ports.vhostUser[body].addressOutsideLog(of: ring) else { continue }
      state.ports.coldBreak(port, RingFault(.ringOutsideLog, seen: address, limit: size)) { $0 == ring }
    }
  }
}
