import CLinux
import Frames
internal import LinuxHost

/// Carriers: what a port's end makes of it, and what its switch forgets for that (`PortSet+Carriers`).
extension WorkerCore {
  /// Bursts that are taken from an interface that was set down.
  private static let mostDrainedBursts = 64
  /// VLANs in which a station is announced at once: each is a flood, and a front-end may ask for it again and again.
  private static let mostAnnouncedVLANs = 64

  /// Takes over whether the node is there; a port that goes down is forgotten by its switch.
  @inline(never)
  mutating func coldCarrier(_ port: Int) {
    if state.ports[port].switchOver >= 0 { coldFollowNode(port) }
    if state.ports.coldFindCarrier(port) { coldForgetStations(of: port) }
    state.ports.coldTellEnds(port)
    coldAnnounceLate(port)
  }

  /// Announces a station behind a vhost-user port as if it had itself, at once or as soon as the port is up.
  ///
  /// QEMU's word of a guest that has arrived comes before features and memory (SEND_RARP), and frames of a port that is
  /// down teach nobody.
  mutating func coldAnnounce(_ port: Int, _ station: MACAddress) {
    guard state.ports[port].kind == .vhostUser else { return }
    guard state.ports[port].isUp else {
      return state.ports.vhostUser[state.ports[port].body].announcement = station
    }
    coldSend(port, announcementOf: station)
  }

  private mutating func coldAnnounceLate(_ port: Int) {
    guard state.ports[port].isUp, state.ports[port].kind == .vhostUser else { return }
    let body = state.ports[port].body
    guard let station = state.ports.vhostUser[body].announcement else { return }
    state.ports.vhostUser[body].announcement = nil
    coldSend(port, announcementOf: station)
  }

  /// Takes the announcement of a station as if its node had sent it: untagged, and at a trunk with the tag of each VLAN that
  /// the station was known in, since it has moved in those too.
  private mutating func coldSend(_ port: Int, announcementOf station: MACAddress) {
    let frame = RARP.announcement(of: station)
    let vlans = coldTaggedVLANs(of: station, at: port)
    // Where untagged frames are of no VLAN it would only be dropped.
    if vlans.isEmpty || state.ports[port].untaggedVLAN != 0 { coldInject(port, frame) }
    let type = Ethernet.typeVLAN
    for vlan in vlans {
      let tag = [UInt8(type >> 8), UInt8(type & 0xFF), UInt8(vlan >> 8), UInt8(vlan & 0xFF)]
      coldInject(port, Array(frame[..<12]) + tag + Array(frame[12...]))
    }
  }

  /// VLANs that a trunk carries tagged and its switch knows a station in, wherever; `mostAnnouncedVLANs` at most.
  private func coldTaggedVLANs(of station: MACAddress, at port: Int) -> [UInt16] {
    let switchIndex = state.ports[port].switchIndex
    guard switchIndex >= 0, state.ports[port].mode == .trunk else { return [] }
    let (fdb, native) = (forwarder.switches[switchIndex].fdb, state.ports[port].untaggedVLAN)
    var vlans: [UInt16] = []
    for vlan in UInt16(1)...4094 where vlan != native && state.ports[port].carries(vlan) {
      guard vlans.count < Self.mostAnnouncedVLANs else { break }
      if fdb.lookup(FDB.key(vlan: vlan, station)) != nil { vlans.append(vlan) }
    }
    return vlans
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
  private mutating func coldDrain(_ port: Int) { coldTakeLast(port) }

  /// Takes what there is from a port's first queue, `mostDrainedBursts` at most.
  mutating func coldTakeLast(_ port: Int) {
    // The kernel's word of the last frames may not have been taken yet.
    state.ports.coldHandle(port, PortEvent(source: 0, events: Epoll.input))
    for _ in 0..<Self.mostDrainedBursts where state.ports.queuesWithFrames(port, among: 1) != 0 {
      state.reset()
      _ = state.ports.receive(port, queue: 0, into: state.burst, pool: state.pool, limit: Burst.capacity)
      if state.burst.count > 0 { passOn(from: port, queue: 0) }
    }
    state.ports.settleCalls()
    state.burst.reset()
  }

  /// A frame has come from a port that is down: an interface that sends is up, though the word of it is still on its
  /// way.
  ///
  /// - Returns: false if the port has gone, and its number may be another's, or its frames are another worker's to send.
  @inline(never)
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
