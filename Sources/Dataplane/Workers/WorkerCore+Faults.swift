import CLinux

/// What a worker does when a guest breaks the rules: that ring or port stops, everybody else goes on.
extension WorkerCore {
  /// Stops a ring, tells its front-end and the reactor.
  @inline(never)
  mutating func coldRingFault(_ port: Int, ring: Int, _ fault: RingFault) {
    // Lost memory reads as zeros, which look like any other fault.
    if clinux_fault_count() != faultCount { coldMemoryFaults() }
    coldBreak(port, fault) { $0 == ring }
  }

  /// Stops those of the rings that run, and reports one fault for all of them.
  mutating func coldBreak(_ port: Int, _ fault: RingFault, where isBroken: (Int) -> Bool) {
    let body = ports[port].body
    let rings = (0..<2 * VhostUserPort.maximumPairs).filter {
      vhostUserPorts[body].rings[$0].isRunning && isBroken($0)
    }
    guard let first = rings.first else { return }
    // Reported before the front-end is told: what it does then is handled after the report.
    faults.report(port: port, ring: first, fault: fault)
    for ring in rings {
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
      coldBreak(port, RingFault(.memoryTruncated)) { _ in true }
    }
  }
}
