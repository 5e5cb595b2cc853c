/// What rings have done since they started.
struct RingActivity: Sendable {
  /// A driver has made something available.
  var hasMoved = false
  /// Kicks of the ring that has most.
  var kicks: UInt64 = 0

  /// A driver kicks when it has made something available, and QEMU once when it starts a ring.
  var isDead: Bool { !hasMoved && kicks > 1 }
}
