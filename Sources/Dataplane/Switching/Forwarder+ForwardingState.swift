import Frames

/// Forwarding states of ports (802.1Q-2018 clauses 8.4, 8.6.1 and 8.7).
///
/// They cost the loop nothing. Where a frame leaves, `PortSlot.sends` stands in the place of the test of membership. Where
/// it comes in, only a source that the port's cache does not have is judged here: a frame that a state forbids never gets
/// into that cache, and a change of states empties the caches of all ports of the switch.
///
/// Captures and punts see a frame before any state does, and `coldSend` asks none.
extension Forwarder {
  /// What `lookup` says of a destination that is known where no frame leaves: it was dropped, and counted.
  static var refusedOutput: Int { -2 }

  /// Whether the state of its port lets a frame into the switch; one that it does not is dropped, and teaches at most
  /// where its source is.
  @inline(never)
  mutating func admits(_ key: UInt64, _ place: Place, _ state: inout WorkerState) -> Bool {
    let (port, tick) = (place.ingress, state.tick)
    let forwarding = state.ports[port].states.state(place.vlan)
    guard forwarding != .forwarding else { return true }
    // Not noted at the port: the next frame of that source has to come here too.
    if forwarding == .learning {
      let limit = state.ports[port].ruleUse.isLimited ? Int(state.ports[port].learnLimit) : Int.max
      let isUntold = switches[place.switchIndex].stations.with {
        _ = $0.learn(key, port: port, tick: tick, limit: limit)
        return $0.isUntold
      }
      if isUntold { coldTellStations(place.switchIndex, state) }
    }
    state.refuse(place, .notForwarding)
    return false
  }

  /// The destination is behind a port by which frames of the VLAN do not leave: floods if that is no member any more;
  /// otherwise the state of the port forbids it, and nobody gets the frame.
  ///
  /// - Returns: -1 for a flood, or `refusedOutput`.
  @inline(never)
  mutating func refuseOutput(_ port: Int, _ place: Place, _ state: inout WorkerState) -> Int {
    guard state.ports[port].carries(place.vlan) else { return -1 }
    state.refuse(place, leavingBy: port, .notForwarding)
    return Self.refusedOutput
  }

  /// Replaces the states of a port; nil = it forwards everywhere.
  ///
  /// Any port of the switch may have this one as the output that it remembers.
  mutating func coldSetForwarding(_ port: Int, _ states: ForwardingStates?, _ state: inout WorkerState) {
    state.ports[port].assign(states)
    let index = state.ports[port].switchIndex
    guard index >= 0 else { return }
    for position in 0..<switches[index].memberCount {
      state.ports[Int(switches[index].members[position])].forget()
    }
  }

  /// Which of 01-80-C2-00-00-00 to -0F pass: none, the first, or all but pause.
  func passesLinkLocal(_ destination: MACAddress, _ policy: LinkLocalPolicy) -> Bool {
    switch policy {
    case .standard: false
    case .linux: destination.lastByte == 0
    case .transparent: destination.lastByte != 1
    }
  }
}
