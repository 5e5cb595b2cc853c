internal import LinuxHost

/// From a port's number to what its kind does: every `switch` over `PortKind` is here.
///
/// The rest of the worker asks by the number and knows no kinds, but where code is of one kind alone: the rings of
/// vhost-user (calls, faults, sessions), and patches, which Switching and Impairments follow.
extension PortSet {
  // While frames move.

  /// Queues of a port that may have frames, one bit each, among those that are this worker's.
  @inline(__always)
  func queuesWithFrames(_ port: Int, among own: UInt16) -> UInt16 {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].queuesWithFrames(among: own)
    case .tap: tap[self[port].body].hasFrames ? own & 1 : 0
    case .nic: nic[self[port].body].hasFrames ? own & 1 : 0
    case .stream: stream[self[port].body].hasFrames ? own & 1 : 0
    case .dgram: dgram[self[port].body].hasFrames ? own & 1 : 0
    case .patch: 0
    case .null: 0
    case .none: 0
    }
  }

  /// Takes a burst from one of a port's queues; see `WorkerPort`.
  @inline(__always)
  mutating func receive(
    _ port: Int, queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int
  ) -> RingFault? {
    let (body, depth) = (self[port].body, self[port].neededDepth)
    return switch self[port].kind {
    case .vhostUser: vhostUser[body].receive(queue: queue, into: burst, pool: pool, limit: limit, depth: depth)
    case .tap: tap[body].receive(queue: queue, into: burst, pool: pool, limit: limit, depth: depth)
    case .nic: nic[body].receive(queue: queue, into: burst, pool: pool, limit: limit, depth: depth)
    case .stream: stream[body].receive(queue: queue, into: burst, pool: pool, limit: limit, depth: depth)
    case .dgram: dgram[body].receive(queue: queue, into: burst, pool: pool, limit: limit, depth: depth)
    case .patch: nil
    case .null: nil
    case .none: nil
    }
  }

  /// The queue gives large frames one at a time, and may have more.
  @inline(__always)
  func mayGoOn(_ port: Int) -> Bool {
    switch self[port].kind {
    case .vhostUser: false
    case .tap: tap[self[port].body].hasFrames
    case .nic: nic[self[port].body].hasFrames
    case .stream: false
    case .dgram: false
    case .patch: false
    case .null: false
    case .none: false
    }
  }

  /// Frames of that queue go on; those of a ring that runs but is not enabled are taken and go nowhere (vhost-user, "Ring
  /// states").
  @inline(__always)
  func isListened(_ port: Int, queue: Int) -> Bool {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].rings[2 * queue + 1].isEnabled
    case .tap: true
    case .nic: true
    case .stream: true
    case .dgram: true
    case .patch: true
    case .null: true
    case .none: true
    }
  }

  /// The frames of a burst are not needed any more: the node gets back what they were in.
  @inline(__always)
  mutating func completeReceive(_ port: Int, queue: Int) {
    switch self[port].kind {
    case .vhostUser:
      ringBursts &+= 1
      finish(port, ring: 2 * queue + 1)
    case .tap: break
    case .nic: break
    case .stream: break
    case .dgram: break
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  /// Hands over a port's pending frames, which their node can have after `completeTransmit`; see `WorkerPort`.
  @inline(__always)
  mutating func transmit(
    _ port: Int, _ pending: borrowing FixedArray<PendingFrame>, count: Int, workLimit: Int, burst: borrowing Burst,
    notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    var traits = egressTraits(port)
    traits.workLimit = workLimit
    let delivery = Delivery(pending, from: port * Burst.capacity, count: count, traits, now: active.now)
    return switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].transmit(delivery, of: burst, notes: notes)
    case .tap: tap[self[port].body].transmit(delivery, of: burst, notes: notes)
    case .nic: nic[self[port].body].transmit(delivery, of: burst, notes: notes)
    case .stream: stream[self[port].body].transmit(delivery, of: burst, notes: notes)
    case .dgram: dgram[self[port].body].transmit(delivery, of: burst, notes: notes)
    case .patch: .nobodyThere(delivery)
    case .null: NullPort().transmit(delivery, of: burst, notes: notes)
    case .none: .nobodyThere(delivery)
    }
  }

  /// Lets the node have what was handed over.
  ///
  /// - Parameter pairs: those whose receive ring got something (`TransmitOutcome.filled`), for kinds that have several.
  @inline(__always)
  mutating func completeTransmit(_ port: Int, pairs: UInt16) {
    switch self[port].kind {
    case .vhostUser:
      finish(port, ring: 2 * pairs.trailingZeroBitCount)
      let others = pairs & (pairs &- 1)
      if others != 0 { finishOthers(port, pairs: others) }
    case .tap: break
    case .nic: break
    case .stream: break
    case .dgram: break
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  @inline(never)
  private mutating func finishOthers(_ port: Int, pairs: UInt16) {
    var left = pairs
    while left != 0 {
      finish(port, ring: 2 * left.trailingZeroBitCount)
      left &= left &- 1
    }
  }

  /// See `WorkerPort`.
  @inline(__always)
  func egressTraits(_ port: Int) -> EgressTraits {
    let (body, mtu) = (self[port].body, self[port].mtu)
    return switch self[port].kind {
    case .vhostUser: vhostUser[body].egressTraits(mtu: mtu)
    case .tap: tap[body].egressTraits(mtu: mtu)
    case .nic: nic[body].egressTraits(mtu: mtu)
    case .stream: stream[body].egressTraits(mtu: mtu)
    case .dgram: dgram[body].egressTraits(mtu: mtu)
    case .patch: .everything
    case .null: NullPort().egressTraits(mtu: mtu)
    case .none: .everything
    }
  }

  // Before and after sleep.

  func coldMayHaveFrames(_ port: Int) -> Bool {
    guard self[port].ownQueues != 0 else { return false }
    return switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].mayHaveFrames(among: self[port].ownQueues)
    case .tap: tap[self[port].body].mayHaveFrames(among: self[port].ownQueues)
    case .nic: nic[self[port].body].mayHaveFrames(among: self[port].ownQueues)
    case .stream: stream[self[port].body].mayHaveFrames(among: self[port].ownQueues)
    case .dgram: dgram[self[port].body].mayHaveFrames(among: self[port].ownQueues)
    case .patch: false
    case .null: NullPort().mayHaveFrames(among: self[port].ownQueues)
    case .none: false
    }
  }

  func coldArm(_ port: Int, longest: Int64) -> Int64 {
    guard self[port].ownQueues != 0 else { return longest }
    return switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].arm(self[port].ownQueues, longest: longest)
    case .tap: tap[self[port].body].arm(self[port].ownQueues, longest: longest)
    case .nic: nic[self[port].body].arm(self[port].ownQueues, longest: longest)
    case .stream: stream[self[port].body].arm(self[port].ownQueues, longest: longest)
    case .dgram: dgram[self[port].body].arm(self[port].ownQueues, longest: longest)
    case .patch: longest
    case .null: NullPort().arm(self[port].ownQueues, longest: longest)
    case .none: longest
    }
  }

  func coldDisarm(_ port: Int) {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].disarm(self[port].ownQueues)
    case .tap: tap[self[port].body].disarm(self[port].ownQueues)
    case .nic: nic[self[port].body].disarm(self[port].ownQueues)
    case .stream: stream[self[port].body].disarm(self[port].ownQueues)
    case .dgram: dgram[self[port].body].disarm(self[port].ownQueues)
    case .patch: break
    case .null: NullPort().disarm(self[port].ownQueues)
    case .none: break
    }
  }

  mutating func coldHandle(_ port: Int, _ event: PortEvent) {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].handle(event)
    case .tap: tap[self[port].body].handle(event)
    case .nic: nic[self[port].body].handle(event)
    case .stream: stream[self[port].body].handle(event)
    case .dgram: dgram[self[port].body].handle(event)
    case .patch: break
    case .null: NullPort().handle(event)
    case .none: break
    }
  }

  // The life of a port.

  /// A closed body for a port of that kind; -1 if the kind has none.
  mutating func coldTakeBody(_ kind: PortKind) -> Int {
    switch kind {
    case .vhostUser: shared.vhostUser.take() ?? -1
    case .tap: shared.tap.take() ?? -1
    case .nic: shared.nic.take() ?? -1
    case .stream: shared.stream.take() ?? -1
    case .dgram: shared.dgram.take() ?? -1
    case .patch: -1
    case .null: -1
    case .none: -1
    }
  }

  /// Several workers may be at a port's body at once.
  func coldShareBody(_ port: Int) {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].isShared = true
    case .tap: break
    case .nic: break
    case .stream: stream[self[port].body].isShared = true
    case .dgram: dgram[self[port].body].isShared = true
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  /// Closes a port's body and gives its place back.
  mutating func coldGiveBody(_ port: Int) {
    switch self[port].kind {
    case .vhostUser: shared.vhostUser.close(self[port].body, epoll)
    case .tap: shared.tap.close(self[port].body, epoll)
    case .nic: shared.nic.close(self[port].body, epoll)
    case .stream: shared.stream.close(self[port].body, epoll)
    case .dgram: shared.dgram.close(self[port].body, epoll)
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  /// The port's own end is there, whatever was set and whatever the other end does.
  func coldIsThere(_ port: Int) -> Bool {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].isThere
    case .tap: tap[self[port].body].isThere
    case .nic: nic[self[port].body].isThere
    case .stream: stream[self[port].body].isThere
    case .dgram: dgram[self[port].body].isThere
    case .patch: self[port].peer >= 0 && self[self[port].peer].isWanted
    case .null: NullPort().isThere
    case .none: false
    }
  }

  func coldCarrierNews(_ port: Int) -> CarrierNews {
    switch self[port].kind {
    case .vhostUser: VhostUserPort.carrierNews
    case .tap: TAPPort.carrierNews
    case .nic: NICPort.carrierNews
    case .stream: StreamPort.carrierNews
    case .dgram: DatagramPort.carrierNews
    case .patch: .nobody
    case .null: NullPort.carrierNews
    case .none: .nobody
    }
  }

  /// See `WorkerPort`.
  func coldRefusal(_ port: Int) -> EgressDrop? {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].coldRefusal
    case .tap: tap[self[port].body].coldRefusal
    case .nic: nic[self[port].body].coldRefusal
    case .stream: stream[self[port].body].coldRefusal
    case .dgram: dgram[self[port].body].coldRefusal
    case .patch: nil
    case .null: NullPort().coldRefusal
    case .none: .carrierDown
    }
  }

  /// Number of the connection to a port's peer; nil for kinds that have no connections.
  func coldConnection(_ port: Int) -> Int? {
    switch self[port].kind {
    case .vhostUser: nil
    case .tap: nil
    case .stream: stream[self[port].body].epoch
    case .dgram: 0
    case .nic: nil
    case .patch: nil
    case .null: nil
    case .none: nil
    }
  }

  /// What the kernel has told of the interface behind a port; nil = there is none.
  func coldInterface(_ port: Int) -> InterfaceWord? {
    switch self[port].kind {
    case .vhostUser: nil
    case .tap: tap[self[port].body].isOpen ? tap[self[port].body].word : nil
    case .stream: nil
    case .dgram: nil
    case .nic: nic[self[port].body].isOpen ? nic[self[port].body].word : nil
    case .patch: nil
    case .null: nil
    case .none: nil
    }
  }

  /// IPv4 fragments from the node that say that they must not be; nil for kinds that do not look.
  func coldForbiddenFragments(_ port: Int) -> UInt64? {
    switch self[port].kind {
    case .vhostUser: nil
    case .tap: nil
    case .stream: stream[self[port].body].fragmentCount
    case .dgram: dgram[self[port].body].fragmentCount
    case .nic: nil
    case .patch: nil
    case .null: nil
    case .none: nil
    }
  }

  /// The kernel has told of it once more.
  mutating func coldNoteInterface(_ port: Int, _ word: InterfaceWord) {
    switch self[port].kind {
    case .vhostUser: break
    case .tap: tap[self[port].body].word = word
    case .stream: break
    case .dgram: break
    case .nic: nic[self[port].body].note(word)
    case .patch: break
    case .null: break
    case .none: break
    }
  }

  // With several workers.

  /// Queues of a port that run, one bit each.
  func coldQueues(_ port: Int) -> UInt16 {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].queues
    case .tap: tap[self[port].body].queues
    case .nic: nic[self[port].body].queues
    case .stream: stream[self[port].body].queues
    case .dgram: dgram[self[port].body].queues
    case .patch: 0
    case .null: NullPort().queues
    case .none: 0
    }
  }

  mutating func coldWatch(_ port: Int, _ queue: Int) {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].watch(queue, port: port, epoll)
    case .tap: tap[self[port].body].watch(queue, port: port, epoll)
    case .nic: nic[self[port].body].watch(queue, port: port, epoll)
    case .stream: stream[self[port].body].watch(queue, port: port, epoll)
    case .dgram: dgram[self[port].body].watch(queue, port: port, epoll)
    case .patch: break
    case .null: NullPort().watch(queue, port: port, epoll)
    case .none: break
    }
  }

  mutating func coldUnwatch(_ port: Int, _ queue: Int) {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].unwatch(queue, epoll)
    case .tap: tap[self[port].body].unwatch(queue, epoll)
    case .nic: nic[self[port].body].unwatch(queue, epoll)
    case .stream: stream[self[port].body].unwatch(queue, epoll)
    case .dgram: dgram[self[port].body].unwatch(queue, epoll)
    case .patch: break
    case .null: NullPort().unwatch(queue, epoll)
    case .none: break
    }
  }
}
