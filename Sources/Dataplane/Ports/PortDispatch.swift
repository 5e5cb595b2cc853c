internal import LinuxHost

/// From a port's number to what its kind does: every `switch` over `PortKind` is here.
///
/// The rest of the worker asks by the number and knows no kinds, but where code is of one kind alone: the rings of
/// vhost-user (calls, faults, sessions), the interfaces of TAPs, and patches, which Switching and Impairments follow.
extension WorkerCore {
  // While frames move.

  /// Takes what a port has and passes it on; returns the number of frames.
  @inline(__always)
  mutating func serve(_ port: Int) -> Int {
    switch ports[port].kind {
    case .vhostUser: breatheVhostUser(port)
    case .tap: breatheTAP(port)
    case .patch: 0
    case .null: 0
    case .none: 0
    }
  }

  /// Hands over a port's pending frames and counts what became of them.
  @inline(__always)
  mutating func handOver(_ port: Int, _ count: Int) {
    switch ports[port].kind {
    case .vhostUser: deliverVhostUser(port, count)
    case .tap: deliverTAP(port, count)
    case .patch: refusePending(of: port, count: count, .carrierDown)
    case .null: deliverNull(port, count)
    case .none: refusePending(of: port, count: count, .carrierDown)
    }
  }

  /// See `WorkerPort`.
  func egressTraits(_ port: Int) -> EgressTraits {
    let mtu = ports[port].mtu
    return switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].egressTraits(mtu: mtu)
    case .tap: tapPorts[ports[port].body].egressTraits(mtu: mtu)
    case .patch: .everything
    case .null: NullPort().egressTraits(mtu: mtu)
    case .none: .everything
    }
  }

  // Before and after sleep.

  func coldMayHaveFrames(_ port: Int) -> Bool {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].mayHaveFrames
    case .tap: tapPorts[ports[port].body].mayHaveFrames
    case .patch: false
    case .null: NullPort().mayHaveFrames
    case .none: false
    }
  }

  func coldArm(_ port: Int, longest: Int64) -> Int64 {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].arm(longest: longest)
    case .tap: tapPorts[ports[port].body].arm(longest: longest)
    case .patch: longest
    case .null: NullPort().arm(longest: longest)
    case .none: longest
    }
  }

  func coldDisarm(_ port: Int) {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].disarm()
    case .tap: tapPorts[ports[port].body].disarm()
    case .patch: break
    case .null: NullPort().disarm()
    case .none: break
    }
  }

  mutating func coldHandle(_ port: Int, _ event: PortEvent) {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].handle(event)
    case .tap: tapPorts[ports[port].body].handle(event)
    case .patch: break
    case .null: NullPort().handle(event)
    case .none: break
    }
  }

  // The life of a port.

  /// A closed body for a port of that kind; -1 if the kind has none.
  mutating func coldTakeBody(_ kind: PortKind) -> Int {
    switch kind {
    case .vhostUser: vhostUserPorts.take() ?? -1
    case .tap: tapPorts.take() ?? -1
    case .patch: -1
    case .null: -1
    case .none: -1
    }
  }

  /// Closes a port's body and gives its place back.
  mutating func coldGiveBody(_ port: Int) {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts.close(ports[port].body, epoll)
    case .tap: tapPorts.close(ports[port].body, epoll)
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  /// The port's own end is there, whatever was set and whatever the other end does.
  func coldIsThere(_ port: Int) -> Bool {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].isThere
    case .tap: tapPorts[ports[port].body].isThere
    case .patch: ports[port].peer >= 0 && ports[ports[port].peer].isWanted
    case .null: NullPort().isThere
    case .none: false
    }
  }

  func coldCarrierNews(_ port: Int) -> CarrierNews {
    switch ports[port].kind {
    case .vhostUser: VhostUserPort.carrierNews
    case .tap: TAPPort.carrierNews
    case .patch: .nobody
    case .null: NullPort.carrierNews
    case .none: .nobody
    }
  }

  /// See `WorkerPort`.
  func coldRefusal(_ port: Int) -> EgressDrop? {
    switch ports[port].kind {
    case .vhostUser: vhostUserPorts[ports[port].body].coldRefusal
    case .tap: tapPorts[ports[port].body].coldRefusal
    case .patch: nil
    case .null: NullPort().coldRefusal
    case .none: .carrierDown
    }
  }
}
