import CLinux
import Synchronization

/// Device side of one split virtqueue (VIRTIO 1.2 section 2.7) in guest memory.
///
/// Unsafe code. Invariants: while `isRunning`, the three areas are the checked, translated ones of a `RingLayout` whose
/// `MemoryTable` is installed in the same port. Each word that the guest can change is loaded once, through an atomic;
/// what was loaded is checked before it is used. Owned by one worker.
@safe
struct SplitRing: ~Copyable {
  /// VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT (section 2.7.5).
  enum DescriptorFlags {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4
  }

  private(set) var descriptors: UnsafeMutableRawPointer
  private(set) var available: UnsafeMutableRawPointer
  private(set) var used: UnsafeMutableRawPointer
  private(set) var mask: UInt16 = 0
  /// Next entry of the available ring to take.
  var nextAvailable: UInt16 = 0
  /// Next entry of the used ring to write; published by `publish`.
  var nextUsed: UInt16 = 0
  /// `nextUsed` when the driver was last considered for a call.
  private var signalledUsed: UInt16 = 0
  /// Addresses resolve and the front-end started the ring.
  private(set) var isRunning = false
  /// SET_VRING_ENABLE; remembered while stopped.
  var isEnabled = false
  /// VIRTIO_F_EVENT_IDX was negotiated.
  private(set) var hasEventIndex = false
  /// VIRTIO_F_INDIRECT_DESC was negotiated.
  private(set) var hasIndirect = false
  /// Bytes of the virtio-net header in every buffer.
  private(set) var headerSize = 12
  /// VIRTIO_NET_F_MRG_RXBUF was negotiated.
  private(set) var isMergeable = false
  /// The driver may leave checksums partial (CSUM), or takes them partial (GUEST_CSUM).
  private(set) var allowsPartialChecksum = false
  /// eventfd of calls, -1 = none wanted.
  var callDescriptor: Int32 = -1
  /// eventfd of errors, -1 = none.
  var errorDescriptor: Int32 = -1
  /// Without a kick descriptor the ring must be polled.
  var mustPoll = false
  private(set) var calls: UInt64 = 0
  var kicks: UInt64 = 0
  /// Region that the last buffer was in.
  var regionHint = 0

  /// A ring that does not run.
  init() {
    // SAFETY: never dereferenced before `start`, since every use is behind `isRunning`.
    let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    unsafe descriptors = nowhere
    unsafe available = nowhere
    unsafe used = nowhere
  }

  /// What the features say of a ring.
  struct Traits: Sendable {
    var hasEventIndex: Bool
    var hasIndirect: Bool
    var isMergeable: Bool
    var headerSize: Int
    var allowsPartialChecksum: Bool
  }

  /// Number of entries, a power of two.
  var size: Int { Int(mask) + 1 }

  /// Begins to serve the ring at available index `base`; the used index is what the ring says (vhost-user,
  /// SET_VRING_BASE: split rings).
  mutating func start(_ layout: RingLayout, base: UInt16, traits: Traits) {
    unsafe descriptors = layout.descriptors
    unsafe available = layout.available
    unsafe used = layout.used
    mask = UInt16(truncatingIfNeeded: layout.size - 1)
    nextAvailable = base
    unsafe nextUsed = usedIndex.pointee.load(ordering: .relaxed)
    signalledUsed = nextUsed
    hasEventIndex = traits.hasEventIndex
    hasIndirect = traits.hasIndirect
    isMergeable = traits.isMergeable
    headerSize = traits.headerSize
    allowsPartialChecksum = traits.allowsPartialChecksum
    regionHint = 0
    isRunning = true
    suppressKicks()
  }

  /// The same ring after its memory moved.
  mutating func move(to layout: RingLayout) {
    guard isRunning, layout.size == size else { return }
    unsafe descriptors = layout.descriptors
    unsafe available = layout.available
    unsafe used = layout.used
    regionHint = 0
  }

  /// Ends service; the available index is where a later start goes on.
  mutating func stop() { isRunning = false }

  // Words shared with the driver.

  @unsafe @inline(__always)
  private var availableIndex: UnsafePointer<Atomic<UInt16>> {
    unsafe UnsafePointer((available + 2).assumingMemoryBound(to: Atomic<UInt16>.self))
  }

  @unsafe @inline(__always)
  private var usedIndex: UnsafePointer<Atomic<UInt16>> {
    unsafe UnsafePointer((used + 2).assumingMemoryBound(to: Atomic<UInt16>.self))
  }

