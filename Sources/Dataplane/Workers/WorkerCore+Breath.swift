import CLinux

/// One breath: a burst from each port that has work, delivered at once.
extension WorkerCore {
  /// Serves every port once.
  ///
  /// - Returns: frames taken, from ports and from lines.
  @inline(never)
  mutating func breathe() -> Int {
    unsettledBefore = unsettledCount
    var moved = now >= nextRelease ? releaseDue() : 0
    var port = 0
    while port < portLimit {
      moved += serve(port)
      port += 1
    }
    // While there is work, a burst of the next breath does it (see `breatheRing`), or the end of that breath.
    if moved == 0 || unsettledBefore > 0 { settleCalls() }
    if unpublishedTaps != 0 { publishTaps() }
    return moved
  }

  /// A burst from each running transmit ring of a guest.
  @inline(__always)
  mutating func breatheVhostUser(_ port: Int) -> Int {
    let body = ports[port].body
    var running = vhostUserPorts[body].runningTransmit
    var moved = 0
    while running != 0 {
      let ring = 2 * running.trailingZeroBitCount + 1
      running &= running &- 1
      guard vhostUserPorts[body].rings[ring].hasAvailable else { continue }
      moved += breatheRing(port, body, ring)
    }
    return moved
  }

  @inline(never)
  private mutating func breatheRing(_ port: Int, _ body: Int, _ ring: Int) -> Int {
    burst.reset()
    copies = 0
    let output = likelyOutput(of: port)
    if output >= 0 { vhostUserPorts[output].rings[0].prefetchEntries(Burst.capacity) }
    let fault = vhostUserPorts[body].receive(
      queue: ring >> 1, into: burst, pool: pool, limit: ports[port].burstLimit, depth: ports[port].neededDepth)
    if output >= 0 { vhostUserPorts[output].rings[0].prefetchDescriptors(burst.count) }
    let count = burst.count
    // Between two bursts the fence has least to wait for: the stores of the last one had the time of these loads.
    settleCalls()
    if count > 0 {
      // A ring that runs but is not enabled is emptied, and its frames go nowhere (vhost-user, "Ring states").
      if vhostUserPorts[body].rings[ring].isEnabled { passOn(from: port, queue: ring >> 1) }
      finish(port, body, ring)
    }
    if let fault { coldRingFault(port, ring: ring, fault) }
    return count
  }

  /// The vhost-user port, by its own number, that a port's frames go to as a rule, or -1.
  @inline(__always)
  private func likelyOutput(of port: Int) -> Int {
    let output = ports[port].mode == .wire ? ports[port].peer : ports[port].lastOutput
    guard output >= 0, ports[output].kind == .vhostUser, vhostUserPorts[ports[output].body].canDeliver else {
      return -1
    }
    return ports[output].body
  }

  /// Gives a guest its buffers back: one store for all, and a call if it waits for one.
  @inline(__always)
  private mutating func finish(_ port: Int, _ body: Int, _ ring: Int) {
    if clinux_fault_count() != faultCount { coldMemoryFaults() }
    guard vhostUserPorts[body].rings[ring].isRunning else { return }
    vhostUserPorts[body].rings[ring].publish()
    if !vhostUserPorts[body].rings[ring].callIfWanted(guardian) {
      return coldRingFault(port, ring: ring, RingFault(.callBlocked))
    }
    guard !vhostUserPorts[body].rings[ring].isUnsettled else { return }
    if unsettledCount == unsettled.count { settleCalls() }
    vhostUserPorts[body].rings[ring].isUnsettled = true
    unsettled[unsettledCount] = UnsettledRing(
      port: UInt16(truncatingIfNeeded: port), ring: UInt16(truncatingIfNeeded: ring))
    unsettledCount += 1
  }

  /// Looks once more, behind one fence for all rings of the breath, whether a driver went to sleep while its entries
  /// were on their way: its look at the used index and ours at its wish must not both miss.
  @inline(__always)
  mutating func settleCalls() {
    guard unsettledCount > 0 else { return }
    clinux_fence()
    for position in 0..<unsettledCount {
      let (port, ring) = (Int(unsettled[position].port), Int(unsettled[position].ring))
      let body = ports[port].body
      guard ports[port].kind == .vhostUser, vhostUserPorts[body].rings[ring].isRunning else { continue }
      if !vhostUserPorts[body].rings[ring].settle(guardian) {
        coldRingFault(port, ring: ring, RingFault(.callBlocked))
      }
    }
    unsettledCount = 0
    unsettledBefore = 0
  }

