import Synchronization

/// A cache line of a forwarding database: three stations of one bucket, so that who looks for one waits for memory once.
struct FDBLine: ~Copyable, Zeroable, Sendable {
  static var slotCount: Int { 3 }

  /// VLAN in bits 48...59, address below; 0 = the slot is free.
  private let firstKey = Atomic<UInt64>(0)
  private let secondKey = Atomic<UInt64>(0)
  private let thirdKey = Atomic<UInt64>(0)
  /// `FDBValue`s; 0 in a free slot.
  private let firstValue = Atomic<UInt64>(0)
  private let secondValue = Atomic<UInt64>(0)
  private let thirdValue = Atomic<UInt64>(0)
  /// Of a bucket's first line: odd while anything in the bucket is being replaced.
  let version = Atomic<UInt32>(0)
  /// The bucket's next line; 0 = there is none, since line 0 is the first of a bucket.
  let next = Atomic<UInt32>(0)
  private let padding = Atomic<UInt64>(0)

  /// The value of a key, 0 if the line does not have it.
  ///
  /// Without a branch: which slot a station has is as good as random.
  @inline(__always)
  func value(of key: UInt64) -> UInt64 {
    let first = Self.mask(firstKey.load(ordering: .acquiring) == key)
    let second = Self.mask(secondKey.load(ordering: .acquiring) == key)
    let third = Self.mask(thirdKey.load(ordering: .acquiring) == key)
    return firstValue.load(ordering: .acquiring) & first | secondValue.load(ordering: .acquiring) & second
      | thirdValue.load(ordering: .acquiring) & third
  }

  @inline(__always)
  private static func mask(_ isTrue: Bool) -> UInt64 { 0 &- (isTrue ? 1 : 0) }

  // Of the writer.

  /// The slot of a key, or nil.
  func slot(of key: UInt64) -> Int? {
    if firstKey.load(ordering: .relaxed) == key { return 0 }
    if secondKey.load(ordering: .relaxed) == key { return 1 }
    return thirdKey.load(ordering: .relaxed) == key ? 2 : nil
  }

  var isEmpty: Bool {
    firstKey.load(ordering: .relaxed) | secondKey.load(ordering: .relaxed) | thirdKey.load(ordering: .relaxed) == 0
  }

  func key(_ slot: Int) -> UInt64 {
    switch slot {
    case 0: firstKey.load(ordering: .acquiring)
    case 1: secondKey.load(ordering: .acquiring)
    default: thirdKey.load(ordering: .acquiring)
    }
  }

  func value(_ slot: Int) -> UInt64 {
    switch slot {
    case 0: firstValue.load(ordering: .acquiring)
    case 1: secondValue.load(ordering: .acquiring)
    default: thirdValue.load(ordering: .acquiring)
    }
  }

  /// Replaces key and value of a slot, while the bucket's version is odd.
  func store(_ key: UInt64, _ value: UInt64, in slot: Int) {
    switch slot {
    case 0: firstKey.store(key, ordering: .releasing)
    case 1: secondKey.store(key, ordering: .releasing)
    default: thirdKey.store(key, ordering: .releasing)
    }
    store(value, in: slot)
  }

  /// Replaces the value of a slot by another one of the same station.
  func store(_ value: UInt64, in slot: Int) {
    switch slot {
    case 0: firstValue.store(value, ordering: .releasing)
    case 1: secondValue.store(value, ordering: .releasing)
    default: thirdValue.store(value, ordering: .releasing)
    }
  }

  /// Replaces the value of a slot if it still is `old`; for any thread.
  func replace(_ old: UInt64, by value: UInt64, in slot: Int) {
    switch slot {
    case 0: _ = firstValue.compareExchange(expected: old, desired: value, ordering: .acquiringAndReleasing)
    case 1: _ = secondValue.compareExchange(expected: old, desired: value, ordering: .acquiringAndReleasing)
    default: _ = thirdValue.compareExchange(expected: old, desired: value, ordering: .acquiringAndReleasing)
    }
  }
}
