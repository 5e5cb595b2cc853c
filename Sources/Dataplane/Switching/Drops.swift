import Frames

/// Why a frame was dropped, in a byte.
package struct FrameDrop: Sendable, Hashable, BitwiseCopyable {
  /// 0 = it was not, from 1 on `IngressDrop`, from 128 on `EgressDrop`.
  package let rawValue: UInt8

  package static let none = FrameDrop(rawValue: 0)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  @inline(__always)
  package init(_ reason: IngressDrop) { rawValue = UInt8(truncatingIfNeeded: 1 + reason.rawValue) }

  @inline(__always)
  package init(_ reason: EgressDrop) { rawValue = UInt8(truncatingIfNeeded: 128 + reason.rawValue) }

  /// Where the frame came in, or at the far side of a patch.
  package var isIngress: Bool { (1..<128).contains(rawValue) }

  /// The reason in the words of the user guide; nil = the frame was not dropped.
  package var name: String? {
    guard rawValue > 0 else { return nil }
    if rawValue < 128 { return IngressDrop(rawValue: Int(rawValue) - 1)?.name }
    return EgressDrop(rawValue: Int(rawValue) - 128)?.name
  }
}

/// Where frames are dropped: each one is counted at its port, by its reason, and whoever listens is told (captures of the
/// port, the flight recorder).
extension WorkerCore {
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
    if ports[port].taps != 0 { tap(index, edit, CaptureTap.Sighting(port: port, direction: direction, drop: drop)) }
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
}
