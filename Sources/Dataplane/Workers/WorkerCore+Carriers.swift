import CLinux
internal import LinuxHost

/// Carriers: what a port's end makes of it, and what its switch forgets for that (`PortSet+Carriers`).
extension WorkerCore {
  /// Bursts that are taken from an interface that was set down.
  private static let mostDrainedBursts = 64

  /// Takes over whether the node is there; a port that goes down is forgotten by its switch.
  @inline(never)
  mutating func coldCarrier(_ port: Int) {
    if state.ports.coldFindCarrier(port) { coldForgetStations(of: port) }
    state.ports.coldTellEnds(port)
  }

  /// Forgets what the port's switch knows to be behind it.
  mutating func coldForgetStations(of port: Int) {
    let switchIndex = state.ports[port].switchIndex
    if switchIndex >= 0 { forwarder.coldForgetStations(of: port, switchIndex: switchIndex) }
  }

  /// Gives word of ports whose rings broke; to be called while `hasBroken` says so.
  @inline(never)
  mutating func coldTellBroken() {
    let ports = state.ports.broken
    (state.ports.broken, state.ports.hasBroken) = ([], false)
    guard worker == 0 else { return coldAsk { $0.coldSettleBroken(ports) } }
    coldSettleBroken(ports)
  }

  /// Finds anew what ports are whose rings broke.
  private mutating func coldSettleBroken(_ ports: [Int]) {
    coldAlone { core in
      for port in ports where port < core.state.ports.capacity && core.state.ports[port].kind == .vhostUser {
        core.state.ports.vhostUser[core.state.ports[port].body].refresh(now: core.state.ports.active.now)
        core.state.ports.coldNote(port)
        core.coldCarrier(port)
      }
    }
  }

  /// Some memory of a guest was lost with its file: its ports stop.
  @inline(never)
  mutating func coldMemoryFaults() {
    state.ports.hasLostMemory = false
    guard worker == 0 else { return coldTellFaults() }
    coldAlone { core in
      core.state.ports.coldMemoryFaults()
      core.coldTellBroken()
    }
  }

  /// Tells the first worker of faults, once.
  private mutating func coldTellFaults() {
    let count = clinux_fault_count()
    guard toldFaults != count else { return }
    toldFaults = count
    coldAsk { $0.coldMemoryFaults() }
  }

  mutating func coldSetWanted(_ port: Int, _ isWanted: Bool) {
    state.ports[port].isWanted = isWanted
    state.ports.coldNote(port)
    coldCarrier(port)
    if state.ports[port].peer >= 0 { coldCarrier(state.ports[port].peer) }
  }

  /// Once a second: gives up on front-ends that did not start their rings again.
  mutating func coldAgeLatches() {
    for port in 0..<state.ports.limit where state.ports.coldAgeLatch(port) { coldAlone { $0.coldCarrier(port) } }
  }

  /// The interface behind a TAP or NIC port was set up or down, has its cable or not, or is gone.
  mutating func coldSetInterface(_ port: Int, isUp: Bool) {
    guard let before = state.ports.coldInterface(port) else { return }
    state.ports.coldNoteInterface(port, InterfaceWord(isUp: isUp, count: before.count &+ 1))
    if before.isUp != isUp { coldCarrier(port) }
    // Also where this is not new: it may have been up, and down again, since the last word.
    if !isUp { coldDrain(port) }
  }

  /// Drops what an interface sent before it was set down: every frame from now on shows that it is up again.
  ///
  /// No more than a TAP's queue holds as a rule (1000 frames, `txqueuelen`): a node that sets its interface up again and
  /// sends without end must not hold the worker.
  private mutating func coldDrain(_ port: Int) {
    // The kernel's word of the last frames may not have been taken yet.
    state.ports.coldHandle(port, PortEvent(source: 0, events: Epoll.input))
    for _ in 0..<Self.mostDrainedBursts where state.ports.mayGoOn(port) {
      state.reset()
      _ = state.ports.receive(port, queue: 0, into: state.burst, pool: state.pool, limit: Burst.capacity)
      if state.burst.count > 0 { passOn(from: port, queue: 0) }
    }
    state.ports.settleCalls()
    state.burst.reset()
  }

  /// A frame has come from a port that is down: an interface that sends is up, though the word of it is still on its
  /// way.
  @inline(never)
  ///
  /// - Returns: false if the port has gone, and its number may be another's, or its frames are another worker's to send.
  mutating func coldShowsItself(_ port: Int) -> Bool {
    guard state.ports[port].isWanted else { return true }
    if state.ports[port].kind == .dgram { return coldFindsPeer(port) }
    if state.ports[port].kind == .nic, state.ports.nic[state.ports[port].body].hasOld { return true }
    guard let told = state.ports.coldInterface(port)?.count else { return true }
    guard worker > 0 else {
      coldAlone { $0.coldSetInterface(port, isUp: true) }
      return true
    }
    let block = state.ports[port].block
    coldAskAndWait { core in
      // What the kernel has told meanwhile is newer than this frame.
      guard core.state.ports[port].block === block,
        core.state.ports.coldInterface(port)?.count == told
      else { return }
      core.coldSetInterface(port, isUp: true)
    }
    return state.ports[port].block === block && state.ports[port].ownQueues & 1 != 0
  }

  /// The same of a socket for datagrams: a peer that sends is there.
  private mutating func coldFindsPeer(_ port: Int) -> Bool {
    // Whoever sends without being there, or may not be joined to, must not make workers wait at each burst.
    guard state.ports.dgram[state.ports[port].body].coldMayLook() else { return true }
    guard worker > 0 else {
      coldAlone { $0.coldFindPeer(port) }
      return true
    }
    let block = state.ports[port].block
    coldAskAndWait { core in
      if core.state.ports[port].block === block { core.coldFindPeer(port) }
    }
    return state.ports[port].block === block && state.ports[port].ownQueues & 1 != 0
  }
}
