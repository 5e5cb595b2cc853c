/// Ports in switch-over: when frames to them begin to wait, when they go on, and where to (`WorkerState+SwitchOver` has
/// how they are kept).
///
/// The first worker's. What changes a port's settings is a command, or done while all stand still.
extension WorkerCore {
  // Beginning and ending.

  /// Has frames to a port wait from now on.
  ///
  /// - Parameters:
  ///   - limit: nanoseconds that they wait at most.
  ///   - isAsked: until `coldReleaseFrames`, be the node there or not.
  mutating func coldHoldFrames(_ port: Int, limit: UInt64, isAsked: Bool) {
    guard port < state.ports.capacity, ![.none, .patch].contains(state.ports[port].kind) else { return }
    state.delays.readClock()
    var place = state.ports[port].switchOver
    if place < 0 {
      place = state.delays.coldAdd(SwitchOver(port: port, limit: state.ports.cables[port].bufferLimit))
      state.ports[port].switchOver = place
      state.ports.coldNote(port)
    } else if !isAsked, state.delays.switchOvers[place].isAsked {
      // Whoever asked for it may have asked for longer.
      return coldCarrier(port)
    }
    state.delays.switchOvers[place].isAsked = isAsked || state.delays.switchOvers[place].isAsked
    coldEnter(.waiting, place, for: limit)
    coldCarrier(port)
  }

  /// Frames to a port need not wait any longer, as far as whoever asked for it is concerned.
  ///
  /// A node that is not there has as long to come back from now on as one that nobody asked for, however long was asked
  /// for.
  mutating func coldReleaseFrames(_ port: Int) {
    guard port < state.ports.capacity, state.ports[port].switchOver >= 0 else { return }
    let place = state.ports[port].switchOver
    if state.delays.switchOvers[place].isAsked {
      state.delays.switchOvers[place].isAsked = false
      coldEnter(.waiting, place, for: state.delays.switchOverLimit)
    }
    coldCarrier(port)
  }

  /// Bytes of frames that wait at most.
  mutating func coldSetBufferLimit(_ port: Int, _ limit: Int) {
    guard port < state.ports.capacity, state.ports[port].kind != .none else { return }
    state.ports.cables[port].bufferLimit = limit
    if state.ports[port].switchOver >= 0 { state.delays.switchOvers[state.ports[port].switchOver].limit = limit }
  }

  /// The node behind a port in switch-over will not come back to it: what is kept looks for it elsewhere.
  mutating func coldLoseNode(_ port: Int) {
    guard port < state.ports.capacity, state.ports[port].switchOver >= 0 else { return }
    let place = state.ports[port].switchOver
    guard !state.ports.coldIsThere(port), !state.delays.switchOvers[place].isAsked else { return }
    coldEnter(.lost, place, for: SwitchOver.stationPatience)
    coldCarrier(port)
  }

  /// What a port's end has come to is new: kept frames go on, or wait again.
  mutating func coldFollowNode(_ port: Int) {
    let place = state.ports[port].switchOver
    guard state.ports[port].isWanted else { return coldEndSwitchOver(port, dropping: .carrierDown) }
    let isThere = state.ports.coldIsThere(port) && !state.delays.switchOvers[place].isAsked
    switch state.delays.switchOvers[place].phase {
    case .waiting, .lost: if isThere { coldEnter(.open, place, for: nil) }
    case .open: if !isThere { coldEnter(.waiting, place, for: state.delays.switchOverLimit) }
    }
  }

  private mutating func coldEnter(_ phase: SwitchOver.Phase, _ place: Int, for limit: UInt64?) {
    state.delays.readClock()
    let now = state.delays.now
    let port = state.delays.switchOvers[place].port
    let deadline = limit.map { now > .max - $0 ? .max : now + $0 } ?? .max
    state.delays.switchOvers[place].phase = phase
    state.delays.switchOvers[place].blockedSince = 0
    state.delays.switchOvers[place].deadline = deadline
    state.delays.switchOvers[place].nextLook = phase == .waiting ? deadline : now
    state.ports.cables[port].isHeld = phase != .lost
    state.delays.findNextRelease()
  }

  /// Ends a port's switch-over.
  ///
  /// - Parameter reason: why what is kept is dropped; nil = it is not counted, or there is nothing.
  mutating func coldEndSwitchOver(_ port: Int, dropping reason: EgressDrop?) {
    let place = state.ports[port].switchOver
    guard place >= 0 else { return }
    if let reason {
      while !state.delays.switchOvers[place].isEmpty {
        coldTakeKept(place)
        state.coldRefuseKept(at: port, reason)
        coldSettleKept(place, state.burst.count)
      }
    }
    state.delays.coldRemoveSwitchOver(place)
    state.ports.cables[port].isHeld = false
    state.ports[port].switchOver = -1
    state.ports.coldNote(port)
    coldCarrier(port)
  }

