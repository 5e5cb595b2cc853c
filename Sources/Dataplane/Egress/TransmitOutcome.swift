/// What became of the frames handed to one port in one go; why others were dropped is in their verdicts.
struct TransmitOutcome {
  /// Frames that left: of a large one that was cut, each segment.
  var packets = 0
  var bytes = 0
  /// Frames were dropped.
  private(set) var hasDrops = false
  /// What stopped a ring's part of the delivery, and the pair of that ring; of several the first: others show again.
  var fault: RingFault?
  private(set) var faultPair: UInt8 = 0
  /// Pairs whose receive ring has frames that its driver is to be given (`PortSet.completeTransmit`), one bit each.
  private(set) var filled: UInt16 = 0

  /// Bytes that are as much work as the looking at one frame.
  private static var bytesOfWork: Int { 2048 }

  /// The work of copying so many bytes, in the unit of `EgressTraits.workLimit`.
  @inline(__always)
  static func work(ofBytes count: Int) -> Int { count / bytesOfWork }

  /// What was done so far, in the same unit.
  ///
  /// - Parameter frame: what a frame costs (`EgressTraits.frameWork`).
  @inline(__always)
  func work(_ frame: Int) -> Int { max(packets &* frame, Self.work(ofBytes: bytes)) }

  /// A frame left.
  @inline(__always)
  mutating func count(_ frame: LeavingFrame) {
    packets += 1
    bytes += frame.size
  }

  /// Some of the frames that the one at `position` became were not taken, after others were.
  mutating func drop(_ position: Int, _ reason: EgressDrop, of delivery: Delivery, losing count: Int, afterOthers: Bool)
  {
    hasDrops = true
    delivery.drop(position, reason, losing: count, isPartlyGone: afterOthers)
  }

  /// A frame of so many bytes left.
  mutating func count(size: Int) {
    packets += 1
    bytes += size
  }

  /// Notes that the frame at `position` is dropped, and why; who handed it over counts it by that.
  ///
  /// - Parameter leaving: what it was to become, if that was asked for: a large frame may have left in part.
  @inline(never)
  mutating func drop(_ position: Int, _ reason: EgressDrop, of delivery: Delivery, _ leaving: LeavingFrames? = nil) {
    drop(position, reason, of: delivery, losing: leaving?.lost ?? 1, isPartlyGone: leaving?.isPartlyGone ?? false)
  }

  /// The same for who knows what is lost: `count` of the frames that it was to become.
  mutating func drop(
    _ position: Int, _ reason: EgressDrop, of delivery: Delivery, losing count: Int, isPartlyGone: Bool
  ) {
    hasDrops = true
    delivery.drop(position, reason, losing: count, isPartlyGone: isPartlyGone)
  }

  /// Notes that none of the frames from `position` on is taken.
  @inline(never)
  mutating func drop(from position: Int, _ reason: EgressDrop, of delivery: Delivery) {
    for position in position..<delivery.count { drop(position, reason, of: delivery) }
  }

  /// Notes that this is what became of the frames for one ring.
  @inline(__always)
  mutating func attribute(to pair: UInt8) {
    filled = 1 &<< UInt16(pair)
    faultPair = pair
  }

  /// Takes in what became of the frames for another ring.
  mutating func add(_ part: TransmitOutcome) {
    packets += part.packets
    bytes += part.bytes
    hasDrops = hasDrops || part.hasDrops
    if part.packets > 0 { filled |= part.filled }
    if fault == nil, part.fault != nil { (fault, faultPair) = (part.fault, part.faultPair) }
  }

  /// None of the frames was taken, since the node is not there.
  static func nobodyThere(_ delivery: Delivery) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    outcome.drop(from: 0, .carrierDown, of: delivery)
    return outcome
  }
}