  /// A burst from a TAP that is readable.
  @inline(__always)
  mutating func breatheTAP(_ port: Int) -> Int {
    let body = ports[port].body
    guard tapPorts[body].mayHaveFrames else { return 0 }
    burst.reset()
    copies = 0
    _ = tapPorts[body].receive(
      queue: 0, into: burst, pool: pool, limit: ports[port].burstLimit, depth: ports[port].neededDepth)
    let count = burst.count
    if count > 0 {
      if !ports[port].isUp { coldShowsItself(port) }
      passOn(from: port, queue: 0)
    }
    return count
  }

  /// Forwards and delivers the burst; a port that is down has nothing to say, and teaches its switch nothing.
  @inline(__always)
  mutating func passOn(from port: Int, queue: Int) {
    packetBase &+= UInt64(Burst.capacity)
    stamp = 0
    if recorder.isOn { beginRecording(port) }
    if ports[port].taps != 0 { tapArrivals(port, queue: queue) }
    if !ports[port].isUp {
      dropBurst(of: port)
    } else if ports[port].ingressLine >= 0 {
      holdBurst(of: port)
    } else {
      forward(from: port)
      deliverTouched()
      adaptBurst(port)
    }
    if recorder.isOn { recorder.end() }
  }

  @inline(never)
  private mutating func dropBurst(of port: Int) {
    var bytes = 0
    for index in 0..<burst.count {
      bytes += burst.frames[index].size
      refuse(index, at: port, .portDown)
    }
    ports[port].counters.received(packets: burst.count, bytes: bytes)
  }

  /// Floods count each copy: a port whose frames go to many takes fewer at once, so that a breath stays short.
  @inline(__always)
  func adaptBurst(_ port: Int) {
    if copies > Self.copyRule {
      ports[port].burstLimit = max(ports[port].burstLimit / 2, 1)
    } else if ports[port].burstLimit < Burst.capacity {
      ports[port].burstLimit = min(ports[port].burstLimit * 2, Burst.capacity)
    }
  }

  /// Serves every port that has pending frames.
  @inline(__always)
  mutating func deliverTouched() {
    var position = 0
    while position < touchedCount {
      let port = Int(touched[position])
      if ports[port].pendingCount > 0 { deliver(to: port) }
      ports[port].isTouched = false
      position += 1
    }
    touchedCount = 0
  }

  /// Delivers a port's pending frames: the copy, one publication, one call at most, counters once.
  ///
  /// - Parameter isReleased: the frames were held already.
  @inline(never)
  mutating func deliver(to port: Int, isReleased: Bool = false) {
    let count = ports[port].pendingCount
    ports[port].pendingCount = 0
    if ports[port].isUp {
      guard isReleased || ports[port].egressLine < 0 else { return holdPending(of: port, count: count) }
      handOver(port, count)
    } else {
      refusePending(of: port, count: count, .carrierDown)
    }
    if ports[port].taps != 0 { tapDepartures(port, count: count) }
  }

  @inline(__always)
  mutating func deliverVhostUser(_ port: Int, _ count: Int) {
    let body = ports[port].body
    let delivery = Delivery(
      pending, from: port * Burst.capacity, count: count, vhostUserPorts[body].egressTraits(mtu: ports[port].mtu))
    let outcome = vhostUserPorts[body].transmit(delivery, of: burst, notes: notes)
    if outcome.packets > 0 { finish(port, body, 0) }
    account(outcome, port, of: count)
    if let fault = outcome.fault { coldRingFault(port, ring: 0, fault) }
  }

  @inline(__always)
  mutating func deliverTAP(_ port: Int, _ count: Int) {
    let delivery = Delivery(pending, from: port * Burst.capacity, count: count, egressTraits(port))
    let outcome = tapPorts[ports[port].body].transmit(delivery, of: burst, notes: notes)
    account(outcome, port, of: count)
  }

  /// Commits a delivery's counters.
  @inline(__always)
  mutating func account(_ outcome: TransmitOutcome, _ port: Int, of count: Int) {
    let counters = ports[port].counters
    counters.transmitted(packets: outcome.packets, bytes: outcome.bytes)
    guard outcome.packets != count else { return }
    recordUndelivered(port, count: count)
    if outcome.withoutBuffer > 0 { counters.drop(EgressDrop.noBuffer, outcome.withoutBuffer) }
    if outcome.tooBig > 0 { counters.drop(EgressDrop.tooBig, outcome.tooBig) }
    if outcome.busy > 0 { counters.drop(EgressDrop.tapBusy, outcome.busy) }
    if outcome.withoutCarrier > 0 { counters.drop(EgressDrop.carrierDown, outcome.withoutCarrier) }
    let lost =
      count - outcome.packets - outcome.withoutBuffer - outcome.tooBig - outcome.busy - outcome.withoutCarrier
    if lost > 0 { counters.drop(EgressDrop.guestFault, lost) }
  }
}