  /// Another front-end has the memory and rings of a port from now on, of which none runs; nil = it has given none yet.
  mutating func coldChangeFrontEnd(_ port: Int, _ table: MemoryTable?, _ log: DirtyLog?, isLogging: Bool) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].table = table
    state.ports.vhostUser[body].memory = table?.memory
    (state.ports.vhostUser[body].log, state.ports.vhostUser[body].isLogging) = (log, isLogging)
    coldAttachLogs(port)
  }

  // Looking after them.

  /// Hands on what may be; returns the frames.
  @inline(never)
  mutating func coldServeSwitchOvers() -> Int {
    let now = state.delays.now
    var moved = 0
    for place in 0..<state.delays.switchOvers.count where state.delays.switchOvers[place].port >= 0 {
      guard state.delays.switchOvers[place].nextLook <= now else { continue }
      if state.delays.switchOvers[place].phase == .waiting { coldExpire(place) }
      switch state.delays.switchOvers[place].phase {
      case .waiting: break
      case .open: moved += coldLetIn(place, now)
      case .lost: moved += coldSendAfter(place, now)
      }
    }
    return moved
  }

  /// The node has not come back in time.
  private mutating func coldExpire(_ place: Int) {
    coldAlone { core in
      let port = core.state.delays.switchOvers[place].port
      guard port >= 0, core.state.delays.switchOvers[place].phase == .waiting else { return }
      core.state.delays.switchOvers[place].isAsked = false
      if core.state.ports.coldIsThere(port) {
        core.coldEnter(.open, place, for: nil)
      } else {
        core.coldEndSwitchOver(port, dropping: .migrationBuffer)
      }
    }
  }

  /// Gives a node that is there again a burst of what was kept for it.
  private mutating func coldLetIn(_ place: Int, _ now: UInt64) -> Int {
    let port = state.delays.switchOvers[place].port
    let takesLarge = state.ports.egressTraits(port).takesLarge
    coldTakeKept(place, for: takesLarge)
    let done = state.coldDeliverKept(to: port)
    coldSettleKept(place, done)
    if done > 0 {
      state.delays.switchOvers[place].blockedSince = 0
    } else if state.delays.coldIsEmpty(place) {
      coldFinish(place)
    } else {
      let since = state.delays.switchOvers[place].blockedSince
      if since == 0 { state.delays.switchOvers[place].blockedSince = now }
      state.delays.switchOvers[place].nextLook = now + SwitchOver.bufferPause
      // A node that takes nothing has these in vain, as it would have without a switch-over.
      if since != 0, now - since >= SwitchOver.bufferPatience {
        coldAlone { $0.coldEndSwitchOver(port, dropping: .noBuffer) }
      }
    }
    return done
  }

  /// Everything that was kept has left: from now on frames go their straight way.
  private mutating func coldFinish(_ place: Int) {
    coldAlone { core in
      // Another worker may have put something in meanwhile.
      guard core.state.delays.switchOvers[place].isEmpty, core.state.delays.switchOvers[place].phase == .open else {
        return
      }
      core.coldEndSwitchOver(core.state.delays.switchOvers[place].port, dropping: nil)
    }
  }

  /// Sends what was kept for a node that has left to where the switch has found it since.
  private mutating func coldSendAfter(_ place: Int, _ now: UInt64) -> Int {
    let port = state.delays.switchOvers[place].port
    let isLast = now >= state.delays.switchOvers[place].deadline
    coldTakeKept(place)
    let done = forwarder.coldSendAfter(port, isLast: isLast, &state)
    coldSettleKept(place, done)
    if done == 0 {
      if state.delays.coldIsEmpty(place) || isLast {
        coldAlone { $0.coldEndSwitchOver(port, dropping: .migrationBuffer) }
      } else {
        let deadline = state.delays.switchOvers[place].deadline
        state.delays.switchOvers[place].nextLook = min(now + SwitchOver.stationPause, deadline)
      }
    }
    return done
  }

  /// Puts the first frames that are kept into the burst.
  ///
  /// - Parameter takesLarge: large frames that may be whole; nil = they are as they are kept.
  private mutating func coldTakeKept(_ place: Int, for takesLarge: LargeFrameTypes? = nil) {
    state.reset()
    state.taps.beginRelease()
    state.delays.begin()
    if let takesLarge {
      state.delays.switchOvers.place(place).element.load(into: state.burst, state.taps.packetIDs, for: takesLarge)
    } else {
      state.delays.switchOvers.place(place).element.loadWhole(into: state.burst, state.taps.packetIDs)
    }
    state.delays.end()
  }

  /// So many of them are done with.
  private mutating func coldSettleKept(_ place: Int, _ done: Int) {
    state.delays.begin()
    state.delays.switchOvers.place(place).element.removeFirst(done)
    state.delays.end()
    state.burst.reset()
    state.taps.endRelease()
  }

  /// What waits for a port in switch-over; nil = it is in none.
  func coldHeld(_ port: Int) -> HeldStatus? {
    let place = state.ports[port].switchOver
    guard place >= 0 else { return nil }
    state.delays.begin()
    defer { state.delays.end() }
    return HeldStatus(
      frames: state.delays.switchOvers[place].count, bytes: state.delays.switchOvers[place].bytes,
      limit: state.delays.switchOvers[place].limit)
  }
}
