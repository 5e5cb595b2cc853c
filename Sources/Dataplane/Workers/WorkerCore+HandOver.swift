internal import LinuxHost
import Synchronization

/// Standing still while another process takes ports over, and what it is told of each port.
extension WorkerCore {
  /// Flushes of stations that are paid before all stand still; those of a table of a million take fewer.
  private static var mostPayments: Int { 100_000 }

  /// No worker moves frames from now on, and all that was under way is done: every frame taken from a ring was
  /// delivered, dropped or is held, and every call that was due was made.
  ///
  /// - Returns: false if another worker is within a breath, waiting for this one, or has not come to know it yet: to be
  ///   asked again.
  mutating func coldHalt() -> Bool {
    guard team?.with({ $0.askers.load(ordering: .sequentiallyConsistent) }) ?? 0 == 0 else { return false }
    coldEach { core in
      for _ in 0..<Self.mostPayments where core.forwarder.hasDebts { core.forwarder.coldPayDebts(&core.state) }
      core.state.ports.settleCalls()
      core.isHalted = true
    }
    // One that sleeps has asked its nodes for kicks, and takes that back when it wakes up: now, and not later, when
    // another process is at its rings and may have asked for them. So its loop has to have come by.
    guard !coldHaveHalted() else { return true }
    coldWakeOthers()
    return false
  }

  /// All others have come to where their loops do nothing.
  private func coldHaveHalted() -> Bool {
    team?.with { team in
      for index in 0..<team.others.count where !team.others[index].core.hasHalted { return false }
      return true
    } ?? true
  }

  private mutating func coldWakeOthers() {
    team?.with { team in
      for index in 0..<team.others.count { team.others[index].wake() }
    }
  }

  /// Frames move again.
  mutating func coldGoOn() {
    coldEach { core in
      core.isHalted = false
      core.hasHalted = false
    }
    coldWakeOthers()
  }

  /// What each of some ports has open, in their order; while all stand still.
  func coldOpenPorts(_ ports: [Int]) -> [OpenPort] {
    ports.map { port in
      guard port < state.ports.capacity, state.ports[port].kind != .none else { return OpenPort() }
      var open = state.ports.coldOpen(port)
      open.told = state.ports.cables[port].told
      open.isLatched = state.ports.cables[port].isLatched
      return open
    }
  }

  /// Takes over what the node of a new port was told of its carrier.
  mutating func coldInherit(_ port: Int, _ cable: InheritedPort.Cable) {
    guard port < state.ports.capacity, state.ports[port].kind != .none else { return }
    state.ports.cables[port].told = cable.told
    state.ports.cables[port].isLatched = cable.isLatched
  }

  /// Adds what queues had counted before.
  mutating func coldInherit(_ port: Int, _ queues: [InheritedPort.Queue]) {
    guard port < state.ports.capacity, state.ports[port].kind == .vhostUser else { return }
    state.ports.vhostUser[state.ports[port].body].addCounts(queues)
  }

  /// Gives a stream's port a connection that another process had, with what was on its way.
  mutating func coldInheritStream(_ port: Int, _ descriptor: Descriptor, _ stream: InheritedPort.Stream) {
    coldOpenStream(port, descriptor, epoch: stream.epoch)
    guard port < state.ports.capacity, state.ports[port].kind == .stream else { return }
    guard !state.ports.stream[state.ports[port].body].coldInherit(stream) else { return }
    // What it says cannot have been on its way: the peer is asked to come again.
    state.ports.faults.report(.connection(port: port, epoch: stream.epoch, fault: RingFault(.peerLeft)))
  }

  /// The same of a port for datagrams, whose socket is open.
  mutating func coldInheritDatagrams(_ port: Int, _ datagrams: InheritedPort.Datagrams) {
    if datagrams.hasPeer { coldSetPeer(port, true) }
    state.ports.dgram[state.ports[port].body].coldInherit(datagrams)
  }

  /// Takes a port in with the interface that another process had.
  mutating func coldInheritInterface(
    _ record: PortRecord, _ descriptor: Descriptor, _ interface: InheritedPort.Interface, _ cable: InheritedPort.Cable,
    _ isWanted: Bool
  ) -> SystemError? {
    let (port, large) = (record.index, LargeFrameTypes(rawValue: interface.takesLarge).intersection(.all))
    let isTAP = record.kind == .tap
    coldAddPort(record, isTAP ? .tap : .nic, isWanted: isWanted)
    coldInherit(port, cable)
    let error =
      isTAP
      ? coldOpenTAP(port, descriptor, hasOffload: interface.hasHeader, takesLarge: large)
      : coldOpenNIC(
        port, descriptor, takesPartialChecksums: interface.takesPartialChecksums, takesLarge: large)
    if let error { return error }
    // Of one that is down nothing is drained: what is there came before.
    if interface.isUp {
      coldSetInterface(port, isUp: true)
    } else {
      state.ports.coldNoteInterface(port, InterfaceWord())
    }
    return nil
  }
}
