/// The ring of a guest's queue, in the format that its driver negotiated (VIRTIO_F_RING_PACKED): found anew at each start.
///
/// It has the state of both formats, of which one is in use: a queue that is started again in the other one stays in its
/// place, and no ring is reached through a table. What asks which it is are calls once a burst, and the loops over plain
/// frames are the formats' own; only a frame that is not plain asks for itself. Positions of both are 16 bits.
struct NegotiatedRing: Ring, ~Copyable {
  private var isPacked = false
  private var split = SplitRing()
  private var packed = PackedRing()

  init() {}

  mutating func start(_ layout: RingLayout, position: UInt32, traits: RingTraits) {
    isPacked = traits.isPacked
    if isPacked {
      packed.start(layout, position: position, traits: traits)
    } else {
      split.start(layout, position: position, traits: traits)
    }
  }

  func judgePosition() -> RingFault? { isPacked ? packed.judgePosition() : split.judgePosition() }

  mutating func move(to layout: RingLayout) {
    if isPacked { packed.move(to: layout) } else { split.move(to: layout) }
  }

  var name: String { isPacked ? packed.name : split.name }
  var size: Int { isPacked ? packed.size : split.size }
  var position: UInt32 { isPacked ? packed.position : split.position }
  var availableIndex: UInt16 { isPacked ? packed.availableIndex : split.availableIndex }
  var nextIndex: UInt16 { isPacked ? packed.nextIndex : split.nextIndex }
  var usedIndex: UInt16 { isPacked ? packed.usedIndex : split.usedIndex }

  func hasMoved(since position: UInt32) -> Bool {
    isPacked ? packed.hasMoved(since: position) : split.hasMoved(since: position)
  }

  // Taking chains. The window is a split ring's; a packed one has none.

  @inline(__always)
  var hasAvailable: Bool { isPacked ? packed.hasAvailable : split.hasAvailable }

  @inline(__always)
  func look() -> UInt16 { isPacked ? 0 : split.look() }

  @inline(__always)
  func judge(_ window: UInt16) -> RingFault? { isPacked ? nil : split.judge(window) }

  @inline(__always)
  func count(in window: UInt16, atMost limit: Int) -> Int {
    isPacked ? packed.count(in: PackedWindow(), atMost: limit) : split.count(in: window, atMost: limit)
  }

  @inline(__always)
  var next: UInt16 { isPacked ? packed.next.word : split.next }

  @inline(__always)
  func isAvailable(at cursor: UInt16, in window: UInt16) -> Bool {
    isPacked
      ? packed.isAvailable(at: PackedPosition(word: cursor), in: PackedWindow())
      : split.isAvailable(at: cursor, in: window)
  }

  @inline(__always)
  func single(_ access: ChainAccess) -> SingleBuffer? { isPacked ? packed.single(access) : split.single(access) }

  mutating func walk(
    _ cursor: inout UInt16, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>, memory: GuestMemory, hint: inout Int
  ) -> ChainWalk {
    guard isPacked else {
      return split.walk(&cursor, access, &pieces, into: segments, memory: memory, hint: &hint)
    }
    var position = PackedPosition(word: cursor)
    defer { cursor = position.word }
    return packed.walk(&position, access, &pieces, into: segments, memory: memory, hint: &hint)
  }

  @inline(__always)
  mutating func complete(_ chain: ChainToken, written: UInt32) {
    if isPacked { packed.complete(chain, written: written) } else { split.complete(chain, written: written) }
  }

  @inline(__always)
  mutating func publish() {
    if isPacked { packed.publish() } else { split.publish() }
  }

  // The log of dirty pages.

  func noteUnpublished(in log: inout QueueLog) {
    if isPacked { packed.noteUnpublished(in: &log) } else { split.noteUnpublished(in: &log) }
  }

  func noteWish(in log: inout QueueLog) {
    if isPacked { packed.noteWish(in: &log) } else { split.noteWish(in: &log) }
  }

  func noteRepair(in log: inout QueueLog) {
    if isPacked { packed.noteRepair(in: &log) } else { split.noteRepair(in: &log) }
  }

  // Notifications.

  @inline(__always)
  var wantsCall: Bool { isPacked ? packed.wantsCall : split.wantsCall }

  @inline(__always)
  mutating func closeCallWindow() {
    if isPacked { packed.closeCallWindow() } else { split.closeCallWindow() }
  }

  func suppressKicks() {
    if isPacked { packed.suppressKicks() } else { split.suppressKicks() }
  }

  func armKicks() {
    if isPacked { packed.armKicks() } else { split.armKicks() }
  }

  // Loops over many plain frames.

  @inline(__always)
  func prefetchEntries(_ count: Int) {
    if isPacked { packed.prefetchEntries(count) } else { split.prefetchEntries(count) }
  }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) {
    if isPacked { packed.prefetchDescriptors(count) } else { split.prefetchDescriptors(count) }
  }

  @inline(__always)
  mutating func gatherPlain(into burst: borrowing Burst, region: GuestRegion, headerSize: Int, wanted: Int) {
    if isPacked {
      packed.gatherPlain(into: burst, region: region, headerSize: headerSize, wanted: wanted)
    } else {
      split.gatherPlain(into: burst, region: region, headerSize: headerSize, wanted: wanted)
    }
  }

  @inline(__always)
  mutating func findPlaces(
    _ plain: PlainFrames, _ count: Int, in window: UInt16, region: GuestRegion, largest: Int
  ) -> Int {
    isPacked
      ? packed.findPlaces(plain, count, in: PackedWindow(), region: region, largest: largest)
      : split.findPlaces(plain, count, in: window, region: region, largest: largest)
  }

  @inline(__always)
  mutating func fillPlaces(_ plain: PlainFrames, _ count: Int) -> Int {
    isPacked ? packed.fillPlaces(plain, count) : split.fillPlaces(plain, count)
  }
}
