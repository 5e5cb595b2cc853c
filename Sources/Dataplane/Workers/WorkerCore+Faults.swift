import CLinux

/// What a worker does when a guest breaks the rules: that ring or port stops, everybody else goes on.
extension WorkerCore {
  /// Stops a ring, tells its front-end and the reactor.
  @inline(never)
  mutating func coldRingFault(_ port: Int, ring: Int, _ fault: RingFault) {
    // Lost memory reads as zeros, which look like any other fault.
    if clinux_fault_count() != faultCount { coldMemoryFaults() }
    coldBreak(port, rings: ring..<(ring + 1), fault)
  }

  /// Stops those of the rings that run, and reports one fault for all of them.
  private mutating func coldBreak(_ port: Int, rings: Range<Int>, _ fault: RingFault) {
    let body = ports[port].body
    guard let first = rings.first(where: { vhostUserPorts[body].rings[$0].isRunning }) else { return }
    // Reported before the front-end is told: what it does then is handled after the report.
    faults.report(port: port, ring: first, fault: fault)
    for ring in rings where vhostUserPorts[body].rings[ring].isRunning {
      vhostUserPorts[body].rings[ring].stop()
      vhostUserPorts[body].rings[ring].signalError(guardian)
    }
    vhostUserPorts[body].refresh()
    coldCarrier(port)
  }

  /// A mapped memory file was truncated and touched somewhere: finds the ports that it belongs to and stops them.
  @inline(never)
  mutating func coldMemoryFaults() {
    faultCount = clinux_fault_count()
    for port in 0..<portLimit where ports[port].kind == .vhostUser {
      let body = ports[port].body
      guard vhostUserPorts[body].table?.hasFaulted == true else { continue }
      coldBreak(port, rings: 0..<2 * vhostUserPorts[body].pairs, RingFault(.memoryTruncated))
    }
  }

  /// Takes over whether the node is there; a port that goes down is forgotten by its switch.
  @inline(never)
  mutating func coldCarrier(_ port: Int) {
    let isUp: Bool
    switch ports[port].kind {
    case .vhostUser: isUp = ports[port].isWanted && vhostUserPorts[ports[port].body].isCarrying
    case .tap: isUp = ports[port].isWanted && tapPorts[ports[port].body].isOpen
    case .trunk:
      let peer = ports[port].peer
      isUp = ports[port].isWanted && peer >= 0 && ports[peer].isWanted
    case .none: isUp = false
    }
    guard isUp != ports[port].isUp else { return }
    ports[port].isUp = isUp
    ports[port].forget()
    let switchIndex = ports[port].switchIndex
    if !isUp, switchIndex >= 0 { switches[switchIndex].fdb.flush(port: port) }
    faults.report(port: port, isUp: isUp)
  }
}
