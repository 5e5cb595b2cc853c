internal import LinuxHost
internal import VhostUser

/// What a front-end's messages have a worker do with the rings of a port; see `VhostUserEndpoint`.
extension WorkerCore {
  /// A ring to be started, with everything translated.
  struct RingInstallation: Sendable {
    var index: Int
    var layout: RingLayout
    /// What SET_VRING_BASE said.
    var base: UInt32
    var traits: QueueTraits
    var isEnabled: Bool
    var kick: Descriptor?
    var call: Descriptor?
    var error: Descriptor?
    /// Keeps mapped what `traits` names of it.
    var inflight: InflightMap?
    /// It goes on where another back-end was, and is not enabled yet.
    var awaitsEnable = false
    /// What is wrong with the ring before it starts.
    var fault: RingFault?
  }

  /// Place of a vhost-user port's rings in their pool; nil = the port is of another kind, or gone.
  func coldRings(of port: Int) -> Int? {
    guard port < state.ports.capacity, state.ports[port].kind == .vhostUser else { return nil }
    return state.ports[port].body
  }

  /// Replaces memory and the addresses of all rings in it; a ring without a layout stops.
  mutating func coldReplaceMemory(_ port: Int, _ table: MemoryTable, _ layouts: [Int: RingLayout]) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].table = table
    state.ports.vhostUser[body].memory = table.memory
    for (ring, layout) in layouts { state.ports.vhostUser[body].move(ring, to: layout) }
    coldAttachLogs(port)
    state.ports.coldBreak(port, RingFault(.ringOutsideMemory)) { layouts[$0] == nil }
    coldTellBroken()
  }

  /// Starts a ring, or takes over new descriptors of one that runs.
  ///
  /// - Returns: false if it broke at once, which was reported.
  @discardableResult
  mutating func coldStartRing(_ port: Int, _ ring: RingInstallation) -> Bool {
    guard let body = coldRings(of: port) else { return true }
    let index = ring.index
    var fault: RingFault?
    state.ports.vhostUser[body].reserve(pairs: index / 2 + 1)
    coldReplaceKick(port, ring: index, with: ring.kick)
    coldReplaceCall(port, ring: index, with: ring.call)
    coldReplaceError(port, ring: index, with: ring.error)
    if !state.ports.vhostUser[body].rings[index].isRunning {
      state.ports.vhostUser[body].inflight = ring.inflight
      state.ports.vhostUser[body].rings[index].awaitsEnable = ring.awaitsEnable
      state.ports.vhostUser[body].start(index, ring.layout, base: ring.base, traits: ring.traits)
      // A back-end that died may have published entries and not called for them; with an event index nobody would again.
      coldSignalCall(port, ring: index)
      fault = ring.fault ?? state.ports.vhostUser[body].rings[index].judgePosition()
    }
    state.ports.vhostUser[body].rings[index].isEnabled = ring.isEnabled
    coldAttachLogs(port)
    if let fault { state.ports.coldRingFault(port, ring: index, fault) }
    state.ports.vhostUser[body].refresh(now: state.ports.active.now)
    coldCarrier(port)
    coldTellBroken()
    return fault == nil
  }

  mutating func coldEnableRing(_ port: Int, ring: Int, _ isEnabled: Bool) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].rings[ring].isEnabled = isEnabled
    state.ports.vhostUser[body].rings[ring].awaitsEnable = false
    state.ports.vhostUser[body].refresh(now: state.ports.active.now)
    coldCarrier(port)
  }

  /// Stops a ring and returns its position, for GET_VRING_BASE.
  ///
  /// - Parameter isMoving: the node goes on somewhere else, or here: if it takes nothing from now on, frames to it wait.
  mutating func coldStopRing(_ port: Int, ring: Int, isMoving: Bool = false) -> UInt32 {
    guard let body = coldRings(of: port) else { return 0 }
    state.ports.vhostUser[body].rings[ring].stop()
    coldReplaceKick(port, ring: ring, with: nil)
    coldReplaceCall(port, ring: ring, with: nil)
    state.ports.vhostUser[body].refresh(now: state.ports.active.now)
    if isMoving, state.ports[port].isUp, !state.ports.coldIsThere(port) {
      coldHoldFrames(port, limit: state.delays.switchOverLimit, isAsked: false)
    }
    coldCarrier(port)
    return state.ports.vhostUser[body].rings[ring].base
  }

  /// What has happened in the rings that started at these positions.
  func coldActivity(_ port: Int, since bases: [Int: UInt32]) -> RingActivity {
    guard let body = coldRings(of: port) else { return RingActivity() }
    var activity = RingActivity()
    for (ring, base) in bases where state.ports.vhostUser[body].rings[ring].isRunning {
      if state.ports.vhostUser[body].rings[ring].hasMoved(since: base) { activity.hasMoved = true }
      activity.kicks = max(activity.kicks, state.ports.vhostUser[body].rings[ring].kicks)
    }
    return activity
  }

  mutating func coldMoveRing(_ port: Int, ring: Int, to layout: RingLayout) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].move(ring, to: layout)
    coldAttachLogs(port)
    coldTellBroken()
  }

  mutating func coldReplaceKick(_ port: Int, ring: Int, with kick: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    // What is watched for a queue is its worker's; this one gives it back.
    if ring & 1 == 1 { coldGather(port, ring >> 1) }
    if let old = state.ports.vhostUser[body].kicks[ring] { state.ports.epoll.remove(old.raw) }
    state.ports.vhostUser[body].kicks[ring] = kick
    state.ports.vhostUser[body].rings[ring].mustPoll = kick == nil
    guard let kick else { return }
    do throws(SystemError) {
      try state.ports.epoll.add(
        kick.raw, token: EventToken(port: port, source: ring).word, events: Epoll.input | Epoll.edgeTriggered)
    } catch {
      // The same eventfd on two rings, for instance: polling serves both.
      state.ports.vhostUser[body].rings[ring].mustPoll = true
    }
  }

  mutating func coldReplaceCall(_ port: Int, ring: Int, with call: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].calls[ring] = call
    state.ports.vhostUser[body].rings[ring].callDescriptor = call?.raw ?? -1
    // What was completed before the descriptor came must not be lost (facts of every front-end that masks calls).
    guard call != nil, state.ports.vhostUser[body].rings[ring].isRunning else { return }
    coldSignalCall(port, ring: ring)
  }

  /// Calls the driver whatever it wants; to be called once too often is allowed (VIRTIO 1.2 section 2.7.7).
  private mutating func coldSignalCall(_ port: Int, ring: Int) {
    guard let body = coldRings(of: port) else { return }
    if !state.ports.vhostUser[body].rings[ring].signalCall(state.ports.guardian) {
      state.ports.coldRingFault(port, ring: ring, RingFault(.callBlocked))
      coldTellBroken()
    }
  }

  mutating func coldReplaceError(_ port: Int, ring: Int, with error: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    state.ports.vhostUser[body].errors[ring] = error
    state.ports.vhostUser[body].rings[ring].errorDescriptor = error?.raw ?? -1
  }

  /// Stops all rings and lets go of memory and descriptors.
  mutating func coldClearRings(_ port: Int) {
    guard let body = coldRings(of: port) else { return }
    coldGather(port)
    state.ports.vhostUser[body].letGo(state.ports.epoll)
    state.ports.coldUnlatch(port)
    coldCarrier(port)
  }

  /// Stops and disables all rings, but keeps memory and descriptors (RESET_DEVICE).
  mutating func coldResetRings(_ port: Int) {
    guard let body = coldRings(of: port) else { return }
    for ring in 0..<state.ports.vhostUser[body].rings.count {
      state.ports.vhostUser[body].rings[ring].stop()
      state.ports.vhostUser[body].rings[ring].isEnabled = false
      coldReplaceKick(port, ring: ring, with: nil)
    }
    state.ports.vhostUser[body].refresh(now: state.ports.active.now)
    coldCarrier(port)
  }
}
