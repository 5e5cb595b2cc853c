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

  /// Hands over `count` frames of `pending`, from `start` on.
  @inline(__always)
  init(_ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, _ traits: EgressTraits) {
    precondition(start >= 0 && count >= 0 && start <= pending.count - count)
    unsafe items = pending.base + start
    self.count = count
    self.traits = traits
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
  @inline(__always)
  func frames(at position: Int) -> LeavingFrames { LeavingFrames(self[position], traits) }

  /// Notes that the frame at `position` is dropped, and why; who handed it over counts it by that.
  @inline(never)
  func drop(_ position: Int, _ reason: EgressDrop) { self[position].verdict = FrameDrop(reason).rawValue }

  /// Notes that a fault of the receiver kept the frames from `position` on from it.
  @inline(never)
  func markFault(from position: Int) {
    for position in position..<count { drop(position, .guestFault) }
  }

  /// None of the frames was taken, since the node is not there; their verdicts say so.
  func dropAll() -> TransmitOutcome {
    for position in 0..<count { drop(position, .carrierDown) }
    return TransmitOutcome()
  }
}
