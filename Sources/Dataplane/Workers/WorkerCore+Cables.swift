/// Carriers: whether a port's own end is there, and what both ends of a wire make of it.
///
/// No end goes by what the other one is told, only by what it *is*: two ends cannot keep each other down.
extension WorkerCore {
  /// Bursts that are taken from an interface that was set down.
  private static let mostDrainedBursts = 64

  /// Takes over whether the node is there; a port that goes down is forgotten by its switch.
  @inline(never)
  mutating func coldCarrier(_ port: Int) {
    let isUp = ports[port].isWanted && coldEndIsUp(port)
    if isUp != ports[port].isUp {
      ports[port].isUp = isUp
      ports[port].forget()
      if !isUp { coldForgetStations(of: port) }
    }
    tell(port)
    if ports[port].peer >= 0 { tell(ports[port].peer) }
  }

  /// The port's own end is there, whatever was set and whatever the other end does.
  func coldEndIsUp(_ port: Int) -> Bool {
    coldIsThere(port) || cables[port].isLatched
  }

  /// The port's carrier as it is to be seen.
  private func isCarrying(_ port: Int) -> Bool {
    guard ports[port].isUp, ports[port].mode == .wire else { return ports[port].isUp }
    let peer = ports[port].peer
    return peer >= 0 && ports[peer].isUp
  }

  /// Reports the carrier, and tells the node, if either is new.
  private mutating func tell(_ port: Int) {
    guard ports[port].kind != .none else { return }
    let isUp = isCarrying(port)
    if isUp != cables[port].isUp {
      cables[port].isUp = isUp
      faults.report(port: port, isUp: isUp)
    }
    let peer = ports[port].peer
    // A wire that is not made yet will be in a moment.
    let far = ports[port].mode != .wire || (peer >= 0 ? ports[peer].isUp : !cables[port].isCut)
    switch coldCarrierNews(port) {
    case .kernel: setTold(port, ports[port].isWanted && far)
    case .owner:
      guard cables[port].isToldByOwner else { return }
      // One that never started its rings is left alone: with its link down it never would.
      setTold(port, far || !coldEndIsUp(port))
      guard coldIsThere(port) else { return }
      cables[port].isLatched = !(cables[port].told && ports[port].isWanted)
      cables[port].latchAge = 0
    case .nobody: break
    }
  }

  private mutating func setTold(_ port: Int, _ isUp: Bool) {
    guard cables[port].told != isUp else { return }
    cables[port].told = isUp
    faults.report(coldCarrierNews(port) == .kernel ? .interface(port: port, isUp: isUp) : .held)
  }

  /// Once a second: gives up on front-ends that did not start their rings again.
  mutating func coldAgeLatches() {
    for port in 0..<portLimit where cables[port].isLatched && cables[port].told && ports[port].isWanted {
      cables[port].latchAge += 1
      guard cables[port].latchAge > Cable.latchLimit else { continue }
      cables[port].isLatched = false
      coldCarrier(port)
    }
  }

  /// The interface behind a TAP port was set up or down, or is gone.
  mutating func coldSetInterface(_ port: Int, isUp: Bool) {
    guard ports[port].kind == .tap, tapPorts[ports[port].body].isOpen else { return }
    if tapPorts[ports[port].body].isInterfaceUp != isUp {
      tapPorts[ports[port].body].isInterfaceUp = isUp
      coldCarrier(port)
    }
    // Also where this is not new: it may have been up, and down again, since the last word.
    if !isUp { coldDrain(port) }
  }

  /// Drops what an interface sent before it was set down: every frame from now on shows that it is up again.
  ///
  /// No more than a TAP's queue holds as a rule (1000 frames, `txqueuelen`): a node that sets its interface up again and
  /// sends without end must not hold the worker.
  private mutating func coldDrain(_ port: Int) {
    let body = ports[port].body
    // The kernel's word of the last frames may not have been taken yet.
    tapPorts[body].isReadable = true
    for _ in 0..<Self.mostDrainedBursts where tapPorts[body].mayHaveFrames {
      burst.reset()
      copies = 0
      _ = tapPorts[body].receive(
        queue: 0, into: burst, pool: pool, limit: Burst.capacity, depth: ports[port].neededDepth)
      if burst.count > 0 { passOn(from: port, queue: 0) }
    }
    settleCalls()
    burst.reset()
  }

  /// A frame has come from a port that is down: an interface that sends is up, though the word of it is still on its
  /// way.
  @inline(never)
  mutating func coldShowsItself(_ port: Int) {
    guard ports[port].isWanted else { return }
    coldSetInterface(port, isUp: true)
  }
}
