/// Settings of ports with several workers: the first one's are the master, and others have copies, which are made while all
/// stand still.
extension PortSet {
  /// A setting of a port has changed, so that other workers take it over before frames move again.
  ///
  /// To be called wherever anything is changed that `PortSlot.takeOver` copies.
  mutating func coldNote(_ port: Int) {
    if isShared, changed.last != port { changed.append(port) }
  }

  /// Takes over what has changed at the first worker.
  mutating func coldTakeOver(_ first: borrowing PortSet) {
    for port in first.changed { self[port].takeOver(first[port], worker: worker) }
    (limit, patchEndCount, faultCount) = (first.limit, first.patchEndCount, first.faultCount)
  }

  /// The worker does, or does not, take frames from a queue of a port.
  mutating func coldOwn(_ port: Int, _ queue: Int, _ isOwn: Bool) {
    let bit = UInt16(1) << UInt16(queue)
    if isOwn { self[port].ownQueues |= bit } else { self[port].ownQueues &= ~bit }
  }

  /// The worker looks at descriptors while it polls, or does not, for a port's sake.
  ///
  /// - Returns: whether it did.
  mutating func coldSetLooks(_ port: Int, _ needsLooks: Bool) -> Bool {
    let before = self[port].needsLooks
    guard before != needsLooks else { return before }
    self[port].needsLooks = needsLooks
    lookedAtCount += needsLooks ? 1 : -1
    return before
  }

  /// Lets go of a queue that another worker is to take frames from: `coldTake` follows there.
  ///
  /// - Returns: its worker has to look at descriptors while it polls.
  mutating func coldGive(_ port: Int, _ queue: Int) -> Bool {
    coldOwn(port, queue, false)
    coldUnwatch(port, queue)
    return coldSetLooks(port, false)
  }

  /// Takes frames from a queue of a port from now on, of which there may be some already.
  mutating func coldTake(_ port: Int, _ queue: Int, needsLooks: Bool) {
    coldOwn(port, queue, true)
    coldWatch(port, queue)
    _ = coldSetLooks(port, needsLooks)
    // Whoever had it may have asked for kicks.
    coldDisarm(port)
    coldWake(port)
  }

  /// A burst of a queue took so many cycles.
  @inline(__always)
  func noteLoad(_ port: Int, _ queue: Int, _ cycles: UInt64) {
    loads[port &* VhostUserPort.maximumPairs &+ queue] &+= cycles
  }

  /// Cycles that bursts of a queue took since the last call.
  func coldTakeLoad(_ port: Int, _ queue: Int) -> UInt64 {
    let place = port * VhostUserPort.maximumPairs + queue
    guard place < loads.count else { return 0 }
    defer { loads[place] = 0 }
    return loads[place]
  }
}
