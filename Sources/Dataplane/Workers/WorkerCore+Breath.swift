import CLinux

/// One breath: a burst from each port that has work, delivered at once.
extension WorkerCore {
  /// Large frames of a TAP in a turn.
  private static var largeTurns: Int { 16 }

  /// Serves every port once.
  ///
  /// - Returns: frames taken, from ports and from lines.
  @inline(never)
  mutating func breathe() -> Int {
    state.ports.unsettledBefore = state.ports.unsettledCount
    var moved = state.delays.now >= state.delays.nextRelease ? releaseDue() : 0
    moved += servePorts()
    if moved == 0, state.hasDebtors {
      state.forgiveDebts()
      moved = servePorts()
    }
    // While there is work, a burst of the next breath does it (see `serve`), or the end of that breath.
    if moved == 0 || state.ports.unsettledBefore > 0 { state.ports.settleCalls() }
    if state.taps.unpublished != 0 { state.taps.publish() }
    if state.ports.hasBroken { coldTellBroken() }
    if state.ports.hasLostMemory { coldMemoryFaults() }
    return moved
  }

  @inline(__always)
  private mutating func servePorts() -> Int {
    guard !state.ports.isCrowded else { return serveActivePorts() }
    var moved = 0
    var port = 0
    while port < state.ports.limit {
      moved += serve(port)
      port += 1
    }
    return moved
  }

  /// The ports that sent something lately, and in turn the others among some port numbers.
  @inline(never)
  private mutating func serveActivePorts() -> Int {
    var moved = 0
    for word in 0...(state.ports.limit - 1) >> 6 {
      var left = state.ports.active.word(word)
      while left != 0 {
        let port = word << 6 + left.trailingZeroBitCount
        left &= left &- 1
        guard port < state.ports.limit else { break }
        let count = serve(port)
        moved += count
        noteActivity(port, hasFrames: count > 0 || state.isInDebt(port))
      }
    }
    for _ in 0..<ActivePorts.asideCount {
      let port = state.ports.active.nextAside(below: state.ports.limit)
      guard !state.ports.active.contains(port) else { continue }
      let count = serve(port)
      if count > 0 { state.ports.coldWake(port) }
      moved += count
    }
    return moved
  }

  @inline(__always)
  private mutating func noteActivity(_ port: Int, hasFrames: Bool) {
    guard !hasFrames else { return state.ports[port].quietBreaths = 0 }
    let now = state.ports.active.now
    if state.ports[port].quietBreaths == 0 { state.ports[port].quietSince = now }
    guard state.ports[port].quietBreaths == ActivePorts.patience else {
      state.ports[port].quietBreaths &+= 1
      return
    }
    if now &- state.ports[port].quietSince >= ActivePorts.silence { state.ports.coldRest(port) }
  }

  /// A port's turn: a burst from the queue that has frames, or from several together; returns how many there were.
  @inline(__always)
  private mutating func serve(_ port: Int) -> Int {
    guard !state.isInDebt(port) else {
      state.passOver(port)
      return 0
    }
    let own = state.ports[port].ownQueues
    // Another worker's rings are not even looked at.
    guard own != 0 else { return 0 }
    let queues = state.ports.queuesWithFrames(port, among: own)
    guard queues != 0 else { return 0 }
    guard queues & (queues &- 1) == 0 else { return serveSeveral(port, queues) }
    state.beginTurn()
    var moved = serve(port, queue: queues.trailingZeroBitCount, limit: state.ports[port].burstLimit)
    if state.burst.hasLarge { moved += goOn(port, queue: queues.trailingZeroBitCount) }
    return moved
  }

