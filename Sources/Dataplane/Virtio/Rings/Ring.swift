/// The device's side of one virtqueue in guest memory, in one of the formats of VIRTIO 1.2 (sections 2.7 and 2.8).
///
/// A ring knows where the driver's words are, which chains come next, how they are given back, and who wants to hear of
/// it. What lies in the chains, and how a driver is called, is `GuestQueue`'s, which is generic over the format. So a
/// format is one type that conforms; the compiler makes a queue for each, and nothing here is called through a table.
///
/// Contract:
/// - `start` comes first, with a layout whose memory stays mapped; until the queue stops, every other call may follow.
///   A ring that does not run is only asked for its `position`, `nextIndex` and `usedIndex`.
/// - Each word that the driver can change is loaded once for each decision, and checked before it is used; what was only
///   looked at may be loaded anew, and is then judged anew.
/// - Chains are given back in the order in which they were made available: `complete` is always for the next one, and
///   takes it. So the place in the ring and an identity are all that there is of a chain (`ChainToken`).
/// - The driver sees what was completed after `publish`, all of it at once.
/// - Some members change nothing and are mutating nevertheless: a ring would be copied for each call of theirs.
/// - No member fences; the queue's owner does, once for all rings (docs/architecture.md, "Fences").
protocol Ring: ~Copyable {
  /// Where a chain begins: a position of its own format.
  associatedtype Cursor: BitwiseCopyable
  /// What one look at the driver's words told of the chains that are there.
  associatedtype Window: BitwiseCopyable

  /// The format, in the words of `port show`.
  var name: String { get }

  /// A ring that does not run.
  init()

  /// Begins to serve the ring at `position`, which is what SET_VRING_BASE said.
  mutating func start(_ layout: RingLayout, position: UInt32, traits: RingTraits)
  /// What cannot be of the position at which the ring has started; asked once, before anything is taken.
  func judgePosition() -> RingFault?
  /// The same ring after its memory moved; `layout` has as many entries.
  mutating func move(to layout: RingLayout)
  /// Entries.
  var size: Int { get }
  /// Where a later start goes on: the answer to GET_VRING_BASE, whole.
  ///
  /// Split: the next available index. Packed: next available place and its wrap counter in bits 0-15, the same of the
  /// next used in bits 16-31.
  var position: UInt32 { get }
  /// The driver has made something available, or the device used something, since the ring was at `position`.
  func hasMoved(since position: UInt32) -> Bool
  /// For people: how far the driver has made chains available, how far they were taken, and how far they were used.
  ///
  /// Split: the indices of 16 bits. Packed: places, counted through two laps, from 0 to twice the size less one.
  var availableIndex: UInt16 { get }
  var nextIndex: UInt16 { get }
  var usedIndex: UInt16 { get }

  // Taking chains.

  /// A chain is there; one load, for a ring that is idle as a rule.
  var hasAvailable: Bool { get }
  /// Looks what is there.
  ///
  /// What the driver wrote before is seen by the loads that follow (acquire); where each chain tells for itself, that is
  /// for `hasAvailable` and `isAvailable` to see to.
  func look() -> Window
  /// What cannot be of an honest driver.
  func judge(_ window: Window) -> RingFault?
  /// Chains to take, `limit` at most; where each chain tells for itself whether it is there, there may be fewer.
  func count(in window: Window, atMost limit: Int) -> Int
  /// Where the next chain begins.
  var next: Cursor { get }
  /// A chain begins at `cursor`, and belongs to the device.
  func isAvailable(at cursor: Cursor, in window: Window) -> Bool
  /// The next chain if it is one buffer with no table, and has the right direction; nil: ask `walk`, which says why.
  func single(_ access: ChainAccess) -> SingleBuffer?
  /// Adds the buffers of the available chain at `cursor` to `pieces`, and moves `cursor` behind it.
  mutating func walk(
    _ cursor: inout Cursor, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>,
    memory: GuestMemory, hint: inout Int
  ) -> ChainWalk
  /// Writes that the next chain, which is `chain`, was used, not yet for the driver to see, and goes on behind it.
  mutating func complete(_ chain: ChainToken, written: UInt32)
  /// Makes all that was completed visible to the driver.
  mutating func publish()

