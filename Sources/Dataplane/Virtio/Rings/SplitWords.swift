import CLinux
import Synchronization

/// The three areas of a split ring (VIRTIO 1.2 section 2.7) as the device touches them: one load or store a function,
/// each word fetched once.
///
/// Unsafe code. Invariants: pointers and mask are those of a checked `RingLayout` whose memory is installed; positions
/// are masked here, so that no value of the driver reaches outside.
@safe
struct SplitWords: BitwiseCopyable {
  /// `struct virtq_desc { le64 addr; le32 len; le16 flags; le16 next; }` times size; 16-byte aligned.
  let descriptors: UnsafeMutableRawPointer
  /// `struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; }`; 2-byte aligned.
  let available: UnsafeMutableRawPointer
  /// `struct virtq_used { le16 flags; le16 idx; struct { le32 id; le32 len; } ring[size]; le16 avail_event; }`; 4-byte aligned.
  let used: UnsafeMutableRawPointer
  /// Turns a position into a place: the number of entries, a power of two, less one.
  let mask: UInt16

  /// Where in the used ring an entry is, and the index, in bytes.
  static func usedEntry(_ place: Int) -> Int { 4 &+ 8 &* place }
  static var usedIndexOffset: Int { 2 }

  @unsafe
  init(
    descriptors: UnsafeMutableRawPointer, available: UnsafeMutableRawPointer, used: UnsafeMutableRawPointer,
    mask: UInt16
  ) {
    unsafe self.descriptors = descriptors
    unsafe self.available = available
    unsafe self.used = used
    self.mask = mask
  }

  init(_ layout: RingLayout) {
    unsafe descriptors = layout.descriptors
    unsafe available = layout.available
    unsafe used = layout.used
    mask = UInt16(truncatingIfNeeded: layout.size - 1)
  }

