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
    let isJudged = ports[port].isUp && ports[port].ingressLine < 0
    if isJudged, ports[port].taps & puntTaps != 0 { punt(from: port, queue: queue) }
    guard ports[port].taps & ~puntTaps != 0 else { return }
    let sighting = CaptureTap.Sighting(
      port: port, direction: .fromNode, drop: .none, queue: UInt16(truncatingIfNeeded: queue))
    for index in 0..<burst.count { tap(index, .keep, sighting, among: ~puntTaps) }
  }

  /// Records a port's pending frames with what became of them.
  @inline(never)
  mutating func tapDepartures(_ port: Int, count: Int) {
    guard ports[port].taps & ~puntTaps != 0 else { return }
    let takesPartial = takesPartialChecksums(port)
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      let sighting = CaptureTap.Sighting(port: port, direction: .toNode, drop: FrameDrop(rawValue: item.verdict))
      tap(Int(item.frame), item.edit, sighting, among: ~puntTaps, completesChecksum: !takesPartial)
    }
  }

  /// Records a frame that crosses a patch, at both of its ends.
  @inline(never)
  mutating func tapCrossing(_ place: Place, from near: Int, to far: Int) {
    let edit = edit(place, near)
    tap(place.frame, edit, CaptureTap.Sighting(port: near, direction: .toNode, drop: .none))
    var arrival = CaptureTap.Sighting(port: far, direction: .fromNode, drop: .none)
    let vlan = ports[near].untaggedVLAN == place.vlan ? ports[far].untaggedVLAN : place.vlan
    arrival.vlan = vlan != 0 && ports[far].carries(vlan) ? vlan : 0
    tap(place.frame, edit, arrival)
  }

  /// Records one frame in every capture of the port, of those named; what is not said of the sighting yet is found here.
  @inline(never)
  mutating func tap(
    _ index: Int, _ edit: TagEdit, _ seen: CaptureTap.Sighting, among wanted: UInt64 = .max,
    completesChecksum: Bool = false
  ) {
    var left = ports[seen.port].taps & wanted
    guard left != 0 else { return }
    unpublishedTaps |= left
    let completes = completesChecksum && burst.frames[index].needsChecksum
    // A frame too short for the edit was refused before it came here; a runt has none.
    let (base, size, tail) = unsafe burst.outgoingPrefix(index, edit, completeChecksum: completes, depth: tapDepth)
    let frame = burst.frames[index]
    let content = unsafe CaptureTap.Content(prefix: base, size: size, tail: tail, length: frame.size + edit.growth)
    var sighting = seen
    sighting.timestamp = burstTime()
    sighting.packetID = packetID(index)
    sighting.needsChecksum = frame.needsChecksum && !completes
    sighting.checksumStart = UInt16(truncatingIfNeeded: Int(frame.checksumStart) + edit.growth)
    while left != 0 {
      let capture = left.trailingZeroBitCount
      left &= left &- 1
      captures[capture].take(index, content, sighting, of: burst)
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
    puntTaps &= ~(1 << UInt64(capture))
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
