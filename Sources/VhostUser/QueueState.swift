/// All there is to say of one virtqueue, as a plain value: where it is, and where in it the device has come to.
///
/// Memory and descriptors stand elsewhere; see `SessionState`.
package struct QueueState: Codable, Equatable, Sendable, VersionedState {
  package static let stateName = "queue state"
  package static let stateVersion = 1

  /// Position of a packed ring that begins: both places 0, both wrap counters 1 (VIRTIO 1.2 section 2.8.1).
  package static let packedBeginning: UInt32 = 0x8000_8000

  package enum Format: String, Codable, Sendable { case split, packed }

  private var version = StateVersion<QueueState>()
  package var format = Format.split
  /// Entries; 0 = not said.
  package var size = 0
  /// What GET_VRING_BASE answers and SET_VRING_BASE takes.
  ///
  /// Split: the next available index. Packed: the available index in bits 0 to 14 and its wrap counter in 15, the used
  /// ones in 16 to 30 and 31.
  package var position: UInt32 = 0
  /// Nil: not said, or forgotten by a stop.
  package var addresses: RingAddresses?
  package var isEnabled = false
  /// SET_VRING_KICK has come; it runs, or waits for memory.
  package var isStarted = false
  /// The driver broke the rules: it does not run until its front-end starts it again.
  package var isBroken = false

  package init() {}
}
