import CLinux
import Synchronization

/// The three areas of a packed ring (VIRTIO 1.2 section 2.8) as the device touches them: one load or store a function,
/// each word fetched once.
///
/// Unsafe code. Invariants: pointers and size are those of a checked `RingLayout` whose memory is installed; places are
/// the device's own count and below the size, never a value of the driver.
@safe
struct PackedWords: BitwiseCopyable {
  /// `struct pvirtq_desc { le64 addr; le32 len; le16 id; le16 flags; }` times size; 16-byte aligned.
  ///
  /// The device writes over a descriptor to say that it was used.
  let descriptors: UnsafeMutableRawPointer
  /// The driver's wish for calls, `struct pvirtq_event_suppress { le16 off_wrap; le16 flags; }`; 4-byte aligned.
  let driverEvent: UnsafeMutableRawPointer
  /// The device's wish for kicks, of the same form.
  let deviceEvent: UnsafeMutableRawPointer
  /// Entries, 1 to 32768, of any number.
  let size: Int

  @unsafe
  init(
    descriptors: UnsafeMutableRawPointer, driverEvent: UnsafeMutableRawPointer, deviceEvent: UnsafeMutableRawPointer,
    size: Int
  ) {
    unsafe self.descriptors = descriptors
    unsafe self.driverEvent = driverEvent
    unsafe self.deviceEvent = deviceEvent
    self.size = size
  }

  /// SET_VRING_ADDR calls the driver's area available, the device's used.
  init(_ layout: RingLayout) {
    unsafe descriptors = layout.descriptors
    unsafe driverEvent = layout.available
    unsafe deviceEvent = layout.used
    size = layout.size
  }

  /// A descriptor's flags.
  @inline(__always)
  func flags(at place: Int) -> UInt16 {
    // acquire: what the driver wrote before it made the descriptor available is seen after this load.
    unsafe (descriptors + (16 &* place &+ 14)).assumingMemoryBound(to: Atomic<UInt16>.self)
      .pointee.load(ordering: .acquiring)
  }

  /// A descriptor's address, and its packed length, id and flags.
  ///
  /// Flags come with the rest in one load, before the address (acquire, as above): if they say that the descriptor is
  /// available, the rest is what the driver wrote before them.
  @inline(__always)
  func descriptor(_ place: Int) -> (address: UInt64, rest: UInt64) {
    // SAFETY: the place is below the size; the area is 16-byte aligned, so both words are aligned.
    let base = unsafe (descriptors + 16 &* place).assumingMemoryBound(to: Atomic<UInt64>.self)
    let rest = unsafe (base + 1).pointee.load(ordering: .acquiring)
    return unsafe (base.pointee.load(ordering: .relaxed), rest)
  }

  /// The second word of a used descriptor (VIRTIO 1.2 section 2.8.4): length and id, and flags that tell who has it.
  ///
  /// - Parameter written: bytes that the device wrote; without any there is no WRITE, and the length means nothing.
  @inline(__always)
  static func used(id: UInt16, written: UInt32, at position: PackedPosition) -> UInt64 {
    let write = written > 0 ? ChainPieces.DescriptorFlags.write : 0
    return UInt64(written) | UInt64(id) << 32 | UInt64(position.usedFlags | write) << 48
  }

  /// Writes a used descriptor that lies behind one that the driver has not been shown yet.
  @inline(__always)
  func store(_ used: UInt64, at place: Int) {
    // SAFETY: as above. The driver takes used descriptors in the order of their places, so it reads none of these
    // before it sees the one that `show` writes.
    unsafe (descriptors + (16 &* place &+ 8)).assumingMemoryBound(to: Atomic<UInt64>.self)
      .pointee.store(used, ordering: .relaxed)
  }

  /// Writes a used descriptor for the driver to see, and with it those behind.
  @inline(__always)
  func show(_ used: UInt64, at place: Int) {
    // release: buffers and the used descriptors behind are written before.
    unsafe (descriptors + (16 &* place &+ 8)).assumingMemoryBound(to: Atomic<UInt64>.self)
      .pointee.store(used, ordering: .releasing)
  }

  /// Asks for `count` descriptors from `place` on, at most one lap.
  @inline(__always)
  func prefetch(from place: Int, count: Int) {
    var (place, left) = (place, min(count, size))
    // A line holds four; a prefetch never faults.
    while left > 0 {
      unsafe clinux_prefetch(descriptors + 16 &* place)
      place &+= 4
      left &-= 4
      if place >= size { place = 0 }
    }
  }

  /// The same, to write.
  @inline(__always)
  func prefetchToWrite(from place: Int, count: Int) {
    var (place, left) = (place, min(count, size))
    while left > 0 {
      unsafe clinux_prefetch_to_write(descriptors + 16 &* place)
      place &+= 4
      left &-= 4
      if place >= size { place = 0 }
    }
  }

  // Wishes for notifications.

  /// RING_EVENT_FLAGS_ENABLE, _DISABLE and _DESC (section 2.8.10); a fourth number means nothing.
  enum Wish {
    static var all: UInt16 { 0 }
    static var none: UInt16 { 1 }
    static var atPosition: UInt16 { 2 }
    static var mask: UInt16 { 3 }
  }

  /// Both words of the driver in one load.
  @inline(__always)
  func loadDriverEvent() -> (position: PackedPosition, wish: UInt16) {
    let words = unsafe driverEvent.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .relaxed)
    return (
      PackedPosition(word: UInt16(truncatingIfNeeded: words)), UInt16(truncatingIfNeeded: words >> 16) & Wish.mask
    )
  }

  /// Both words of the device in one store, so that no driver sees the one without the other.
  func storeDeviceEvent(_ position: PackedPosition, wish: UInt16) {
    unsafe deviceEvent.assumingMemoryBound(to: Atomic<UInt32>.self)
      .pointee.store(UInt32(position.word) | UInt32(wish) << 16, ordering: .relaxed)
  }
}

extension PackedRing {
  /// Sizes and alignments of a packed ring's areas (VIRTIO 1.2 section 2.8, the table at its end).
  static func areas(size: Int) -> RingLayout.Areas {
    RingLayout.Areas(
      descriptors: .init(name: "descriptor ring", size: 16 * UInt64(size), alignment: 16),
      available: .init(name: "driver event area", size: 4, alignment: 4),
      used: .init(name: "device event area", size: 4, alignment: 4))
  }
}
