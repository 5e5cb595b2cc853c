internal import LinuxHost

/// What the reactor has a worker do with the sockets of ports; see `StreamEndpoint` and `DatagramEndpoint`.
extension WorkerCore {
  /// Place of a port's body among those of its kind; nil = the port is of another kind, or gone.
  private func coldBody(_ port: Int, _ kind: PortKind) -> Int? {
    guard port < state.ports.capacity, state.ports[port].kind == kind else { return nil }
    return state.ports[port].body
  }

  /// Gives a stream's port its connection.
  mutating func coldOpenStream(_ port: Int, _ descriptor: Descriptor, epoch: Int) {
    guard coldBody(port, .stream) != nil else { return }
    state.ports.coldNote(port)
    guard state.ports.coldOpenStream(port, descriptor, epoch: epoch) else {
      return state.ports.faults.report(.connection(port: port, epoch: epoch, fault: RingFault(.peerLeft)))
    }
    coldCarrier(port)
  }

  /// A stream's connection is over; what came last and was not taken is gone.
  ///
  /// - Parameter isMoving: another one follows: frames wait for it, and what came last is taken.
  mutating func coldCloseStream(_ port: Int, isMoving: Bool = false) {
    guard coldBody(port, .stream) != nil else { return }
    // What is watched for its queue is its worker's; this one gives it back.
    coldGather(port)
    let isHeld = isMoving && state.ports[port].isUp
    if isMoving { coldTakeLast(port) }
    state.ports.coldNote(port)
    state.ports.coldCloseStream(port)
    state.ports.coldUnlatch(port)
    if isHeld { coldHoldFrames(port, limit: state.delays.switchOverLimit, isAsked: false) }
    coldCarrier(port)
  }

  /// Gives a port its socket for datagrams.
  ///
  /// - Returns: false if it cannot be watched.
  mutating func coldOpenDatagrams(_ port: Int, _ descriptor: Descriptor, peerPath: String) -> Bool {
    guard coldBody(port, .dgram) != nil else { return false }
    state.ports.coldNote(port)
    return state.ports.coldOpenDatagrams(port, descriptor, peerPath: peerPath)
  }

  /// Whether the peer of a port for datagrams is there, as the reactor has found.
  mutating func coldSetPeer(_ port: Int, _ isThere: Bool) {
    guard let body = coldBody(port, .dgram) else { return }
    state.ports.coldNote(port)
    state.ports.dgram[body].coldSetPeer(isThere)
    if !isThere { state.ports.coldUnlatch(port) }
    coldCarrier(port)
  }

  /// Something has come from a port for datagrams whose peer was not there.
  mutating func coldFindPeer(_ port: Int) {
    guard let body = coldBody(port, .dgram), state.ports.dgram[body].coldFindPeer() else { return }
    state.ports.coldNote(port)
    state.ports.faults.report(.peerFound(port: port))
    coldCarrier(port)
  }
}
