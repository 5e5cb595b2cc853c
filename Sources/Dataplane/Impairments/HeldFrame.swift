/// A frame that a delay line holds; its bytes are in the line's store.
struct HeldFrame: BitwiseCopyable {
  /// When it leaves.
  var release: UInt64 = 0
  /// The frame's number since it came in; see `TapSet.packetID`.
  var packetID: UInt64 = 0
  /// Order in which frames came.
  var number: UInt64 = 0
  /// Next in its list, or in that of the free slots: slot plus one, 0 = none.
  var next: UInt32 = 0
  /// First of its places in the store.
  var place: UInt32 = 0
  /// Bytes.
  var size: UInt32 = 0
  /// As in `Frame`.
  var checksumStart: UInt16 = 0
  var checksumOffset: UInt16 = 0
  var needsChecksum = false
  /// What the worker wants to know again; see `DelayLine.hold`.
  var note: UInt32 = 0
}

/// Slots of held frames in a row, linked by `next`.
struct HeldList: BitwiseCopyable {
  /// Slot plus one; 0 = the list is empty.
  private(set) var first: UInt32 = 0
  private var last: UInt32 = 0

  init() {}

  mutating func append(_ slot: Int, in held: borrowing FixedArray<HeldFrame>) {
    let entry = UInt32(truncatingIfNeeded: slot + 1)
    held[slot].next = 0
    if last == 0 { first = entry } else { held[Int(last) - 1].next = entry }
    last = entry
  }

  /// Takes the first slot out of a list that is not empty.
  mutating func removeFirst(in held: borrowing FixedArray<HeldFrame>) -> Int {
    let slot = Int(first) - 1
    first = held[slot].next
    if first == 0 { last = 0 }
    return slot
  }

  /// When its last frame leaves; 0 = it is empty.
  func lastRelease(in held: borrowing FixedArray<HeldFrame>) -> UInt64 { last == 0 ? 0 : held[Int(last) - 1].release }

  /// When its first frame leaves; `UInt64.max` = it is empty.
  func release(in held: borrowing FixedArray<HeldFrame>) -> UInt64 {
    first == 0 ? .max : held[Int(first) - 1].release
  }
}
