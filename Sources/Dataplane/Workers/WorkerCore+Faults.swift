import CLinux

/// What a worker does when a guest breaks the rules: that ring or port stops, everybody else goes on.
extension WorkerCore {
  /// Stops a ring, tells its front-end and the reactor.
  @inline(never)
  mutating func coldRingFault(_ port: Int, ring: Int, _ fault: RingFault) {
    let body = ports[port].body
    guard vhostUserPorts[body].rings[ring].isRunning else { return }
    vhostUserPorts[body].rings[ring].stop()
    vhostUserPorts[body].rings[ring].signalError()
    vhostUserPorts[body].refresh()
    coldCarrier(port)
    faults.report(port: port, ring: ring, fault: fault)
  }

  /// A mapped memory file was truncated and touched somewhere: finds the ports that it belongs to and stops them.
  @inline(never)
  mutating func coldMemoryFaults() {
    faultCount = clinux_fault_count()
    for port in 0..<portLimit where ports[port].kind == .vhostUser {
      let body = ports[port].body
      guard vhostUserPorts[body].table?.hasFaulted == true else { continue }
      for ring in 0..<2 * vhostUserPorts[body].pairs {
        coldRingFault(port, ring: ring, RingFault(.memoryTruncated))
      }
    }
  }

  /// Takes over whether the node is there; a port that goes down is forgotten by its switch.
  @inline(never)
  mutating func coldCarrier(_ port: Int) {
    let isUp: Bool
    switch ports[port].kind {
    case .vhostUser: isUp = ports[port].isWanted && vhostUserPorts[ports[port].body].isCarrying
    case .tap: isUp = ports[port].isWanted && tapPorts[ports[port].body].isOpen
    case .trunk: isUp = ports[port].isWanted
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
