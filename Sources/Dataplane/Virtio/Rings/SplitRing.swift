/// Device side of one split virtqueue (VIRTIO 1.2 section 2.7) in guest memory.
///
/// Unsafe code. Invariants: once it was started, the three areas are the checked, translated ones of a `RingLayout` whose
/// `MemoryTable` is installed in the same port. Each word that the guest can change is loaded once, through an atomic;
/// what was loaded is checked before it is used. Owned by one worker.
@safe
struct SplitRing: Ring, ~Copyable {
  var name: String { "split" }

  /// Where the ring is; loops take a copy, so that stores to guest memory do not make them load it again.
  private(set) var words: SplitWords
  /// Next entry of the available ring to take.
  var nextAvailable: UInt16 = 0
  /// Next entry of the used ring to write; visible after `publish`.
  var nextUsed: UInt16 = 0
  /// `nextUsed` when it was last published.
  ///
  /// A driver is called for what it can see: a call for what is only being written
  /// would wake it for nothing, and take the place of the one that it waits for.
  private(set) var publishedUsed: UInt16 = 0
  /// `publishedUsed` when the driver was last called, or found not to want it.
  private var signalledUsed: UInt16 = 0
  private(set) var traits = RingTraits()

  init() {
    // SAFETY: never dereferenced before `start`, which comes before every other call.
    let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    unsafe words = SplitWords(descriptors: nowhere, available: nowhere, used: nowhere, mask: 0)
  }

  /// Number of entries, a power of two.
  var size: Int { Int(words.mask) + 1 }

  /// The used index is what the ring says (vhost-user, SET_VRING_BASE: split rings).
  mutating func start(_ layout: RingLayout, position: UInt32, traits: RingTraits) {
    words = SplitWords(layout)
    // The session refuses more than 16 bits.
    nextAvailable = UInt16(truncatingIfNeeded: position)
    nextUsed = words.loadUsedIndex()
    publishedUsed = nextUsed
    signalledUsed = nextUsed
    self.traits = traits
    if traits.isPositionDoubtful { correctPosition() }
    traits.inflight?.begin(size: size)
  }

  /// Corrects a position that a front-end gave for a ring that another back-end may have served since: what was used is
  /// not taken again.
  ///
  /// The driver may have made as many chains available again as were used since, so that the position that was given may
  /// lie further behind its index than the ring is long. Whether the used index can be is judged afterwards.
  private mutating func correctPosition() {
    if let record = traits.inflight { return goOn(from: record) }
    if nextUsed &- nextAvailable <= words.mask &+ 1 { nextAvailable = nextUsed }
  }

  /// Goes on where another back-end died: behind what was used, since chains are used in order.
  ///
  /// Some front-ends say the available index then, as if all had been used (Cloud Hypervisor). What a back-end had in hand
  /// that uses chains in any order goes back to the driver with nothing in it.
  private mutating func goOn(from record: InflightRecord) {
    nextAvailable = nextUsed
    guard record.isBegun, let heads = record.takeMarks(size: size, used: nextUsed), !heads.isEmpty,
      heads.count <= Int(availableIndex &- nextUsed)
    else { return }
    for head in heads { complete(ChainToken(id: head), written: 0) }
    publish()
  }

  /// A position beyond the driver's index, or so far behind it that the ring could not hold what lies between: somebody
  /// else has served the ring, or memory is not what it was.
  func judgePosition() -> RingFault? {
    let advance = availableIndex &- nextAvailable
    guard advance > words.mask &+ 1 else { return nil }
    return RingFault(.positionBeyond, seen: UInt64(nextAvailable), limit: UInt64(availableIndex))
  }

  mutating func move(to layout: RingLayout) { words = SplitWords(layout) }

  var position: UInt32 { UInt32(nextAvailable) }

  func hasMoved(since position: UInt32) -> Bool {
    let start = UInt16(truncatingIfNeeded: position)
    return availableIndex != start || nextUsed != start
  }

  /// The available index as the driver has it now.
  var availableIndex: UInt16 { words.loadAvailableIndex() }

  var nextIndex: UInt16 { nextAvailable }

  var usedIndex: UInt16 { nextUsed }

  // Taking chains.

  @inline(__always)
  var hasAvailable: Bool { words.loadAvailableIndex() != nextAvailable }

  /// The window of a split ring is the driver's index.
  @inline(__always)
  func look() -> UInt16 { words.loadAvailableIndex() }

  /// More entries than the ring has cannot be available.
  @inline(__always)
  func judge(_ window: UInt16) -> RingFault? {
    let advance = window &- nextAvailable
    guard advance <= words.mask &+ 1 else {
      return RingFault(.availableIndex, seen: UInt64(advance), limit: UInt64(size))
    }
    return nil
  }

  @inline(__always)
  func count(in window: UInt16, atMost limit: Int) -> Int { min(Int(window &- nextAvailable), limit) }

  @inline(__always)
  var next: UInt16 { nextAvailable }

  @inline(__always)
  func isAvailable(at cursor: UInt16, in window: UInt16) -> Bool { cursor != window }

  /// Writes a used entry (section 2.7.8).
  @inline(__always)
  mutating func complete(_ chain: ChainToken, written: UInt32) {
    words.storeUsed(at: nextUsed, head: chain.id, written: written)
    nextUsed &+= 1
    nextAvailable &+= 1
  }

  /// Makes all used entries visible to the driver with one store.
  @inline(__always)
  mutating func publish() {
    publishedUsed = nextUsed
    words.storeUsedIndex(nextUsed)
  }

  // Notifications (sections 2.7.7 and 2.7.10).

  @inline(__always)
  var wantsCall: Bool {
    guard publishedUsed != signalledUsed else { return false }
    if traits.hasEventIndex { return publishedUsed &- words.loadUsedEvent() &- 1 < publishedUsed &- signalledUsed }
    // VIRTQ_AVAIL_F_NO_INTERRUPT.
    return words.loadAvailableFlags() & 1 == 0
  }

  @inline(__always)
  mutating func closeCallWindow() { signalledUsed = publishedUsed }

  func suppressKicks() {
    // VIRTQ_USED_F_NO_NOTIFY. With event indices a stale avail_event suppresses by itself.
    if !traits.hasEventIndex { words.storeUsedFlags(1) }
  }

  func armKicks() {
    if traits.hasEventIndex {
      words.storeAvailableEvent(nextAvailable)
    } else {
      words.storeUsedFlags(0)
    }
  }
}
