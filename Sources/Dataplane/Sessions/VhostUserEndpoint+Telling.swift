internal import VhostUser

/// What people are told of a front-end beside what it did wrong.
extension VhostUserEndpoint {
  /// A line about this front-end: of two of a port it says which.
  func told(_ text: String) -> String { isStandby ? "the front-end that stands by: \(text)" : text }

  /// Gives advice about a session that does not get on; called every now and then.
  func look(at now: ContinuousClock.Instant) {
    guard let session, watch.isDue(at: now) else { return }
    guard table != nil else { return advise(session.hasWaitingRing ? .noMemory : .nothing) }
    // A ring that runs has the base that it started at.
    var started: [Int: UInt32] = [:]
    for index in session.startedRings { started[index] = session.ring(index)?.base }
    guard !started.isEmpty else { return advise(logAdvice) }
    let bases = started
    let (port, serial, epoch, reactor) = (port, serial, epoch, reactor)
    worker.commands.submit { core in
      let activity = core.coldActivity(port, since: bases)
      reactor.submit { state in state.frontEnd(port, serial)?.judge(activity, epoch: epoch) }
    }
  }

  /// What a worker has seen of the session's rings.
  private func judge(_ activity: RingActivity, epoch: Int) {
    guard epoch == self.epoch, session != nil, table != nil else { return }
    if activity.hasMoved {
      watch.end()
      _ = report.advisePort(nil)
    }
    advise(activity.isDead ? .privateMemory : logAdvice)
  }

  func advise(_ advice: StartWatch.Advice?) {
    guard report.advise(advice?.text), let advice, let line = report.line(told(advice.text), .advice(advice)) else {
      return
    }
    events(.portAdvice(port: name, text: line))
  }

  /// The first front-end of the port goes on after all, so this one cannot.
  func giveWay() {
    let reason = "the machine that it was to take over from goes on, so its session was ended"
    report.noteRefusal(reason)
    if let line = report.line(told(reason), .givenWay) { events(.portRefusal(port: name, reason: line)) }
    disconnect()
  }
}
