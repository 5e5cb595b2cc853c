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
  }

  /// Place of a vhost-user port's rings in their pool; nil = the port is of another kind, or gone.
  private func coldRings(of port: Int) -> Int? {
    guard port < ports.count, ports[port].kind == .vhostUser else { return nil }
    return ports[port].body
  }

  /// Replaces memory and the addresses of all rings in it; a ring without a layout stops.
  mutating func coldReplaceMemory(_ port: Int, _ table: MemoryTable, _ layouts: [Int: RingLayout]) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].table = table
    vhostUserPorts[body].memory = table.memory
    for (ring, layout) in layouts { vhostUserPorts[body].rings[ring].move(to: layout) }
    coldBreak(port, RingFault(.ringOutsideMemory)) { layouts[$0] == nil }
  }

  /// Starts a ring, or takes over new descriptors of one that runs.
  mutating func coldStartRing(_ port: Int, pairs: Int, _ ring: RingInstallation) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].pairs = pairs
    let index = ring.index
    coldReplaceKick(port, ring: index, with: ring.kick)
    coldReplaceCall(port, ring: index, with: ring.call)
    coldReplaceError(port, ring: index, with: ring.error)
    if !vhostUserPorts[body].rings[index].isRunning {
      vhostUserPorts[body].rings[index].start(ring.layout, base: ring.base, traits: ring.traits)
      // A back-end that died may have published entries and not called for them; with an event index nobody would again.
      coldSignalCall(port, ring: index)
    }
    vhostUserPorts[body].rings[index].isEnabled = ring.isEnabled
    vhostUserPorts[body].refresh()
    coldCarrier(port)
  }

  mutating func coldEnableRing(_ port: Int, ring: Int, _ isEnabled: Bool) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].rings[ring].isEnabled = isEnabled
    vhostUserPorts[body].refresh()
    coldCarrier(port)
  }

  /// Stops a ring and returns its position, for GET_VRING_BASE.
  mutating func coldStopRing(_ port: Int, ring: Int) -> UInt32 {
    guard let body = coldRings(of: port) else { return 0 }
    vhostUserPorts[body].rings[ring].stop()
    coldReplaceKick(port, ring: ring, with: nil)
    coldReplaceCall(port, ring: ring, with: nil)
    vhostUserPorts[body].refresh()
    coldCarrier(port)
    return vhostUserPorts[body].rings[ring].base
  }

  /// What has happened in the rings that started at these positions.
  func coldActivity(_ port: Int, since bases: [Int: UInt32]) -> StartWatch.Activity {
    guard let body = coldRings(of: port) else { return StartWatch.Activity() }
    var activity = StartWatch.Activity()
    for (ring, base) in bases where vhostUserPorts[body].rings[ring].isRunning {
      if vhostUserPorts[body].rings[ring].hasMoved(since: base) { activity.hasMoved = true }
      activity.kicks = max(activity.kicks, vhostUserPorts[body].rings[ring].kicks)
    }
    return activity
  }

  mutating func coldMoveRing(_ port: Int, ring: Int, to layout: RingLayout) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].rings[ring].move(to: layout)
  }

  mutating func coldReplaceKick(_ port: Int, ring: Int, with kick: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    if let old = vhostUserPorts[body].kicks[ring] { epoll.remove(old.raw) }
    vhostUserPorts[body].kicks[ring] = kick
    vhostUserPorts[body].rings[ring].mustPoll = kick == nil
    guard let kick else { return }
    do throws(SystemError) {
      try epoll.add(
        kick.raw, token: EventToken(port: port, source: ring).word, events: Epoll.input | Epoll.edgeTriggered)
    } catch {
      // The same eventfd on two rings, for instance: polling serves both.
      vhostUserPorts[body].rings[ring].mustPoll = true
    }
  }

  mutating func coldReplaceCall(_ port: Int, ring: Int, with call: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].calls[ring] = call
    vhostUserPorts[body].rings[ring].callDescriptor = call?.raw ?? -1
    // What was completed before the descriptor came must not be lost (facts of every front-end that masks calls).
    guard call != nil, vhostUserPorts[body].rings[ring].isRunning else { return }
    coldSignalCall(port, ring: ring)
  }

  /// Calls the driver whatever it wants; to be called once too often is allowed (VIRTIO 1.2 section 2.7.7).
  private mutating func coldSignalCall(_ port: Int, ring: Int) {
    guard let body = coldRings(of: port) else { return }
    if !vhostUserPorts[body].rings[ring].signalCall(guardian) {
      coldRingFault(port, ring: ring, RingFault(.callBlocked))
    }
  }

  mutating func coldReplaceError(_ port: Int, ring: Int, with error: Descriptor?) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].errors[ring] = error
    vhostUserPorts[body].rings[ring].errorDescriptor = error?.raw ?? -1
  }

  /// Stops all rings and lets go of memory and descriptors.
  mutating func coldClearRings(_ port: Int) {
    guard let body = coldRings(of: port) else { return }
    vhostUserPorts[body].letGo(epoll)
    cables[port].isLatched = false
    coldCarrier(port)
  }

  /// Stops and disables all rings, but keeps memory and descriptors (RESET_DEVICE).
  mutating func coldResetRings(_ port: Int) {
    guard let body = coldRings(of: port) else { return }
    for ring in 0..<2 * VhostUserPort.maximumPairs {
      vhostUserPorts[body].rings[ring].stop()
      vhostUserPorts[body].rings[ring].isEnabled = false
      coldReplaceKick(port, ring: ring, with: nil)
    }
    vhostUserPorts[body].refresh()
    coldCarrier(port)
  }

  /// Takes a frame as if the node had sent it.
  mutating func coldInject(_ port: Int, _ frame: [UInt8]) {
    burst.reset()
    copies = 0
    pool.note(frame, in: burst)
    burst.extendScratch(to: ports[port].neededDepth)
    passOn(from: port, queue: 0)
    settleCalls()
    burst.reset()
  }
}