  /// Entries that the driver has made available and that were not taken yet; more than the ring holds is a fault of
  /// the driver, for the caller to find.
  @inline(__always)
  func pending() -> UInt16 {
    // acquire: what the driver wrote before its index is seen after this load (section 2.7.13.3).
    unsafe availableIndex.pointee.load(ordering: .acquiring) &- nextAvailable
  }

  /// The available index as the driver has it now.
  var driverIndex: UInt16 {
    guard isRunning else { return nextAvailable }
    return unsafe availableIndex.pointee.load(ordering: .relaxed)
  }

  /// Entry `position` of the available ring.
  @inline(__always)
  func head(at position: UInt16) -> UInt16 {
    // SAFETY: the masked position lies inside the ring of `size` entries behind flags and idx.
    unsafe (available + 4 + 2 * Int(position & mask)).assumingMemoryBound(to: Atomic<UInt16>.self)
      .pointee.load(ordering: .relaxed)
  }

  /// A descriptor's address and its packed length, flags and next. `index` must be at most `mask`.
  @inline(__always)
  func descriptor(_ index: UInt16) -> (address: UInt64, rest: UInt64) {
    // SAFETY: index <= mask; the area is 16-byte aligned, so both words are aligned.
    let base = unsafe (descriptors + 16 * Int(index & mask)).assumingMemoryBound(to: Atomic<UInt64>.self)
    return unsafe (base.pointee.load(ordering: .relaxed), (base + 1).pointee.load(ordering: .relaxed))
  }

  /// Writes a used entry that is not published yet (section 2.7.8).
  @inline(__always)
  mutating func complete(head: UInt16, written: UInt32) {
    let element = UInt64(head) | UInt64(written) << 32
    // SAFETY: the masked position lies inside the used ring; the area is 4-byte aligned, so the entry is stored as a
    // pair of words that the driver reads only after the index.
    unsafe (used + 4 + 8 * Int(nextUsed & mask)).storeBytes(of: element, as: UInt64.self)
    nextUsed &+= 1
  }

  /// Makes all used entries visible to the driver with one store.
  @inline(__always)
  func publish() {
    // release: entries and buffers are written before the index (section 2.7.8.2).
    unsafe usedIndex.pointee.store(nextUsed, ordering: .releasing)
  }

  /// Calls the driver if it wants to hear of the entries published since it was last considered (section 2.7.7).
  ///
  /// - Returns: false if the call descriptor blocked: its owner filled the counter and cleared O_NONBLOCK.
  @inline(__always)
  mutating func callIfWanted(_ guardian: CallGuardian) -> Bool {
    let old = signalledUsed
    guard nextUsed != old else { return true }
    // First of the two sequentially consistent fences: the used index must be visible before the driver's event word
    // is read, or both sides could go to sleep.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    signalledUsed = nextUsed
    if hasEventIndex {
      // used_event lies behind the available ring's entries.
      let event = unsafe (available + 4 + 2 * size).assumingMemoryBound(to: Atomic<UInt16>.self)
        .pointee.load(ordering: .relaxed)
      guard nextUsed &- event &- 1 < nextUsed &- old else { return true }
    } else {
      // VIRTQ_AVAIL_F_NO_INTERRUPT.
      let flags = unsafe available.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .relaxed)
      guard flags & 1 == 0 else { return true }
    }
    return call(guardian)
  }

  @inline(__always)
  private mutating func call(_ guardian: CallGuardian) -> Bool {
    guard callDescriptor >= 0 else { return true }
    calls &+= 1
    guardian.begin()
    let outcome = clinux_eventfd_write(callDescriptor)
    guardian.end()
    return outcome != -EINTR
  }

  /// Asks the driver not to kick: the worker polls.
  func suppressKicks() {
    guard isRunning, !hasEventIndex else { return }
    // VIRTQ_USED_F_NO_NOTIFY. With event indices a stale avail_event suppresses by itself.
    unsafe used.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(1, ordering: .relaxed)
  }

  /// Asks the driver to kick at the next entry; the caller fences once for all rings and then looks again.
  func armKicks() {
    guard isRunning else { return }
    if hasEventIndex {
      // avail_event lies behind the used ring's entries.
      unsafe (used + 4 + 8 * size).assumingMemoryBound(to: Atomic<UInt16>.self)
        .pointee.store(nextAvailable, ordering: .relaxed)
    } else {
      unsafe used.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(0, ordering: .relaxed)
    }
  }

  /// Calls the driver without asking whether it wants to be called.
  func signalCall() {
    if callDescriptor >= 0 { _ = clinux_eventfd_write(callDescriptor) }
  }

  /// Tells the front-end that the ring is broken.
  func signalError() {
    if errorDescriptor >= 0 { _ = clinux_eventfd_write(errorDescriptor) }
  }
}