  /// The turn of a port of which several queues have frames: they share what one queue would get alone, frames, copies and
  /// work on large frames, so that a port with many queues has no more of the worker than one with one.
  ///
  /// Each takes as much as is left, since long bursts cost less, and the next turn begins with the one behind: all come
  /// to their turn.
  @inline(never)
  private mutating func serveSeveral(_ port: Int, _ queues: UInt16) -> Int {
    var (waiting, moved) = (queues, 0)
    let limit = state.ports[port].burstLimit
    state.beginTurn()
    while waiting != 0, moved < limit, !state.isInDebt(port) {
      let behind = waiting & ~((1 << UInt16(state.ports[port].nextQueue)) &- 1)
      let queue = (behind != 0 ? behind : waiting).trailingZeroBitCount
      waiting &= ~(1 << UInt16(truncatingIfNeeded: queue))
      moved += serve(port, queue: queue, limit: limit - moved)
      state.ports[port].nextQueue = UInt8(truncatingIfNeeded: queue + 1)
    }
    return moved
  }

  /// Large frames that a kernel hands over one at a time: some in a turn, each sent on from where it was read while it is in
  /// the cache, so that senders and receivers are woken for several.
  @inline(never)
  private mutating func goOn(_ port: Int, queue: Int) -> Int {
    var (moved, turns) = (0, 1)
    while turns < Self.largeTurns, state.burst.hasLarge, state.ports.mayGoOn(port), !state.isInDebt(port) {
      state.beginTurn()
      moved += serve(port, queue: queue, limit: state.ports[port].burstLimit)
      turns += 1
    }
    return moved
  }

  /// - Parameter limit: frames that are taken at most.
  @inline(never)
  private mutating func serve(_ port: Int, queue: Int, limit: Int) -> Int {
    guard state.ports.isShared else { return serveOne(port, queue: queue, limit: limit) }
    let start = clinux_rdtsc()
    let count = serveOne(port, queue: queue, limit: limit)
    state.ports.noteLoad(port, queue, clinux_rdtsc() &- start)
    return count
  }

  @inline(__always)
  private mutating func serveOne(_ port: Int, queue: Int, limit: Int) -> Int {
    state.burst.reset()
    let output = state.ports.likelyOutput(of: port)
    if output >= 0 { state.ports.vhostUser[output].prefetchEntries(Burst.capacity) }
    let fault = state.ports.receive(port, queue: queue, into: state.burst, pool: state.pool, limit: limit)
    let count = state.burst.count
    if output >= 0 { state.ports.vhostUser[output].prefetchDescriptors(count) }
    // Between two bursts the fence has least to wait for: the stores of the last one had the time of these loads.
    state.ports.settleCalls()
    if count > 0 {
      if !state.ports[port].isUp, !coldShowsItself(port) {
        state.burst.reset()
        return 0
      }
      if state.ports.isListened(port, queue: queue) { passOn(from: port, queue: queue) }
      state.ports.completeReceive(port, queue: queue)
    }
    if let fault { state.ports.coldRingFault(port, ring: 2 * queue + 1, fault) }
    return count
  }

  /// Forwards and delivers the burst; a port that is down has nothing to say, and teaches its switch nothing.
  @inline(__always)
  mutating func passOn(from port: Int, queue: Int) {
    state.taps.begin()
    let isHeld = state.ports[port].ingressLine >= 0
    let isUp = state.ports[port].isUp
    if state.taps.recorder.isOn {
      state.taps.beginRecording(of: state.burst, port: port, isWhole: !isUp || isHeld)
    }
    if state.ports[port].taps != 0 { state.recordArrivals(port, queue: queue) }
    if !isUp {
      state.refuseBurst(of: port)
    } else if isHeld {
      state.holdBurst(of: port)
      state.adaptBurst(port)
    } else {
      forwarder.forward(from: port, &state)
      state.deliverTouched()
      state.adaptBurst(port)
    }
    if state.taps.recorder.isOn { state.taps.recorder.end() }
  }

  /// Takes a frame as if the node had sent it.
  mutating func coldInject(_ port: Int, _ frame: [UInt8]) {
    state.reset()
    state.pool.note(frame, in: state.burst)
    state.burst.extendScratch(to: state.ports[port].neededDepth)
    passOn(from: port, queue: 0)
    state.ports.settleCalls()
    state.burst.reset()
  }
}
