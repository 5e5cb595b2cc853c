import CLinux
import Glibc

/// The worker's notes of one delivery: the guest's words are read once, what they said stands here.
@safe
struct ScatterNotes: ~Copyable {
  /// One chain of the receive ring.
  struct Chain: BitwiseCopyable {
    var token: ChainToken
    /// Bytes of its buffers.
    var size: Int
  }

  /// One buffer that holds a whole frame, alone in its chain.
  @safe
  struct Place: BitwiseCopyable {
    let base: UnsafeMutableRawPointer
    /// The chain's identity (`ChainToken`).
    let id: UInt16

    @unsafe @inline(__always)
    init(base: UnsafeMutableRawPointer, id: UInt16) {
      unsafe self.base = base
      self.id = id
    }
  }

  let places: FixedArray<Place>
  let targets: FixedArray<Segment>
  /// Pieces of one write: header, prefix, and the pieces of the sender's chain; as many as a kernel takes (IOV_MAX).
  let vectors = unsafe FixedArray<iovec>(count: vectorLimit) { _ in unsafe iovec() }
  static let vectorLimit = 1024
  let chains = FixedArray<Chain>(count: Burst.chainCapacity) { _ in Chain(token: ChainToken(id: 0), size: 0) }
  /// Frames on their way to a socket.
  let batch = SendBatch()
  /// Frames that are sent together.
  let packets = PacketBatch()
  /// Where the frames of a port with several rings are sorted by these.
  let parts = DeliveryParts()

  init() {
    // SAFETY: a piece of no bytes; `walk` replaces every piece before it is used.
    let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    places = FixedArray(count: Burst.capacity) { _ in unsafe Place(base: nowhere, id: 0) }
    targets = FixedArray(count: Burst.segmentCapacity) { _ in unsafe Segment(base: nowhere, size: 0) }
  }
}
