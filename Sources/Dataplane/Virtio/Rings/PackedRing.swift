/// Device side of one packed virtqueue (VIRTIO 1.2 section 2.8) in guest memory.
///
/// One area holds what a split ring has three for: the driver writes descriptors into it, and the device writes over them
/// which were used. Whose a descriptor is, its flags tell, in a sense that alternates with each lap (`PackedPosition`).
/// The driver looks at used descriptors one after the other, so all of a burst become visible with the first: its word
/// is held back until `publish`.
///
/// Unsafe code. Invariants as in SplitRing.swift; positions are the device's own count, and start below the size.
@safe
struct PackedRing: Ring, ~Copyable {
  var name: String { "packed" }

  /// Where the ring is; loops take a copy, so that stores to guest memory do not make them load it again.
  private(set) var words: PackedWords
  /// Where the next chain begins.
  var next = PackedPosition.beginning
  /// Where the next chain is said to be used.
  ///
  /// Chains are given back in order, at the place where they were taken: the two are the same, but in a ring that was
  /// started with chains on their way, which nobody gives back.
  var nextUsed = PackedPosition.beginning
  /// `nextUsed` when it was last published.
  private(set) var publishedUsed = PackedPosition.beginning
  /// The used descriptor that belongs there, if `isHolding`.
  private var held: UInt64 = 0
  private(set) var isHolding = false
  /// Places that were published as used since the driver was last called, or found not to want it; no more than fit.
  private var unsignalled: UInt16 = 0
  private(set) var traits = RingTraits()

  init() {
    // SAFETY: never dereferenced before `start`, which comes before every other call.
    let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    unsafe words = PackedWords(descriptors: nowhere, driverEvent: nowhere, deviceEvent: nowhere, size: 1)
  }

  @inline(__always)
  var size: Int { words.size }

  /// Takes both halves of SET_VRING_BASE, the used one only if it can be.
  ///
  /// DPDK says nothing there, be it as a front-end or as the back-end that a guest comes from, and a driver waits for
  /// ever for what is said to be used at the wrong place. So the used position is believed if it is the available one,
  /// or a chain waits there that was made available in that lap, and was not used.
  mutating func start(_ layout: RingLayout, position: UInt32, traits: RingTraits) {
    words = PackedWords(layout)
    isHolding = false
    unsignalled = 0
    self.traits = traits
    next = valid(UInt16(truncatingIfNeeded: position))
    if traits.isPositionDoubtful, let record = traits.inflight, let found = recoveredPosition(from: record, said: next)
    {
      next = found
      nextUsed = found
    } else {
      if traits.isPositionDoubtful { correctPosition() }
      let used = PackedPosition(word: UInt16(truncatingIfNeeded: position >> 16))
      nextUsed = isWaiting(at: used) ? used : next
    }
    publishedUsed = nextUsed
    guard let record = traits.inflight else { return }
    record.note(old: publishedUsed, new: publishedUsed)
    record.begin(size: size)
  }

  /// The descriptor before the position was neither made available in its lap nor used in it: the driver has not come so
  /// far.
  func judgePosition() -> RingFault? {
    let before = next.before(in: size)
    guard words.flags(at: before.place) & PackedPosition.lapFlags == before.usedFlags ^ PackedPosition.lapFlags else {
      return nil
    }
    return RingFault(.positionBeyond, seen: UInt64(next.word), limit: UInt64(before.word))
  }

  /// The session refuses places that there are not; one that came nevertheless is the first.
  private func valid(_ word: UInt16) -> PackedPosition {
    let position = PackedPosition(word: word)
    return position.place < size ? position : PackedPosition(word: word & 0x8000)
  }

  /// A chain at this position may have been taken before the next one, and was not used.
  private func isWaiting(at position: PackedPosition) -> Bool {
    position.place < size && next.distance(from: position, in: size) <= size && isAvailable(at: position)
  }

  mutating func move(to layout: RingLayout) { words = PackedWords(layout) }

  /// Used is what the driver can see.
  var position: UInt32 { UInt32(next.word) | UInt32(publishedUsed.word) << 16 }

  /// Front-ends say the used half or not, so the available one is compared.
  func hasMoved(since position: UInt32) -> Bool {
    next.word != UInt16(truncatingIfNeeded: position) || hasAvailable
  }

