/// A delivery in parts: the frames of a port's list by the ring that they go to, in their order, in memory of the worker.
struct DeliveryParts: ~Copyable {
  /// Parts that there can be, one for each bit of `TransmitOutcome.filled`.
  static let limit = UInt16.bitWidth

  private let items = FixedArray<PendingFrame>(count: Burst.capacity) { _ in .none }
  /// Where each of them stands in the delivery.
  private let places = FixedArray<UInt8>(count: Burst.capacity) { _ in 0 }
  /// The part of each frame of the delivery.
  private let parts = FixedArray<UInt8>(count: Burst.capacity) { _ in 0 }
  /// Where each part begins among the items; one more behind the last.
  private let starts = FixedArray<Int>(count: limit + 1) { _ in 0 }

  init() {}

  /// Notes which part the frame at `position` belongs to, 0..<`limit`.
  @inline(__always)
  func note(_ position: Int, in part: Int) { parts[position] = UInt8(truncatingIfNeeded: part) }

  /// Sorts the frames of a delivery, each of which was noted.
  func sort(_ delivery: Delivery) {
    for part in 0..<starts.count { starts[part] = 0 }
    for position in 0..<delivery.count { starts[Int(parts[position]) + 1] += 1 }
    for part in 1..<starts.count { starts[part] += starts[part - 1] }
    // Each part's beginning runs to its end, where the next one began; then all stand one part too far.
    for position in 0..<delivery.count {
      let part = Int(parts[position])
      items[starts[part]] = delivery.item(position)
      places[starts[part]] = UInt8(truncatingIfNeeded: position)
      starts[part] += 1
    }
    for part in (1..<starts.count).reversed() { starts[part] = starts[part - 1] }
    starts[0] = 0
  }

  /// The frames of one part as a delivery.
  func delivery(_ part: Int, _ traits: EgressTraits) -> Delivery {
    Delivery(items, from: starts[part], count: starts[part + 1] - starts[part], traits)
  }

  /// Writes what became of a part's frames where it is looked for.
  func giveBack(_ part: Int, to delivery: Delivery) {
    for index in starts[part]..<starts[part + 1] { delivery.replace(Int(places[index]), by: items[index]) }
  }
}
