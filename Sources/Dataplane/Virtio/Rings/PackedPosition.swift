/// A place in a packed ring, and which lap it is meant in.
///
/// Laps alternate: the driver's and the device's wrap counters are 1 in the first, 0 in the second (VIRTIO 1.2 section
/// 2.8.1). A place by itself would not tell a ring that is full from one that is empty.
struct PackedPosition: BitwiseCopyable, Equatable {
  /// AVAIL and USED of a descriptor's flags (section 2.8.1).
  static var lapFlags: UInt16 { 0x8080 }

  /// The place in bits 0-14, the wrap counter in bit 15: half of what SET_VRING_BASE says, and the form of `off_wrap`
  /// (section 2.8.10).
  let word: UInt16

  /// Where a ring begins.
  static var beginning: PackedPosition { PackedPosition(word: 0x8000) }

  @inline(__always)
  init(word: UInt16) { self.word = word }

  init(place: Int, isWrapOne: Bool) { word = UInt16(truncatingIfNeeded: place) & 0x7FFF | (isWrapOne ? 0x8000 : 0) }

  /// Number of the descriptor.
  @inline(__always)
  var place: Int { Int(word & 0x7FFF) }

  /// What AVAIL and USED say of a descriptor that the driver has made available in this lap: the wrap counter, and not.
  @inline(__always)
  var availableFlags: UInt16 { word >> 8 & 0x80 | ~word & 0x8000 }

  /// The same of one that the device has used in this lap: both are the wrap counter.
  @inline(__always)
  var usedFlags: UInt16 { word >> 8 & 0x80 | word & 0x8000 }

  /// The position `count` places on, of a ring of `size`; a count beyond the size is taken for the size.
  @inline(__always)
  func advanced(by count: Int, in size: Int) -> PackedPosition {
    let place = place &+ min(count, size)
    guard place >= size else { return PackedPosition(word: word & 0x8000 | UInt16(truncatingIfNeeded: place)) }
    return PackedPosition(word: ~word & 0x8000 | UInt16(truncatingIfNeeded: place &- size))
  }

  /// It lies in another lap.
  func isInOtherLap(than other: PackedPosition) -> Bool { (word ^ other.word) & 0x8000 != 0 }

  /// The position one place back.
  func before(in size: Int) -> PackedPosition {
    place > 0
      ? PackedPosition(word: word &- 1)
      : PackedPosition(word: ~word & 0x8000 | UInt16(truncatingIfNeeded: size &- 1))
  }

  /// The position as a number that counts through two laps: 0 to twice the size, less one.
  func index(in size: Int) -> Int { word & 0x8000 != 0 ? place : size + place }

  /// Places from an earlier position to this one: 0 to twice the size, less one.
  @inline(__always)
  func distance(from earlier: PackedPosition, in size: Int) -> Int {
    let distance = index(in: size) &- earlier.index(in: size)
    return distance < 0 ? distance &+ 2 &* size : distance
  }
}
