/// The pending frames that one port is handed in one go, and what that port takes.
///
/// Unsafe code. Invariants: `items` points at `count` places of a `FixedArray` that outlives the delivery, which is one
/// call of `WorkerPort.transmit`; every subscript checks its position.
@safe
struct Delivery: BitwiseCopyable {
  private let items: UnsafeMutablePointer<PendingFrame>
  /// Frames that are handed over.
  let count: Int
  let traits: EgressTraits
  /// TSC about when this breath began.
  let now: UInt64

  /// Hands over `count` frames of `pending`, from `start` on.
  @inline(__always)
  init(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, _ traits: EgressTraits, now: UInt64 = 0
  ) {
    precondition(start >= 0 && count >= 0 && start <= pending.count - count)
    unsafe items = pending.base + start
    self.count = count
    self.traits = traits
    self.now = now
  }

  /// The frames from `position` on, for loops that count them themselves.
  @unsafe @inline(__always)
  func items(from position: Int) -> UnsafeMutablePointer<PendingFrame> { unsafe items + position }

  @inline(__always)
  private subscript(position: Int) -> PendingFrame {
    get {
      precondition(UInt(bitPattern: position) < UInt(bitPattern: count))
      // SAFETY: the position is in range.
      return unsafe items[position]
    }
    nonmutating set {
      precondition(UInt(bitPattern: position) < UInt(bitPattern: count))
      // SAFETY: as above.
      unsafe items[position] = newValue
    }
  }

  /// The frames that leave in place of the pending one at `position`.
  ///
  /// - Parameter done: what became of those before it.
  @inline(__always)
  func frames(at position: Int, after done: TransmitOutcome) -> LeavingFrames {
    LeavingFrames(self[position], traits, after: done)
  }

  /// The frame at `position` as it was noted.
  @inline(__always)
  func item(_ position: Int) -> PendingFrame { self[position] }

  /// Takes over what became of the frame at `position` in a part of this delivery (`DeliveryParts`).
  func replace(_ position: Int, by item: PendingFrame) { self[position] = item }

  /// The frame at `position` is a large one.
  @inline(__always)
  func isLarge(_ position: Int, in burst: borrowing Burst) -> Bool { burst.frames[Int(self[position].frame)].isLarge }

  /// For `TransmitOutcome.drop`, by which ports say it.
  func drop(_ position: Int, _ reason: EgressDrop, losing count: Int, isPartlyGone: Bool) {
    self[position].refuse(FrameDrop(reason), losing: count, isPartlyGone: isPartlyGone)
  }
}
