import CLinux
import Frames

/// Taps: frames are copied past a port into the rings of the captures that it is part of.
///
/// A port's `taps` has one bit a capture; a port without any pays one branch a burst where frames come in and one where
/// they leave. Frames from a node are recorded as they came, before anything judges them; a drop that is found later in
/// the same breath is written into that record. Frames to a node are recorded after their delivery, with its outcome.
///
/// Unsafe code. Invariants as in Burst.swift: bytes come from `outgoingPrefix`, used before its next call.
extension WorkerCore {
  /// Captures at once: the bits of `PortSlot.taps`.
  static var captureLimit: Int { 64 }

  /// Number of a frame of the burst, the same wherever it goes.
  @inline(__always)
  func packetID(_ index: Int) -> UInt64 {
    isReleasing ? packetIDs[index] : packetBase &+ UInt64(truncatingIfNeeded: index)
  }

  /// Nanoseconds since 1970 when this burst was first asked for its time.
  @inline(never)
  mutating func burstTime() -> UInt64 {
    if stamp == 0 { stamp = clinux_realtime() }
    return stamp
  }

  // Taps.

  /// Records the burst as its node sent it.
  @inline(never)
  mutating func tapArrivals(_ port: Int, queue: Int) {
    for index in 0..<burst.count { tap(index, port, .keep, .fromNode, .none, queue: queue) }
  }

  /// Records a port's pending frames with what became of them.
  @inline(never)
  mutating func tapDepartures(_ port: Int, count: Int) {
    let takesPartial = takesPartialChecksums(port)
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      tap(
        Int(item.frame), port, item.edit, .toNode, FrameDrop(rawValue: item.verdict),
        completesChecksum: !takesPartial)
    }
  }

  /// Records a frame that crosses a patch, at both of its ends.
  @inline(never)
  mutating func tapCrossing(_ place: Place, from near: Int, to far: Int) {
    let edit = edit(place, near)
    tap(place.frame, near, edit, .toNode, .none)
    tap(place.frame, far, edit, .fromNode, .none)
  }

  /// Records one frame in every capture of the port.
  @inline(never)
  mutating func tap(
    _ index: Int, _ port: Int, _ edit: TagEdit, _ direction: CaptureDirections, _ drop: FrameDrop, queue: Int = 0,
    completesChecksum: Bool = false
  ) {
    var left = ports[port].taps
    guard left != 0 else { return }
    unpublishedTaps |= left
    let completes = completesChecksum && burst.frames[index].needsChecksum
    // A frame too short for the edit was refused before it came here; a runt has none.
    let (base, size, tail) = unsafe burst.outgoingPrefix(index, edit, completeChecksum: completes, depth: tapDepth)
    let frame = burst.frames[index]
    let sighting = CaptureTap.Sighting(
      port: port, direction: direction, drop: drop, queue: UInt16(truncatingIfNeeded: queue), timestamp: burstTime(),
      packetID: packetID(index), needsChecksum: frame.needsChecksum && !completes,
      checksumStart: UInt16(truncatingIfNeeded: Int(frame.checksumStart) + edit.growth))
    while left != 0 {
      let capture = left.trailingZeroBitCount
      left &= left &- 1
      unsafe captures[capture].take(
        index, frame, prefix: base, size: size, tail: tail, length: frame.size + edit.growth, sighting, of: burst)
    }
  }

  /// Lets the readers have what this breath recorded.
  @inline(never)
  mutating func publishTaps() {
    while unpublishedTaps != 0 {
      captures[unpublishedTaps.trailingZeroBitCount].publish()
      unpublishedTaps &= unpublishedTaps &- 1
    }
  }

  // Drops.

  /// Counts a frame that the switch refuses, and tells whoever listens.
  @inline(never)
  mutating func refuse(_ index: Int, at port: Int, _ reason: IngressDrop) {
    ports[port].counters.drop(reason)
    noteDrop(index, at: port, .keep, FrameDrop(reason), .fromNode)
    if recorder.isRecording { recorder.mark(index, FrameDrop(reason), isWhole: true) }
  }

  /// The same on a switch, where the port may be the end of a patch.
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

  /// What tells a frame at its place from the frame as its node sent it.
  private func arrivalEdit(_ place: Place) -> TagEdit {
    ports[place.ingress].kind == .patch ? edit(place, place.ingress) : .keep
  }

  @inline(__always)
  mutating func noteDrop(
    _ index: Int, at port: Int, _ edit: TagEdit, _ drop: FrameDrop, _ direction: CaptureDirections
  ) {
    if ports[port].taps != 0 { tap(index, port, edit, direction, drop) }
    if recorder.isRecording { recorder.mark(index, drop) }
  }

  /// Counts all of a port's pending frames as dropped.
  @inline(never)
  mutating func refusePending(of port: Int, count: Int, _ reason: EgressDrop) {
    ports[port].counters.drop(reason, count)
    for position in 0..<count {
      pending[port * Burst.capacity + position].verdict = FrameDrop(reason).rawValue
    }
    recordUndelivered(port, count: count)
  }

  // Commands.

  /// Takes a capture in; nil if there are too many already.
  mutating func coldStartCapture(_ ring: CaptureRing, _ configuration: CaptureConfiguration) -> Int? {
    var free = 0
    while free < captures.count, captures[free].isUsed { free += 1 }
    guard free < Self.captureLimit else { return nil }
    if free == captures.count { captures.grow(to: max(4, 2 * free)) { _ in CaptureTap() } }
    captures[free] = CaptureTap(ring, configuration, portCapacity: ports.count)
    coldFindTapDepth()
    return free
  }

  mutating func coldStopCapture(_ capture: Int, _ reason: CaptureEnd) {
    guard capture < captures.count, captures[capture].isUsed else { return }
    for port in 0..<ports.count { ports[port].taps &= ~(1 << UInt64(capture)) }
    unpublishedTaps &= ~(1 << UInt64(capture))
    captures[capture].coldEnd(reason)
    captures[capture] = CaptureTap()
    coldFindTapDepth()
  }

  @discardableResult
  mutating func coldSetFilter(_ capture: Int, _ program: FilterProgram?) -> UInt16 {
    let number = captures[capture].coldSetFilter(program)
    coldFindTapDepth()
    return number
  }

  mutating func coldCapture(_ capture: Int, _ port: Int, _ interface: CaptureInterface) {
    captures[capture].coldAdd(port, interface)
    ports[port].taps |= 1 << UInt64(capture)
  }

  /// Takes a port out of a capture, which ends if it was the last and the capture is one that does.
  mutating func coldUncapture(_ capture: Int, _ port: Int) {
    ports[port].taps &= ~(1 << UInt64(capture))
    captures[capture].coldRemove(port)
    if captures[capture].memberCount == 0, captures[capture].endsWithPorts {
      coldStopCapture(capture, .portsRemoved)
    }
  }

  /// Takes a port out of all captures.
  mutating func coldUncapture(_ port: Int) {
    while ports[port].taps != 0 { coldUncapture(ports[port].taps.trailingZeroBitCount, port) }
  }

  private mutating func coldFindTapDepth() {
    tapDepth = 0
    for capture in 0..<captures.count { tapDepth = max(tapDepth, captures[capture].depth) }
  }
}