  /// The driver's index.
  @inline(__always)
  func loadAvailableIndex() -> UInt16 {
    // acquire: what the driver wrote before its index is seen after this load (section 2.7.13.3).
    unsafe (available + 2).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .acquiring)
  }

  /// Entry `position` of the available ring.
  @inline(__always)
  func head(at position: UInt16) -> UInt16 {
    // SAFETY: the masked position lies inside the ring behind flags and idx.
    unsafe (available + 4 + 2 * Int(position & mask)).assumingMemoryBound(to: Atomic<UInt16>.self)
      .pointee.load(ordering: .relaxed)
  }

  /// Entries from `position` to the ring's last place: so far it is straight on.
  @inline(__always)
  func straight(from position: UInt16) -> Int { Int(mask) &+ 1 &- Int(position & mask) }

  /// Where entry `position` of the available ring is; those up to the ring's last place follow.
  @unsafe @inline(__always)
  func heads(from position: UInt16) -> UnsafePointer<Atomic<UInt16>> {
    // SAFETY: the masked position lies inside the ring behind flags and idx.
    unsafe UnsafePointer((available + 4 + 2 * Int(position & mask)).assumingMemoryBound(to: Atomic<UInt16>.self))
  }

  /// Where entry `position` of the used ring is; those up to the ring's last place follow, eight bytes each.
  @unsafe @inline(__always)
  func usedEntries(from position: UInt16) -> UnsafeMutableRawPointer {
    // SAFETY: as above; see `storeUsed`.
    unsafe used + 4 + 8 * Int(position & mask)
  }

  /// The same as `descriptor`, of an index that was found to be in the ring.
  @unsafe @inline(__always)
  func descriptor(checked index: UInt16) -> (address: UInt64, rest: UInt64) {
    // SAFETY: the caller has compared the index with the mask; as below.
    let base = unsafe (descriptors + 16 &* Int(index)).assumingMemoryBound(to: Atomic<UInt64>.self)
    return unsafe (base.pointee.load(ordering: .relaxed), (base + 1).pointee.load(ordering: .relaxed))
  }

  /// A descriptor's address and its packed length, flags and next.
  @inline(__always)
  func descriptor(_ index: UInt16) -> (address: UInt64, rest: UInt64) {
    // SAFETY: the masked index lies inside the area, which is 16-byte aligned, so both words are aligned.
    let base = unsafe (descriptors + 16 * Int(index & mask)).assumingMemoryBound(to: Atomic<UInt64>.self)
    return unsafe (base.pointee.load(ordering: .relaxed), (base + 1).pointee.load(ordering: .relaxed))
  }

  /// Writes a used entry (section 2.7.8).
  @inline(__always)
  func storeUsed(at position: UInt16, head: UInt16, written: UInt32) {
    // SAFETY: the masked position lies inside the used ring, which is 4-byte aligned; the driver reads the entry only
    // after the index.
    unsafe (used + 4 + 8 * Int(position & mask))
      .storeBytes(of: UInt64(head) | UInt64(written) << 32, as: UInt64.self)
  }

  /// Asks for `count` entries of the available ring, and for the used ones that will answer them, to write.
  @inline(__always)
  func prefetchEntries(available position: UInt16, used: UInt16, count: Int) {
    var step = 0
    // A line holds 32 available and 8 used entries; a prefetch never faults.
    while step < count {
      let index = UInt16(truncatingIfNeeded: step)
      if step & 31 == 0 { unsafe clinux_prefetch(available + 4 + 2 * Int((position &+ index) & mask)) }
      unsafe clinux_prefetch_to_write(self.used + 4 + 8 * Int((used &+ index) & mask))
      step &+= 8
    }
  }

  /// Asks for the descriptors of `count` entries of the available ring.
  ///
  /// Of every fourth head: drivers take them in order as a rule, four to a cache line. What is read here decides nothing.
  @inline(__always)
  func prefetchDescriptors(at position: UInt16, count: Int) {
    var step = 0
    while step < count {
      let head = head(at: position &+ UInt16(truncatingIfNeeded: step))
      unsafe clinux_prefetch(descriptors + 16 * Int(head & mask))
      step &+= 4
    }
  }

  func loadUsedIndex() -> UInt16 {
    unsafe (used + 2).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .relaxed)
  }

  @inline(__always)
  func storeUsedIndex(_ index: UInt16) {
    // release: entries and buffers are written before the index (section 2.7.8.2).
    unsafe (used + 2).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(index, ordering: .releasing)
  }

  // Wishes for notifications.

  /// The driver's flags, before its index.
  @inline(__always)
  func loadAvailableFlags() -> UInt16 {
    unsafe available.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .relaxed)
  }

  /// The driver's event word, which lies behind the available ring's entries.
  @inline(__always)
  func loadUsedEvent() -> UInt16 {
    unsafe (available + 4 + 2 * (Int(mask) + 1)).assumingMemoryBound(to: Atomic<UInt16>.self)
      .pointee.load(ordering: .relaxed)
  }

  func storeUsedFlags(_ flags: UInt16) {
    unsafe used.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(flags, ordering: .relaxed)
  }

  /// The device's event word, which lies behind the used ring's entries.
  func storeAvailableEvent(_ position: UInt16) {
    unsafe (used + 4 + 8 * (Int(mask) + 1)).assumingMemoryBound(to: Atomic<UInt16>.self)
      .pointee.store(position, ordering: .relaxed)
  }
}

extension SplitRing {
  /// Sizes and alignments of a split ring's areas (VIRTIO 1.2 section 2.7, the table at its end), event words included.
  static func areas(size: Int) -> RingLayout.Areas {
    let count = UInt64(size)
    return RingLayout.Areas(
      descriptors: .init(name: "descriptor area", size: 16 * count, alignment: 16),
      available: .init(name: "available ring", size: 6 + 2 * count, alignment: 2),
      used: .init(name: "used ring", size: 6 + 8 * count, alignment: 4))
  }
}
