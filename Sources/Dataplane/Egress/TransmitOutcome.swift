/// What became of the frames handed to one port in one go.
struct TransmitOutcome {
  var packets = 0
  var bytes = 0
  /// Dropped: the guest has no receive buffer.
  var withoutBuffer = 0
  /// Dropped: longer than the port's MTU or the guest's buffers.
  var tooBig = 0
  /// Dropped: the port could not take more at once (TAP).
  var busy = 0
  /// Dropped: the node is not there, or its interface is down.
  var withoutCarrier = 0
  /// Dropped: the sender's memory could not be read.
  var senderFaults = 0
  var fault: RingFault?

  /// A frame left.
  @inline(__always)
  mutating func count(_ frame: LeavingFrame) {
    packets += 1
    bytes += frame.size
  }

  /// A frame was dropped; see `Delivery.drop`.
  mutating func count(_ reason: EgressDrop) {
    switch reason {
    case .noBuffer: withoutBuffer += 1
    case .tooBig: tooBig += 1
    case .tapBusy: busy += 1
    case .carrierDown: withoutCarrier += 1
    default: senderFaults += 1
    }
  }
}
