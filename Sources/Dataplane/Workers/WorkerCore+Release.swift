/// Frames that lines let go, and the lines themselves: see Impairments/DelaySet.swift.
extension WorkerCore {
  /// Sends on what is due, a burst of each line at most; returns the frames.
  @inline(never)
  mutating func releaseDue() -> Int {
    let now = state.delays.now
    var moved = 0
    for line in 0..<state.delays.lines.count where state.delays.nextRelease(of: line) <= now {
      // What its port owes is paid where its turn would be. What leaves for a node floods nobody.
      guard isDelivery(line) || !state.isInDebt(state.delays.lines[line].port) else { continue }
      moved += release(line, until: now)
    }
    if state.delays.switchOvers.count > 0 { moved += coldServeSwitchOvers() }
    state.delays.findNextRelease()
    state.delays.released += moved
    return moved
  }

  /// What the line lets go is for a node; otherwise it is forwarded.
  private mutating func isDelivery(_ line: Int) -> Bool {
    state.delays.lines[line].direction == .toNode && state.ports[state.delays.lines[line].port].kind != .patch
  }

  @inline(never)
  private mutating func release(_ line: Int, until time: UInt64) -> Int {
    let port = state.delays.lines[line].port
    let isDelivered = isDelivery(line)
    state.reset()
    state.taps.beginRelease()
    state.delays.take(
      from: line, into: state.burst, packetIDs: state.taps.packetIDs, until: time,
      limit: isDelivered ? Burst.capacity : state.ports[port].burstLimit)
    let count = state.burst.count
    if !isDelivered { state.burst.extendScratch(to: state.ports[port].neededDepth) }
    if isDelivered { state.deliverReleased(to: port) } else { passOnReleased(from: port) }
    state.burst.reset()
    state.taps.endRelease()
    state.delays.letGo(of: line)
    return count
  }

  /// Forwards frames from a node, which were counted when they came, or from a patch.
  private mutating func passOnReleased(from port: Int) {
    if state.ports[port].kind == .patch {
      forwarder.crossReleased(port, &state)
    } else {
      guard state.ports[port].isUp else {
        for index in 0..<state.burst.count { state.refuse(index, at: port, .portDown) }
        return
      }
      if state.ports[port].taps & state.taps.punts != 0 { state.punt(from: port, queue: 0) }
      _ = forwarder.forwardBurst(from: port, &state)
    }
    state.deliverTouched()
    state.adaptBurst(port)
  }

  // Commands.

  /// Replaces what is done to one direction of a port; see `Dataplane.setImpairment`.
  mutating func coldImpair(_ port: Int, _ direction: DelayLine.Direction, _ impairment: Impairment?, seed: UInt64) {
    guard state.ports[port].kind != .none else { return }
    let line = direction == .fromNode ? state.ports[port].ingressLine : state.ports[port].egressLine
    guard let impairment else {
      if line >= 0 { coldEmptyLine(line) }
      return
    }
    guard line < 0 else { return state.delays.coldChange(line, impairment) }
    let added = state.delays.coldAdd(impairment, port: port, direction, seed: seed)
    switch direction {
    case .fromNode: state.ports[port].ingressLine = added
    case .toNode: state.ports[port].egressLine = added
    }
    state.ports.coldNote(port)
  }

  /// What the lines of a port have done.
  func coldImpairments(of port: Int) -> [ImpairmentStatus] {
    [state.ports[port].ingressLine, state.ports[port].egressLine].filter { $0 >= 0 }.map {
      state.delays.lines[$0].coldStatus
    }
  }

  /// Ends a line; what it holds goes on at once.
  private mutating func coldEmptyLine(_ line: Int) {
    while state.delays.lines[line].count > 0 { _ = release(line, until: .max) }
    state.ports.settleCalls()
    coldRemoveLine(line)
  }

  /// Ends the lines of a port; what they hold is gone.
  mutating func coldRemoveLines(of port: Int) {
    for line in [state.ports[port].ingressLine, state.ports[port].egressLine] where line >= 0 { coldRemoveLine(line) }
  }

  private mutating func coldRemoveLine(_ line: Int) {
    let port = state.delays.lines[line].port
    if state.ports[port].ingressLine == line { state.ports[port].ingressLine = -1 }
    if state.ports[port].egressLine == line { state.ports[port].egressLine = -1 }
    state.ports.coldNote(port)
    state.delays.coldRemove(line)
  }
}
