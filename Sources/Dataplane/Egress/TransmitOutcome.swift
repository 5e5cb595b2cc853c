/// What became of the frames handed to one port in one go; why others were dropped is in their verdicts.
struct TransmitOutcome {
  var packets = 0
  var bytes = 0
  var fault: RingFault?

  /// A frame left.
  @inline(__always)
  mutating func count(_ frame: LeavingFrame) {
    packets += 1
    bytes += frame.size
  }
}