  /// The driver has no index: what it made available ends before the first descriptor that is not, which is found by
  /// halves, since they lie one behind the other.
  var availableIndex: UInt16 {
    var (low, high) = (0, size)
    while low < high {
      let middle = (low + high) / 2
      let position = next.advanced(by: middle, in: size)
      if words.flags(at: position.place) & PackedPosition.lapFlags == position.availableFlags {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return index(next.advanced(by: low, in: size))
  }

  var nextIndex: UInt16 { index(next) }

  var usedIndex: UInt16 { index(publishedUsed) }

  private func index(_ position: PackedPosition) -> UInt16 {
    UInt16(truncatingIfNeeded: position.index(in: size))
  }

  // Taking chains.

  @inline(__always)
  var hasAvailable: Bool { isAvailable(at: next) }

  /// Each chain tells for itself: there is nothing to look at for all.
  @inline(__always)
  func look() -> PackedWindow { PackedWindow() }

  @inline(__always)
  func judge(_ window: PackedWindow) -> RingFault? { nil }

  @inline(__always)
  func count(in window: PackedWindow, atMost limit: Int) -> Int { hasAvailable ? min(size, limit) : 0 }

  @inline(__always)
  func isAvailable(at cursor: PackedPosition, in window: PackedWindow) -> Bool { isAvailable(at: cursor) }

  @inline(__always)
  private func isAvailable(at position: PackedPosition) -> Bool {
    words.flags(at: position.place) & PackedPosition.lapFlags == position.availableFlags
  }

  /// Writes a used descriptor over the first of the chain (section 2.8.6), and goes on behind the last.
  @inline(__always)
  mutating func complete(_ chain: ChainToken, written: UInt32) {
    let used = PackedWords.used(id: chain.id, written: written, at: nextUsed)
    if isHolding {
      if let record = traits.inflight {
        record.keep(words.descriptor(nextUsed.place).rest, of: nextUsed.place)
        // Releasing: what was kept is there by then.
        words.show(used, at: nextUsed.place)
      } else {
        words.store(used, at: nextUsed.place)
      }
    } else {
      hold(used)
    }
    next = next.advanced(by: Int(chain.places), in: size)
    nextUsed = nextUsed.advanced(by: Int(chain.places), in: size)
  }

  /// Keeps the used descriptor that belongs to `publishedUsed`, the first since.
  @inline(__always)
  mutating func hold(_ used: UInt64) {
    held = used
    isHolding = true
  }

  @inline(__always)
  mutating func publish() {
    guard isHolding else { return }
    if let record = traits.inflight { record.note(old: publishedUsed, new: nextUsed) }
    words.show(held, at: publishedUsed.place)
    if let record = traits.inflight { record.note(old: nextUsed, new: nextUsed) }
    let count = UInt16(truncatingIfNeeded: nextUsed.distance(from: publishedUsed, in: size))
    let (sum, isOver) = unsignalled.addingReportingOverflow(count)
    unsignalled = isOver ? .max : sum
    publishedUsed = nextUsed
    isHolding = false
  }

  // Notifications (section 2.8.10).

  @inline(__always)
  var wantsCall: Bool {
    guard unsignalled > 0 else { return false }
    let (position, wish) = words.loadDriverEvent()
    if wish == PackedWords.Wish.atPosition, traits.hasEventIndex { return wasPublished(position) }
    return wish != PackedWords.Wish.none
  }

  /// The descriptor at a position of the driver's was published as used since the driver was last called.
  ///
  /// A place beyond the ring is never reached.
  @inline(__always)
  private func wasPublished(_ position: PackedPosition) -> Bool {
    let isThisLap = (position.word ^ publishedUsed.word) & 0x8000 == 0
    let distance = publishedUsed.place &- position.place &+ (isThisLap ? 0 : size)
    return distance > 0 && distance <= Int(unsignalled)
  }

  @inline(__always)
  mutating func closeCallWindow() { unsignalled = 0 }

  func suppressKicks() { words.storeDeviceEvent(next, wish: PackedWords.Wish.none) }

  func armKicks() {
    words.storeDeviceEvent(next, wish: traits.hasEventIndex ? PackedWords.Wish.atPosition : PackedWords.Wish.all)
  }
}

/// What one look at a packed ring tells of all its chains: nothing.
struct PackedWindow: BitwiseCopyable {}
