import Frames

/// Frames of ports in switch-over, which are kept where they would have left (WorkerCore+SwitchOver.swift).
///
/// A port that is not pays nothing: who holds frames of impaired ports is asked with the same look (`PortSlot.isDetoured`).
extension WorkerState {
  /// Holds a port's pending frames, if they are not to leave at once: first on its line, then for its switch-over.
  ///
  /// - Parameter isReleased: the line has let them go.
  /// - Returns: false if they may leave.
  @inline(never)
  mutating func detour(_ port: Int, count: Int, isReleased: Bool) -> Bool {
    if ports[port].egressLine >= 0, !isReleased {
      holdPending(of: port, count: count)
      return true
    }
    guard ports[port].switchOver >= 0 else { return false }
    coldKeepPending(of: port, count: count)
    return true
  }

  /// Keeps a port's pending frames.
  @inline(never)
  private mutating func coldKeepPending(of port: Int, count: Int) {
    let place = ports[port].switchOver
    delays.begin()
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      let index = Int(item.frame)
      let outcome = delays.switchOvers.place(place).element.keep(
        item, taps.packetID(index), of: burst, workLimit: burst.hasLarge ? workLeft : .max)
      if burst.hasLarge { chargeLarge(max(burst.frames[index].size / 2048, 1), for: 1) }
      guard outcome.refused > 0 else { continue }
      ports[port].counters.drop(EgressDrop.migrationBuffer, outcome.refused)
      // What is kept in part was not dropped; the rest stands in the counters.
      if outcome.kept == 0 { noteDrop(index, at: port, item.edit, FrameDrop(EgressDrop.migrationBuffer), .toNode) }
    }
    delays.end()
  }

  /// Hands a burst of kept frames to their port, each by itself, up to the first that its node has no room for.
  ///
  /// - Returns: how many are done with.
  mutating func coldDeliverKept(to port: Int) -> Int {
    var (done, filled) = (0, UInt16(0))
    let place = port * Burst.capacity
    while done < burst.count {
      pending[place] = PendingFrame(kept: done)
      let outcome = ports.transmit(port, pending, count: 1, workLimit: .max, burst: burst, notes: notes)
      if outcome.packets == 0, isToWait(pending[place]) { break }
      if outcome.packets > 0 { filled |= outcome.filled }
      account(outcome, port, of: 1)
      let captures = ports[port].taps & ~taps.punts
      if captures != 0 {
        let seen = CaptureTap.Sighting(port: port, captures: captures, direction: .toNode, drop: .none)
        taps.recordDepartures(of: burst, pending, count: 1, seen, ports.egressTraits(port))
      }
      done += 1
      guard let fault = outcome.fault else { continue }
      ports.coldRingFault(port, ring: 2 * Int(outcome.faultPair), fault)
      break
    }
    if filled != 0 { ports.completeTransmit(port, pairs: filled) }
    return done
  }

  /// The frame may leave later.
  private func isToWait(_ item: PendingFrame) -> Bool {
    switch FrameDrop(rawValue: item.verdict).egress {
    case .noBuffer, .tapBusy, .carrierDown: true
    default: false
    }
  }

  /// Counts the frames of the burst, which their port had kept, as dropped there.
  mutating func coldRefuseKept(at port: Int, _ reason: EgressDrop) {
    for index in 0..<burst.count { coldRefuseKept(index, at: port, reason) }
  }

  mutating func coldRefuseKept(_ index: Int, at port: Int, _ reason: EgressDrop) {
    ports[port].counters.drop(reason)
    noteDrop(index, at: port, .keep, FrameDrop(reason), .toNode)
  }
}