  // The log of dirty pages: what the device writes of the ring itself. It is noted here, and marked by the queue behind
  // the writing.

  /// Notes what was completed and not published yet, and the words that publishing it writes.
  func noteUnpublished(in log: inout QueueLog)
  /// Notes the words by which the driver is asked to kick, or not to.
  func noteWish(in log: inout QueueLog)
  /// Notes what a start may have written to set the ring right.
  func noteRepair(in log: inout QueueLog)

  // Notifications.

  /// The driver wants a call for what was published since `closeCallWindow`, as far as its words tell now.
  var wantsCall: Bool { get }
  /// The driver was called for all that is published, or did not want to be.
  mutating func closeCallWindow()
  /// Asks the driver not to kick.
  func suppressKicks()
  /// Asks the driver to kick at the next chain; the caller fences, and then looks again.
  func armKicks()

  // Loops over many plain frames, which each format has in the form that suits its words, as functions of their own
  // without a call in them (`PlainFrames`). They may end early, at a frame that is plain nevertheless.

  /// Asks for what the next `count` chains need of the ring itself: first the entries, later the descriptors.
  func prefetchEntries(_ count: Int)
  func prefetchDescriptors(_ count: Int)
  /// Takes and completes chains of one readable buffer with header and frame in `region`, up to the first that is
  /// anything else, or until the burst has `wanted` frames.
  mutating func gatherPlain(into burst: borrowing Burst, region: GuestRegion, headerSize: Int, wanted: Int)
  /// Finds the buffers for the first `count` frames at most, up to the first that is not plain or has no plain buffer.
  ///
  /// - Returns: how many were found; nothing is taken yet.
  mutating func findPlaces(
    _ plain: PlainFrames, _ count: Int, in window: Window, region: GuestRegion, largest: Int
  ) -> Int
  /// Writes `count` frames to the places that were found, and completes their chains.
  ///
  /// - Returns: bytes of the frames.
  mutating func fillPlaces(_ plain: PlainFrames, _ count: Int) -> Int
}

/// What the features that were negotiated say of the ring itself, and what else is known of it at its start.
struct RingTraits: Sendable, BitwiseCopyable {
  /// VIRTIO_F_RING_PACKED; for `NegotiatedRing`, since a ring of one format is of that.
  var isPacked = false
  /// VIRTIO_F_EVENT_IDX.
  var hasEventIndex = false
  /// VIRTIO_F_INDIRECT_DESC.
  var hasIndirect = false
  /// The position is not one that this session has stopped the ring at: the front-end may not know better.
  var isPositionDoubtful = false
  /// What outlives this back-end; nil = the front-end keeps nothing.
  var inflight: InflightRecord?
}

/// What a chain's buffers must be.
enum ChainAccess { case read, write }

/// A chain, as the ring that gave it wants it back.
struct ChainToken: BitwiseCopyable {
  /// The descriptor that heads it in a split ring, its buffer id in a packed one.
  var id: UInt16
  /// Places that it takes of a ring that is used in place; 1 in a split ring.
  var places: UInt16 = 1
}

/// A chain of one buffer, as its descriptor says: not translated yet.
struct SingleBuffer: BitwiseCopyable {
  var chain: ChainToken
  var address: UInt64
  /// Bytes.
  var size: Int
}

/// The result of a walk.
enum ChainWalk {
  /// All of it was noted; bytes of its buffers together.
  case chain(ChainToken, size: Int)
  /// What is wrong; a fault `.chainTooLong` with `seen` 0 means that the pieces found no room, which a chain walked with
  /// all the room never meets.
  case fault(RingFault)
}
