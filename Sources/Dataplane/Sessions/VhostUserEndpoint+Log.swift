internal import LinuxHost
internal import VhostUser

/// The log of dirty pages, and rings that are held for want of one.
extension VhostUserEndpoint {
  /// How long rings may be held: a front-end gives the log within milliseconds, and a guest waits meanwhile.
  static let logPatience = Duration.seconds(1)

  func setLog(_ request: LogRequest, carryingMarks: Bool) -> OwnerAnswer {
    let new: DirtyLog
    do throws(SystemError) { new = try DirtyLog(request) } catch { return .refused("\(error)") }
    let old = log
    log = new
    advise(nil)
    guard hasPlace else {
      if let old, carryingMarks { new.carry(from: old) }
      return .done
    }
    let port = port
    // Nothing is marked in the old one any more by then; its mapping goes with this.
    return ask(afterwards: { if let old, carryingMarks { new.carry(from: old) } }) { core in
      core.coldSetLog(port, new)
      return .done
    }
  }

  func setLogging(_ isOn: Bool) -> OwnerAnswer {
    // Known to the session, and to the worker when this one has the port's place.
    guard hasPlace else { return .done }
    let port = port
    return ask { core in
      core.coldSetLogging(port, isOn)
      return .done
    }
  }

  /// What there is to say of a front-end that keeps its log to itself.
  var logAdvice: StartWatch.Advice? { session?.hasWaitedForLog == true ? .noLog : nil }

  /// Notes when the session began to hold rings, or that it holds none.
  func noteHold(at now: ContinuousClock.Instant) {
    guard session?.isHolding == true else { return heldSince = nil }
    heldSince = heldSince ?? now
  }

  /// Has rings run that were held for too long; called every now and then.
  func endHold(at now: ContinuousClock.Instant) {
    noteHold(at: now)
    guard let heldSince, let session, now - heldSince >= Self.logPatience else { return }
    do throws(ProtocolError) { try session.endHold() } catch { return fail(error) }
    advise(logAdvice)
    pump()
  }
}
