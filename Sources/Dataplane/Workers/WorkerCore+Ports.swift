import CLinux
internal import LinuxHost
internal import VhostUser

/// What the control side and the reactor have a worker do between breaths.
extension WorkerCore {
  // Switches and ports.

  mutating func coldAddSwitch(_ index: Int, _ table: SwitchTable) {
    reserveSwitches(index + 1)
    switches[index] = SwitchState(table, portCapacity: ports.count)
  }

  mutating func coldRemoveSwitch(_ index: Int) { switches[index] = SwitchState() }

  /// Takes a port in as its record has it; its body is opened by the calls below.
  ///
  /// - Parameter isWanted: carrier as it is set from the start.
  mutating func coldAddPort(_ record: Dataplane.PortRecord, _ kind: PortKind, isWanted: Bool = true) {
    let port = record.index
    if port >= ports.count { reservePorts(2 * port) }
    ports[port] = PortSlot()
    ports[port].kind = kind
    ports[port].block = record.block
    ports[port].counters = record.block.writer
    ports[port].body = coldTakeBody(kind)
    ports[port].mtu = record.mtu
    ports[port].assign(record.mode)
    ports[port].isWanted = isWanted
    cables[port] = Cable(isToldByOwner: record.isToldByOwner)
    portLimit = max(portLimit, port + 1)
    if kind == .patch { patchEndCount += 1 }
    guard let switchIndex = record.switchIndex else { return }
    ports[port].switchIndex = switchIndex
    switches[switchIndex].addMember(port)
  }

  mutating func coldRemovePort(_ port: Int) {
    let switchIndex = ports[port].switchIndex
    if switchIndex >= 0 { switches[switchIndex].removeMember(port) }
    coldForgetStations(of: port)
    let peer = ports[port].peer
    if peer >= 0 {
      ports[peer].peer = -1
      cables[peer].isCut = true
      coldCarrier(peer)
    }
    if ports[port].kind == .patch { patchEndCount -= 1 }
    coldUncapture(port)
    coldClearRings(port)
    coldRemoveLines(of: port)
    if ports[port].needsLooks { lookedAtCount -= 1 }
    coldGiveBody(port)
    ports[port] = PortSlot()
    cables[port] = Cable()
    while portLimit > 0, ports[portLimit - 1].kind == .none { portLimit -= 1 }
  }

  /// The end: captures are told, and nothing that ports have is held any longer.
  mutating func coldLetGo() {
    for capture in 0..<captures.count { coldStopCapture(capture, .stopped) }
    for port in 0..<portLimit where ports[port].kind != .none { coldRemovePort(port) }
  }

  /// Makes two ports the ends of one wire or patch.
  ///
  /// The former other end of either may still be on its way out: it has nothing to do with them from now on.
  mutating func coldConnect(_ first: Int, _ second: Int) {
    for port in [first, second] where ports[port].peer >= 0 { ports[ports[port].peer].peer = -1 }
    ports[first].peer = second
    ports[second].peer = first
    for port in [first, second] { cables[port].isCut = false }
    coldCarrier(first)
    coldCarrier(second)
  }

  mutating func coldSetMode(_ port: Int, _ mode: PortMode) {
    ports[port].assign(mode)
    coldForgetStations(of: port)
  }

  mutating func coldSetWanted(_ port: Int, _ isWanted: Bool) {
    ports[port].isWanted = isWanted
    coldCarrier(port)
    if ports[port].peer >= 0 { coldCarrier(ports[port].peer) }
  }

  /// Opens a TAP port; its first frames are read at the next breath.
  mutating func coldOpenTAP(_ port: Int, _ descriptor: Descriptor, hasOffload: Bool) -> SystemError? {
    do throws(SystemError) {
      try epoll.add(
        descriptor.raw, token: EventToken(port: port).word, events: Epoll.input | Epoll.edgeTriggered)
    } catch {
      return error
    }
    if !ports[port].needsLooks { lookedAtCount += 1 }
    ports[port].needsLooks = true
    tapPorts[ports[port].body].open(descriptor, hasHeader: hasOffload)
    coldCarrier(port)
    return nil
  }

  // Events and time.

  mutating func coldAge() {
    coldAgeLatches()
    coldAgeStations()
  }

  /// Has all nodes wake the worker; nil if there is work already, otherwise how long to sleep at most, in microseconds.
  func coldArmKicks(longest: Int64) -> Int64? {
    var microseconds = longest
    for port in 0..<portLimit { microseconds = min(microseconds, coldArm(port, longest: longest)) }
    // Second of the two sequentially consistent fences: the wish for kicks must be visible before the available index
    // is read again, or a frame that came between could wait for ever.
    clinux_fence()
    for port in 0..<portLimit where coldMayHaveFrames(port) {
      coldSuppressKicks()
      return nil
    }
    return microseconds
  }

  func coldSuppressKicks() {
    for port in 0..<portLimit { coldDisarm(port) }
  }
}
