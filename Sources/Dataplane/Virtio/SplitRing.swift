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

  /// Where the ring is; loops take a copy, so that stores to guest memory do not make them load it again.
  private(set) var areas: RingAreas
  /// Next entry of the available ring to take.
  var nextAvailable: UInt16 = 0
  /// Next entry of the used ring to write; published by `publish`.
  var nextUsed: UInt16 = 0
  /// `nextUsed` when it was last published.
  ///
  /// A driver is called for what it can see: a call for what is only being written
  /// would wake it for nothing, and take the place of the one that it waits for.
  private var publishedUsed: UInt16 = 0
  /// `publishedUsed` when the driver was last called, or found not to want it.
  private var signalledUsed: UInt16 = 0
  /// Entries were published whose driver may still have to be called; see `settle`.
  var isUnsettled = false
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
    unsafe areas = RingAreas(descriptors: nowhere, available: nowhere, used: nowhere, mask: 0)
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
  var size: Int { Int(areas.mask) + 1 }

  /// Turns a position into a place in the ring.
  @inline(__always)
  var mask: UInt16 { areas.mask }

  /// Begins to serve the ring at available index `base`; the used index is what the ring says (vhost-user,
  /// SET_VRING_BASE: split rings).
  mutating func start(_ layout: RingLayout, base: UInt16, traits: Traits) {
    areas = RingAreas(layout)
    nextAvailable = base
    nextUsed = areas.loadUsedIndex()
    publishedUsed = nextUsed
    signalledUsed = nextUsed
    isUnsettled = false
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
    areas = RingAreas(layout)
    regionHint = 0
  }

  /// Ends service; the available index is where a later start goes on.
  mutating func stop() { isRunning = false }

  /// Asks for what the next `count` chains need of the ring itself: first the entries, later the descriptors.
  @inline(__always)
  func prefetchEntries(_ count: Int) {
    areas.prefetchEntries(available: nextAvailable, used: nextUsed, count: count)
  }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) { areas.prefetchDescriptors(at: nextAvailable, count: count) }

  /// Entries that the driver has made available and that were not taken yet; more than the ring holds is a fault of
  /// the driver, for the caller to find.
  @inline(__always)
  func pending() -> UInt16 {
    areas.loadAvailableIndex() &- nextAvailable
  }

  /// The available index as the driver has it now.
  var driverIndex: UInt16 {
    guard isRunning else { return nextAvailable }
    return areas.loadAvailableIndex()
  }

  /// Writes a used entry that is not published yet (section 2.7.8).
  @inline(__always)
  mutating func complete(head: UInt16, written: UInt32) {
    areas.storeUsed(at: nextUsed, head: head, written: written)
    nextUsed &+= 1
  }

  /// Makes all used entries visible to the driver with one store.
  @inline(__always)
  mutating func publish() {
    publishedUsed = nextUsed
    areas.storeUsedIndex(nextUsed)
  }

  /// Calls the driver if it wants to hear of the entries published since it was last called (section 2.7.7).
  ///
  /// Without a fence since `publish` a driver that just went to sleep may not be seen: then nothing is lost only if
  /// `settle` follows one.
  /// - Returns: false if the call descriptor blocked: its owner filled the counter and cleared O_NONBLOCK.
  @inline(__always)
  mutating func callIfWanted(_ guardian: CallGuardian) -> Bool {
    guard wantsCall else { return true }
    signalledUsed = publishedUsed
    return call(guardian)
  }

  /// The same once the used index is known to be visible, which ends the matter of the entries published so far.
  @inline(__always)
  mutating func settle(_ guardian: CallGuardian) -> Bool {
    isUnsettled = false
    let isWanted = wantsCall
    signalledUsed = publishedUsed
    return isWanted ? call(guardian) : true
  }

  /// The driver wants a call for what lies between `signalledUsed` and `publishedUsed`, as far as its words tell now.
  @inline(__always)
  private var wantsCall: Bool {
    guard publishedUsed != signalledUsed else { return false }
    if hasEventIndex {
      // used_event lies behind the available ring's entries.
      let event = unsafe (areas.available + 4 + 2 * size).assumingMemoryBound(to: Atomic<UInt16>.self)
        .pointee.load(ordering: .relaxed)
      return publishedUsed &- event &- 1 < publishedUsed &- signalledUsed
    }
    // VIRTQ_AVAIL_F_NO_INTERRUPT.
    return unsafe areas.available.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .relaxed) & 1 == 0
  }

  @inline(__always)
  private mutating func call(_ guardian: CallGuardian) -> Bool {
    guard callDescriptor >= 0 else { return true }
    calls &+= 1
    return Self.signal(callDescriptor, guardian)
  }

  /// Asks the driver not to kick: the worker polls.
  func suppressKicks() {
    guard isRunning, !hasEventIndex else { return }
    // VIRTQ_USED_F_NO_NOTIFY. With event indices a stale avail_event suppresses by itself.
    unsafe areas.used.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(1, ordering: .relaxed)
  }

  /// Asks the driver to kick at the next entry; the caller fences once for all rings and then looks again.
  func armKicks() {
    guard isRunning else { return }
    if hasEventIndex {
      // avail_event lies behind the used ring's entries.
      unsafe (areas.used + 4 + 8 * size).assumingMemoryBound(to: Atomic<UInt16>.self)
        .pointee.store(nextAvailable, ordering: .relaxed)
    } else {
      unsafe areas.used.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(0, ordering: .relaxed)
    }
  }

  /// Calls the driver without asking whether it wants to be called; false if the call descriptor blocked.
  func signalCall(_ guardian: CallGuardian) -> Bool {
    callDescriptor < 0 || Self.signal(callDescriptor, guardian)
  }

  /// Tells the front-end that the ring is broken; if that blocks, it does not want to know.
  func signalError(_ guardian: CallGuardian) {
    if errorDescriptor >= 0 { _ = Self.signal(errorDescriptor, guardian) }
  }

  /// Writes to an eventfd under the eyes of the watchdog; false if it had to break the write off.
  @inline(__always)
  private static func signal(_ descriptor: Int32, _ guardian: CallGuardian) -> Bool {
    guardian.begin()
    let outcome = clinux_eventfd_write(descriptor)
    guardian.end()
    return outcome != -EINTR
  }
}
