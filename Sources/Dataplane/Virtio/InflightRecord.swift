import Synchronization

/// One ring's part of a region that outlives this back-end (vhost-user, "Inflight I/O tracking"): what the next one needs
/// to go on where this one died, and no more.
///
/// Chains are given back in order, and all of a burst become visible at once. So nothing has to be noted of each chain:
/// what was not used is available still, and is taken again.
/// - In a split ring the used index says where that is. Of the region only `version` and `desc_num` are written.
/// - A packed ring has no such word, and a burst's used descriptors lie over the available ones before they are shown
///   (`PackedRing.hold`). So the part has the position: `old_used_idx` is where the ring stood before what is being shown,
///   `used_idx` behind it; which of the two is true the first descriptor tells. And before a descriptor is written over, its
///   second word is kept in its entry, as `id`, `flags` and `len`, from where the next back-end puts it back.
///
/// A region may come from another back-end, which marks what it has in hand (`inflight`), and of any front-end: what is read
/// here is checked before it is used as an index, and what cannot be is taken for a region that is begun anew.
///
/// Unsafe code. Invariants: `base` points at a head and `capacity` entries of the layout, mapped for as long as the
/// `InflightMap` lives, which the port keeps while the ring runs; places are below the ring's size, which is no larger than
/// `capacity` (`InflightMap.record`).
@safe
struct InflightRecord: BitwiseCopyable, @unchecked Sendable {
  /// Where the fields of a head are, in bytes.
  private enum Head {
    static var version: Int { 8 }
    static var entryCount: Int { 10 }
    /// Split.
    static var lastBatch: Int { 12 }
    static var usedIndex: Int { 14 }
    /// Packed: `used_idx`, `old_used_idx`, `used_wrap_counter`, `old_used_wrap_counter`, and two bytes of padding, of
    /// which the first is ours: one word, so that no half of it is ever seen.
    static var positions: Int { 16 }
  }

  /// The version that there is; 0 = nobody has begun with the part.
  static var version: UInt16 { 1 }
  /// In a byte of padding: what is kept in the entries is ours, and lies at the places of their descriptors.
  private static var mark: UInt64 { 0xA5 }

  private let base: UnsafeMutableRawPointer

  @unsafe
  init(base: UnsafeMutableRawPointer) { unsafe self.base = base }

  // Words.

  // SAFETY of all: within the head or an entry; fields are aligned as C does it, and the head to 64 bytes. Releasing:
  // whatever was written before is there for the next back-end.

  private func load8(_ offset: Int) -> UInt8 { unsafe base.load(fromByteOffset: offset, as: UInt8.self) }

  private func load16(_ offset: Int) -> UInt16 {
    unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .acquiring)
  }

  @inline(__always)
  private func load64(_ offset: Int) -> UInt64 {
    unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
  }

  private func store16(_ value: UInt16, at offset: Int) {
    unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(value, ordering: .releasing)
  }

  @inline(__always)
  private func store64(_ value: UInt64, at offset: Int) {
    unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(value, ordering: .releasing)
  }

  /// What the part says of its form; another than 0 and 1 is not understood.
  var version: UInt16 { load16(Head.version) }

  /// The part has been used, here or by another back-end.
  var isBegun: Bool { version == Self.version }

  /// From here on the part is in use.
  func begin(size: Int) {
    store16(UInt16(truncatingIfNeeded: size), at: Head.entryCount)
    store16(Self.version, at: Head.version)
  }

  // A packed ring's.

  /// Where the ring stood before what is being shown, and where behind it; the same if nothing is.
  struct Positions {
    var old: PackedPosition
    var new: PackedPosition
    /// What is kept in the entries is of this program.
    var isOurs: Bool
  }

  var positions: Positions {
    let word = load64(Head.positions)
    func position(_ place: UInt64, _ wrap: UInt64) -> PackedPosition {
      PackedPosition(place: Int(place & 0x7FFF), isWrapOne: wrap & 1 == 1)
    }
    return Positions(
      old: position(word >> 16, word >> 40), new: position(word, word >> 32), isOurs: word >> 48 & 0xFF == Self.mark)
  }

  @inline(__always)
  func note(old: PackedPosition, new: PackedPosition) {
    let places = UInt64(new.word & 0x7FFF) | UInt64(old.word & 0x7FFF) << 16
    let wraps = UInt64(new.word >> 15) << 32 | UInt64(old.word >> 15) << 40
    store64(places | wraps | Self.mark << 48, at: Head.positions)
  }

  /// Keeps the second word of a descriptor that is about to be written over.
  ///
  /// It has `len`, `id` and `flags` from the lowest bits on; the entry has `id`, `flags` and `len`, 16 bytes behind its
  /// beginning.
  @inline(__always)
  func keep(_ rest: UInt64, of place: Int) {
    store64(rest >> 32 | rest << 32, at: 32 &+ 32 &* place &+ 16)
  }

  /// What was kept of a descriptor.
  func kept(of place: Int) -> UInt64 {
    let word = load64(32 &+ 32 &* place &+ 16)
    return word >> 32 | word << 32
  }

  // A split ring's, of another back-end.

  /// Takes the marks of the chains that another back-end had in hand; their heads, in the order in which it took them.
  ///
  /// - Parameters:
  ///   - size: entries of the ring.
  ///   - used: the ring's used index: what it completed in its last batch, and had no time to take the marks off.
  /// - Returns: nil if the marks cannot be, as they are of a ring that is no more: of a guest that has started anew.
  func takeMarks(size: Int, used: UInt16) -> [UInt16]? {
    var isMarked = (0..<size).map { load8(16 + 16 * $0) == 1 }
    guard isMarked.contains(true) else { return [] }
    defer {
      for place in 0..<size { unsafe base.storeBytes(of: 0, toByteOffset: 16 + 16 * place, as: UInt8.self) }
    }
    let completed = Int(used &- load16(Head.usedIndex))
    guard completed <= size else { return nil }
    var place = Int(load16(Head.lastBatch))
    for _ in 0..<completed {
      guard place < size else { return nil }
      isMarked[place] = false
      place = Int(load16(16 + 16 * place + 6))
    }
    let taken = isMarked.indices.filter { isMarked[$0] }.map { (place: $0, count: load64(16 + 16 * $0 + 8)) }
    return taken.sorted { ($0.count, $0.place) < ($1.count, $1.place) }.map { UInt16(truncatingIfNeeded: $0.place) }
  }
}
