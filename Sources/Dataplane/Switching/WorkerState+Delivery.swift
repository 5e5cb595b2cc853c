/// Frames on their way out: noted with their ports while a burst is forwarded, then handed over, all of a port at once.
extension WorkerState {
  /// Notes a port for delivery at the end of the burst.
  @inline(__always)
  mutating func touch(_ port: Int) {
    guard !ports[port].isTouched else { return }
    ports[port].isTouched = true
    touched[touchedCount] = UInt16(truncatingIfNeeded: port)
    touchedCount += 1
  }

  /// Notes a frame for a port; a port whose list is full is served at once.
  @inline(__always)
  mutating func enqueue(_ frame: Int, to port: Int, _ edit: TagEdit) {
    let count = ports[port].pendingCount
    touch(port)
    pending[port * Burst.capacity + count] = PendingFrame(frame: frame, edit: edit)
    ports[port].pendingCount = count + 1
    if count + 1 == Burst.capacity { deliver(to: port) }
  }

  /// Notes the frames of a conversation, from `index` on up to the first that is of another, with their port.
  ///
  /// - Returns: how many there were, and their bytes.
  @inline(__always)
  mutating func enqueue(_ known: Conversation, from index: Int) -> (frames: Int, bytes: Int) {
    guard !known.isRuled else { return enqueueRuled(known, from: index) }
    let port = known.output
    let waiting = ports[port].pendingCount
    let run = burst.noteConversation(
      known, from: index, in: pending, at: port * Burst.capacity + waiting, room: Burst.capacity - waiting)
    guard run.frames > 0 else { return (0, 0) }
    ports[port].pendingCount = waiting + run.frames
    if taps.recorder.isRecording { taps.recorder.record(burst, from: index, count: run.frames, output: port) }
    touch(port)
    if waiting + run.frames == Burst.capacity { deliver(to: port) }
    return run
  }

  /// Notes frames of a wire's end, from `index` on up to the first that is to be refused, with its other end.
  ///
  /// - Returns: how many there were, and their bytes.
  @inline(__always)
  mutating func enqueueAll(to port: Int, from index: Int) -> (frames: Int, bytes: Int) {
    let waiting = ports[port].pendingCount
    let run = burst.noteAll(
      from: index, in: pending, at: port * Burst.capacity + waiting, room: Burst.capacity - waiting)
    guard run.frames > 0 else { return (0, 0) }
    ports[port].pendingCount = waiting + run.frames
    touch(port)
    if waiting + run.frames == Burst.capacity { deliver(to: port) }
    return run
  }

  /// Serves every port that has pending frames.
  @inline(__always)
  mutating func deliverTouched() {
    var position = 0
    while position < touchedCount {
      let port = Int(touched[position])
      if ports[port].pendingCount > 0 { deliver(to: port) }
      ports[port].isTouched = false
      position += 1
    }
    touchedCount = 0
  }

  /// Delivers a port's pending frames: the copy, one publication, one call at most, counters once.
  ///
  /// - Parameter isReleased: the frames were held already.
  @inline(never)
  mutating func deliver(to port: Int, isReleased: Bool = false) {
    let count = ports[port].pendingCount
    ports[port].pendingCount = 0
    if ports[port].isUp {
      if ports[port].isDetoured, detour(port, count: count, isReleased: isReleased) { return }
      handOver(port, count)
    } else {
      refusePending(of: port, count: count, .carrierDown)
    }
    let captures = ports[port].taps & ~taps.punts
    if captures != 0 {
      let seen = CaptureTap.Sighting(port: port, captures: captures, direction: .toNode, drop: .none)
      taps.recordDepartures(of: burst, pending, count: count, seen, ports.egressTraits(port))
    }
  }

  @inline(__always)
  private mutating func handOver(_ port: Int, _ count: Int) {
    let limit = burst.hasLarge ? workLeft : .max
    let outcome = ports.transmit(port, pending, count: count, workLimit: limit, burst: burst, notes: notes)
    if outcome.packets > 0 { ports.completeTransmit(port, pairs: outcome.filled) }
    account(outcome, port, of: count)
    if let fault = outcome.fault { ports.coldRingFault(port, ring: 2 * Int(outcome.faultPair), fault) }
  }

  /// Work that large frames of this burst may be yet.
  ///
  /// A flood of one alone may be as much as its ports: with less, always the same ones would never get it.
  var workLeft: Int {
    let limit = burst.count == 1 ? max(Self.workLimit, 64 &* touchedCount) : Self.workLimit
    return max(limit &- largeWork, 0)
  }

  /// Notes the work that frames of a burst with large ones have been; what is more than one a frame, its port owes.
  @inline(never)
  mutating func chargeLarge(_ work: Int, for frames: Int) {
    largeWork &+= work
    copies &+= max(work &- frames, 0)
  }

  /// Commits a delivery's counters.
  @inline(__always)
  mutating func account(_ outcome: TransmitOutcome, _ port: Int, of count: Int) {
    let counters = ports[port].counters
    counters.transmitted(packets: outcome.packets, bytes: outcome.bytes)
    if burst.hasLarge { chargeLarge(outcome.work(ports.egressTraits(port).frameWork), for: count) }
    if outcome.hasDrops { refuseUndelivered(of: port, count: count) }
  }

  /// Shows captures a frame that crosses a patch, at both of its ends.
  ///
  /// - Parameter vlan: that it is of at the far end; 0 = none.
  @inline(never)
  mutating func recordCrossing(_ place: Place, from near: Int, to far: Int, vlan: UInt16) {
    let edit = edit(place, near)
    taps.record(
      place.frame, of: burst, edit,
      CaptureTap.Sighting(port: near, captures: ports[near].taps, direction: .toNode, drop: .none))
    var arrival = CaptureTap.Sighting(port: far, captures: ports[far].taps, direction: .fromNode, drop: .none)
    arrival.vlan = vlan
    taps.record(place.frame, of: burst, edit, arrival)
  }

  /// Shows captures the burst as its node sent it, and punts if the switch is about to judge it.
  @inline(never)
  mutating func recordArrivals(_ port: Int, queue: Int) {
    let isJudged = ports[port].isUp && ports[port].ingressLine < 0
    if isJudged, ports[port].taps & taps.punts != 0 { punt(from: port, queue: queue) }
    let captures = ports[port].taps & ~taps.punts
    guard captures != 0 else { return }
    let seen = CaptureTap.Sighting(
      port: port, captures: captures, direction: .fromNode, drop: .none, queue: UInt16(truncatingIfNeeded: queue))
    taps.recordArrivals(of: burst, seen)
  }

  /// Delivers a burst that a line at the port let go.
  mutating func deliverReleased(to port: Int) {
    for index in 0..<burst.count {
      pending[port * Burst.capacity + index] = PendingFrame(frame: index, edit: .keep)
    }
    ports[port].pendingCount = burst.count
    deliver(to: port, isReleased: true)
  }
}
