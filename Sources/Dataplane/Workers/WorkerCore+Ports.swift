import CLinux
internal import LinuxHost

/// What the control side has a worker do with switches and ports between breaths, and the worker's sleep.
extension WorkerCore {
  // Switches and ports.

  mutating func coldAddSwitch(_ index: Int, _ table: SwitchTable) {
    coldEach { $0.forwarder.coldAdd(index, table, portCapacity: $0.state.ports.capacity) }
  }

  mutating func coldRemoveSwitch(_ index: Int) { coldEach { $0.forwarder.coldRemove(index) } }

  /// Takes a port in as its record has it; its body is opened by calls of its kind.
  ///
  /// - Parameter isWanted: carrier as it is set from the start.
  mutating func coldAddPort(_ record: PortRecord, _ kind: PortKind, isWanted: Bool = true) {
    let port = record.index
    if port >= state.ports.capacity { coldReservePorts(2 * port) }
    state.ports.coldAdd(record, kind, isWanted: isWanted)
    if let switchIndex = record.switchIndex {
      coldEach { $0.forwarder.coldAddMember(port, switchIndex: switchIndex) }
    }
    if !record.rules.isEmpty { coldSetRules(port, record.rules) }
  }

  /// Takes a port out; nothing happens if it never came, as an interface does not that is opened when all ends.
  mutating func coldRemovePort(_ port: Int) {
    guard port < state.ports.capacity, state.ports[port].kind != .none else { return }
    coldGather(port)
    let switchIndex = state.ports[port].switchIndex
    if switchIndex >= 0 { coldEach { $0.forwarder.coldRemoveMember(port, switchIndex: switchIndex) } }
    coldForgetStations(of: port)
    if let peer = state.ports.coldPart(port) { coldCarrier(peer) }
    coldUncapture(port)
    coldClearRings(port)
    coldRemoveLines(of: port)
    coldEndSwitchOver(port, dropping: nil)
    coldRemoveRules(of: port)
    coldEach { $0.forwarder.coldDropDebts(of: port) }
    state.ports.coldRemove(port)
  }

  /// The end: captures are told, and nothing that ports have is held any longer.
  mutating func coldLetGo() {
    for capture in 0..<state.taps.captures.count { coldStopCapture(capture, .stopped) }
    for port in 0..<state.ports.limit where state.ports[port].kind != .none { coldRemovePort(port) }
  }

  /// Makes two ports the ends of one wire or patch.
  mutating func coldConnect(_ first: Int, _ second: Int) {
    state.ports.coldJoin(first, second)
    coldCarrier(first)
    coldCarrier(second)
  }

  mutating func coldSetMode(_ port: Int, _ mode: PortMode) {
    state.ports[port].assign(mode)
    state.ports.coldNote(port)
    coldForgetStations(of: port)
  }

  /// Opens a TAP port; its first frames are read at the next breath.
  ///
  /// - Parameters:
  ///   - hasOffload: a virtio-net header is in front of each frame.
  ///   - takesLarge: large frames that may be written uncut.
  mutating func coldOpenTAP(
    _ port: Int, _ descriptor: Descriptor, hasOffload: Bool, takesLarge: LargeFrameTypes = []
  ) -> SystemError? {
    let error = state.ports.coldOpenTAP(port, descriptor, hasOffload: hasOffload, takesLarge: takesLarge)
    if let error { return error }
    state.ports.coldNote(port)
    coldCarrier(port)
    return nil
  }

  /// Opens a NIC port; its first frames are read at the next breath.
  ///
  /// - Parameters:
  ///   - takesPartialChecksums: checksums may be left to the interface.
  ///   - takesLarge: large frames that may be sent uncut.
  mutating func coldOpenNIC(
    _ port: Int, _ descriptor: Descriptor, takesPartialChecksums: Bool = true, takesLarge: LargeFrameTypes = []
  ) -> SystemError? {
    let error = state.ports.coldOpenNIC(
      port, descriptor, takesPartialChecksums: takesPartialChecksums, takesLarge: takesLarge)
    if let error { return error }
    state.ports.coldNote(port)
    coldCarrier(port)
    return nil
  }

  /// Bytes of payload that the node takes.
  mutating func coldSetMTU(_ port: Int, _ mtu: Int) {
    state.ports[port].mtu = mtu
    state.ports.coldNote(port)
  }

  /// Replaces what a port does with frames of some VLANs; nil = it forwards everywhere.
  mutating func coldSetForwarding(_ port: Int, _ states: ForwardingStates?) {
    state.ports.coldNote(port)
    coldEach { $0.forwarder.coldSetForwarding(port, states, &$0.state) }
  }

  // Events and time.

  mutating func coldAge() {
    // Others have nothing to forget that the first one does not.
    guard worker == 0 else { return }
    coldAgeLatches()
    if team != nil { coldRespread() }
    forwarder.coldAgeStations(state.tick)
  }

  /// Has all nodes wake the worker; nil if there is work already, otherwise how long to sleep at most, in microseconds.
  mutating func coldArmKicks(longest: Int64) -> Int64? {
    // Those at rest are armed.
    let isCrowded = state.ports.isCrowded
    var microseconds = longest
    for port in 0..<state.ports.limit where !isCrowded || state.ports.active.contains(port) {
      microseconds = min(microseconds, state.ports.coldArm(port, longest: longest))
    }
    // Sequentially consistent, as behind a publication: the wish for kicks must be visible before the available index
    // is read again, or a frame that came between could wait for ever.
    clinux_fence()
    for port in 0..<state.ports.limit where !isCrowded || state.ports.active.contains(port) {
      guard state.ports.coldMayHaveFrames(port) else { continue }
      coldSuppressKicks()
      return nil
    }
    return microseconds
  }

  mutating func coldSuppressKicks() {
    let isCrowded = state.ports.isCrowded
    for port in 0..<state.ports.limit where !isCrowded || state.ports.active.contains(port) {
      state.ports.coldDisarm(port)
    }
  }
}
