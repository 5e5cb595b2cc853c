import CLinux

/// What the rings of vhost-user ports need beyond `WorkerPort`: calls that are made behind one fence for all, buffers that
/// are asked for ahead, and the end of those whose guests break the rules.
extension PortSet {
  // Asking ahead.

  /// The vhost-user port, by its place in its pool, that a port's frames go to as a rule, all of them to the same ring; or
  /// -1.
  @inline(__always)
  func likelyOutput(of port: Int) -> Int {
    // Where there are several workers another one may be at the ring.
    guard !isShared else { return -1 }
    let output = self[port].mode == .wire ? self[port].peer : self[port].lastOutput
    guard output >= 0, self[output].kind == .vhostUser else { return -1 }
    let body = self[output].body
    return vhostUser[body].canDeliver && !vhostUser[body].isSteering ? body : -1
  }

  // Several workers.

  /// Nobody else puts frames into a ring, or calls its driver, until `giveBack`: of receive rings, where there are several
  /// workers; a transmit ring has one.
  @inline(__always)
  func take(_ port: Int, ring: Int) {
    if isShared, ring & 1 == 0 { vhostUser[self[port].body].locks[ring >> 1].take() }
  }

  @inline(__always)
  func giveBack(_ port: Int, ring: Int) {
    if isShared, ring & 1 == 0 { vhostUser[self[port].body].locks[ring >> 1].giveBack() }
  }

  // Calls.

  /// Gives a guest its buffers back: one store for all, and a call if it waits for one.
  @inline(__always)
  mutating func finish(_ port: Int, ring: Int) {
    if clinux_fault_count() != faultCount, coldLosesMemory(port) { return }
    take(port, ring: ring)
    let outcome = vhostUser[self[port].body].publish(ring)
    giveBack(port, ring: ring)
    if outcome.call >= 0, !GuestQueue<NegotiatedRing>.signal(outcome.call, guardian) {
      return coldRingFault(port, ring: ring, RingFault(.callBlocked))
    }
    guard outcome.isNew else { return }
    if unsettledCount == unsettled.count { settleCalls() }
    unsettled[unsettledCount] = UnsettledRing(
      port: UInt16(truncatingIfNeeded: port), ring: UInt16(truncatingIfNeeded: ring))
    unsettledCount += 1
  }

  /// Looks once more, behind one fence for all rings of the breath, whether a driver went to sleep while its entries
  /// were on their way: its look at the used index and ours at its wish must not both miss.
  ///
  /// Entries that another worker has put into a ring that is noted here are settled with it: that worker gave the ring's lock
  /// back before this one takes it, so they are visible when its driver's wish is read.
  @inline(__always)
  mutating func settleCalls() {
    guard unsettledCount > 0 else { return }
    clinux_fence()
    for position in 0..<unsettledCount {
      let (port, ring) = (Int(unsettled[position].port), Int(unsettled[position].ring))
      let body = self[port].body
      // By now another port, with fewer rings, may have the number.
      guard self[port].kind == .vhostUser, ring < vhostUser[body].rings.count else { continue }
      take(port, ring: ring)
      let call = vhostUser[body].settle(ring)
      giveBack(port, ring: ring)
      if call >= 0, !GuestQueue<NegotiatedRing>.signal(call, guardian) {
        coldRingFault(port, ring: ring, RingFault(.callBlocked))
      }
    }
    unsettledCount = 0
    unsettledBefore = 0
  }

  // Faults: that ring or port stops, everybody else goes on.

  /// Stops a ring, tells its front-end and the reactor; of a socket, the reactor alone.
  @inline(never)
  mutating func coldRingFault(_ port: Int, ring: Int, _ fault: RingFault) {
    guard !coldEndConnection(port, fault) else { return }
    // Lost memory reads as zeros, which look like any other fault.
    if clinux_fault_count() != faultCount, coldLosesMemory(port) { return }
    coldBreak(port, fault) { $0 == ring }
  }

  /// What a peer at a socket did, or that it has left, is the reactor's to act on; false = the port is of another kind.
  private func coldEndConnection(_ port: Int, _ fault: RingFault) -> Bool {
    guard let epoch = coldConnection(port) else { return false }
    faults.report(.connection(port: port, epoch: epoch, fault: fault))
    return true
  }

  /// Stops those of the rings that run, and reports one fault for all of them.
  ///
  /// The port's carrier is found anew at the end of the breath, or of the one that follows a command
  /// (`WorkerCore.coldTellBroken`). Its other rings go on; if there is none that frames could go to, what comes from the
  /// others until then is forgotten with the rest.
  mutating func coldBreak(_ port: Int, _ fault: RingFault, where isBroken: (Int) -> Bool) {
    guard self[port].kind == .vhostUser else { return }
    let body = self[port].body
    let rings = (0..<vhostUser[body].rings.count).filter { isBroken($0) && coldStops(port, ring: $0, fault) }
    guard let first = rings.first else { return }
    // Reported before the front-end is told: what it does then is handled after the report.
    faults.report(port: port, ring: first, fault: fault)
    for ring in rings { vhostUser[body].rings[ring].signalError(guardian) }
    // What the port is as a whole is found out while all workers stand still.
    if !isShared { vhostUser[body].refresh(now: active.now) }
    broken.append(port)
    hasBroken = true
  }

  /// Stops a ring; false if it does not run, or another worker has stopped it for the same fault.
  private func coldStops(_ port: Int, ring: Int, _ fault: RingFault) -> Bool {
    take(port, ring: ring)
    defer { giveBack(port, ring: ring) }
    return vhostUser[self[port].body].stop(ring, .fault(fault))
  }

  /// A mapped memory file or log was truncated and touched somewhere, while a ring of a port is about to be given back.
  ///
  /// Where there are several workers the first one stops the ports that it belongs to, while all stand still.
  /// - Returns: the port is one of those: nothing of it is to be published.
  @inline(never)
  private mutating func coldLosesMemory(_ port: Int) -> Bool {
    guard isShared else {
      coldMemoryFaults()
      return false
    }
    hasLostMemory = true
    return vhostUser[self[port].body].loss != nil
  }

  /// A mapped memory file or log was truncated and touched somewhere: finds the ports that it belongs to and stops them.
  @inline(never)
  mutating func coldMemoryFaults() {
    faultCount = clinux_fault_count()
    for port in 0..<limit where self[port].kind == .vhostUser {
      guard let loss = vhostUser[self[port].body].loss else { continue }
      coldBreak(port, RingFault(loss)) { _ in true }
    }
  }
}
