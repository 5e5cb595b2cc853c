import Frames

/// Where frames are dropped: each one is counted at its port, by its reason, and whoever listens is told (captures of the
/// port, the flight recorder). Nobody else counts drops.
///
/// What a port does not take in a delivery says its reason by `Delivery.drop`, and is counted here after it.
extension WorkerState {
  /// Counts a frame that is refused where it came in.
  @inline(never)
  mutating func refuse(_ index: Int, at port: Int, _ reason: IngressDrop) {
    ports[port].counters.drop(reason)
    noteDrop(index, at: port, .keep, FrameDrop(reason), .fromNode)
    if taps.recorder.isRecording { taps.recorder.mark(index, FrameDrop(reason), isWhole: true) }
  }

  /// Counts a frame that a switch refuses, of a port that may be the end of a patch.
  @inline(never)
  mutating func refuse(_ place: Place, _ reason: IngressDrop) {
    ports[place.ingress].counters.drop(reason)
    noteDrop(place.frame, at: place.ingress, arrivalEdit(place), FrameDrop(reason), .fromNode)
  }

  /// A frame that would leave where it came from.
  @inline(never)
  mutating func refuseHairpin(_ place: Place) {
    ports[place.ingress].counters.drop(EgressDrop.hairpin)
    noteDrop(place.frame, at: place.ingress, arrivalEdit(place), FrameDrop(EgressDrop.hairpin), .fromNode)
  }

  /// A frame that its switch lets leave by no such port.
  @inline(never)
  mutating func refuse(_ place: Place, leavingBy port: Int, _ reason: EgressDrop) {
    ports[port].counters.drop(reason)
    noteDrop(place.frame, at: port, edit(place, port), FrameDrop(reason), .toNode)
  }

  /// A frame that the far end of a patch does not take, as it left the near one.
  @inline(never)
  mutating func refuseCrossing(_ place: Place, from near: Int, at far: Int, _ reason: IngressDrop) {
    ports[far].counters.drop(reason)
    noteDrop(place.frame, at: far, edit(place, near), FrameDrop(reason), .fromNode)
  }

  /// A frame that an impairment of the port's link lost, on its way in or out, or some segments of a large one.
  @inline(never)
  mutating func refuseHeld(
    _ outcome: DelayLine.HoldOutcome, _ index: Int, at port: Int, _ edit: TagEdit, _ direction: CaptureDirections
  ) {
    guard outcome.lost + outcome.refused > 0 else { return }
    ports[port].counters.drop(EgressDrop.impairedLoss, outcome.lost)
    ports[port].counters.drop(EgressDrop.impairedQueue, outcome.refused)
    // What is on its way in part was not dropped; the rest stands in the counters.
    guard outcome.kept == 0 else { return }
    let reason = outcome.refused > 0 ? EgressDrop.impairedQueue : .impairedLoss
    noteDrop(index, at: port, edit, FrameDrop(reason), direction)
  }

  /// What tells a frame at its place from the frame as its node sent it.
  private mutating func arrivalEdit(_ place: Place) -> TagEdit {
    ports[place.ingress].kind == .patch ? edit(place, place.ingress) : .keep
  }

  /// How a frame's tag is changed where it leaves by a port.
  @inline(__always)
  mutating func edit(_ place: Place, _ port: Int) -> TagEdit {
    ports[port].edit(
      vlan: place.vlan, priority: place.priority, isTagged: burst.frames[place.frame].isTagged,
      tag: burst.header(place.frame).tag)
  }

  @inline(__always)
  mutating func noteDrop(
    _ index: Int, at port: Int, _ edit: TagEdit, _ drop: FrameDrop, _ direction: CaptureDirections
  ) {
    if ports[port].taps != 0 {
      let seen = CaptureTap.Sighting(port: port, captures: ports[port].taps, direction: direction, drop: drop)
      taps.record(index, of: burst, edit, seen)
    }
    if taps.recorder.isRecording { taps.recorder.mark(index, drop) }
  }

  /// Counts all of a port's pending frames as dropped.
  @inline(never)
  mutating func refusePending(of port: Int, count: Int, _ reason: EgressDrop) {
    ports[port].counters.drop(reason, count)
    for position in 0..<count {
      pending[port * Burst.capacity + position].refuse(FrameDrop(reason))
    }
    taps.recordUndelivered(pending, of: port, count: count)
  }

  /// Counts, by their verdicts, those of a port's pending frames that its delivery did not take.
  @inline(never)
  mutating func refuseUndelivered(of port: Int, count: Int) {
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      if let reason = FrameDrop(rawValue: item.verdict).egress { ports[port].counters.drop(reason, item.lostCount) }
    }
    taps.recordUndelivered(pending, of: port, count: count)
  }

  /// Counts the burst of a port that is down: it has nothing to say.
  @inline(never)
  mutating func refuseBurst(of port: Int) {
    var bytes = 0
    for index in 0..<burst.count {
      bytes += burst.frames[index].size
      refuse(index, at: port, .portDown)
    }
    ports[port].counters.received(packets: burst.count, bytes: bytes)
  }
}
