internal import LinuxHost

/// What the front-end has said of one ring so far.
struct Ring {
  enum Phase {
    case stopped
    /// Kicked, with size and addresses, but there is no memory yet, or it is held for want of a log.
    case waiting
    case running
  }

  /// Entries; 0 = not said.
  var size = 0
  var base: UInt32 = 0
  /// Where the owner said that it stopped; nil = it has not in this session, or the format was another.
  var stoppedAt: UInt32?
  var addresses: RingAddresses?
  var kick: Descriptor?
  var call: Descriptor?
  var error: Descriptor?
  /// Remembered while the ring is stopped ("Ring states": the two are independent).
  var isEnabled = false
  var phase = Phase.stopped
  /// The owner found that the driver broke the rules; the front-end believes that it runs.
  var isBroken = false

  /// After GET_VRING_BASE: a later start needs new addresses, kick and call.
  ///
  /// The error descriptor stays, since QEMU sends SET_VRING_ERR once, when it connects, and never again after a guest's
  /// reset.
  mutating func stop() {
    phase = .stopped
    isBroken = false
    addresses = nil
    kick = nil
    call = nil
  }
}

/// One ring as `port show` and tests see it.
package struct RingSnapshot: Sendable, Equatable {
  /// Entries; 0 = SET_VRING_NUM has not come.
  package var size: Int
  /// The latest SET_VRING_BASE, or what the owner said when the ring stopped.
  package var base: UInt32
  /// Nil: not said, or forgotten by a stop.
  package var addresses: RingAddresses?
  package var isStarted: Bool
  package var isEnabled: Bool
  /// Kicked, and waiting for guest memory or for a log.
  package var isWaiting: Bool
  /// See `Session.noteBroken`.
  package var isBroken: Bool
  package var hasKick: Bool
  package var hasCall: Bool
  package var hasError: Bool
}

extension Session {
  /// State of one ring; nil for an index that the device does not have.
  package func ring(_ index: Int) -> RingSnapshot? {
    guard rings.indices.contains(index) else { return nil }
    let ring = rings[index]
    return RingSnapshot(
      size: ring.size, base: ring.base, addresses: ring.addresses, isStarted: ring.phase == .running,
      isEnabled: ring.isEnabled,
      isWaiting: ring.phase == .waiting, isBroken: ring.isBroken, hasKick: ring.kick != nil,
      hasCall: ring.call != nil, hasError: ring.error != nil)
  }

  /// Numbers of the rings that the front-end started and the owner took up, lowest first; a broken one is among them.
  package var startedRings: [Int] { rings.indices.filter { rings[$0].phase == .running } }

  /// A ring was kicked before there was memory, or a log.
  package var hasWaitingRing: Bool { rings.contains { $0.phase == .waiting } }

  package var hasBrokenRing: Bool { rings.contains(where: \.isBroken) }

  /// The owner has stopped a ring since its driver broke the rules.
  ///
  /// The front-end is to find out by itself: until it stops the ring, or starts it again, it counts as started. What is
  /// said of a ring that was stopped meanwhile is not noted.
  package func noteBroken(_ index: Int) {
    guard rings.indices.contains(index), rings[index].phase == .running else { return }
    rings[index].isBroken = true
  }
}
