import Frames
import Synchronization

/// The forwarding database of one switch: (VLAN, address) to port, independent VLAN learning (802.1Q-2018 clause 8.8).
///
/// - A chained hash table over a fixed pool of entries; the hash is keyed by a random number, so that a guest cannot
///   choose addresses that collide.
/// - Any thread reads at any time, without a lock: workers look up, the control side lists. Who changes the table holds
///   the writer's lock, a few entries at a time (`pieceCount`). A worker never waits for it: a station that it could not
///   note is noted with the next frame (`FDB+Writing.swift`).
/// - A reader may miss an entry that is being changed, which costs a flood; what it finds is never another station's. An
///   entry's `version` is odd while its key and value do not belong together. The writer makes it odd, stores key and
///   value *releasing*, and makes it even, releasing too. A reader loads version, key, value *acquiring*, and the version
///   again. If the two versions are one even number, key and value are of one writing: had either come from a later one,
///   its acquiring load would have brought along that writing's odd number, which was stored before; had either come from
///   an earlier one, the first load of the version would not have been of this one. A value alone changes (a station
///   moved, or was seen again) without a new version, since the old one and the new one are both this station's.
/// - Bounded. When full, the oldest entry of the port that holds most makes room, so that a guest that floods
///   addresses pushes out its own and nobody else's.
/// - Each port's entries form a list from the one seen longest ago to the newest: ageing and eviction look only at heads.
/// - Complexity, in entries: lookup, learning and eviction O(1), eviction O(ports); forgetting a port O(its entries);
///   ageing O(entries that are too old), O(ports) if there are none; listing, and a flush by VLAN or by port and VLAN,
///   O(places ever used, `limit` at most).
final class FDB: Sendable {
  /// A place of the pool.
  struct Entry: ~Copyable, Zeroable, Sendable {
    /// VLAN in bits 48...59, address below; 0 = free.
    let key: Atomic<UInt64>
    let value: Atomic<UInt64>
    /// Odd while key and value are being replaced.
    let version: Atomic<UInt32>
    /// Next entry of the same bucket, or the next free place, plus one; 0 = last.
    let next: Atomic<UInt32>
    /// Neighbours in the port's list, plus one, for the writer; 0 = none.
    let older: Atomic<UInt32>
    let newer: Atomic<UInt32>
  }

  /// Entries of a chain that a reader looks at: another thread may change the chain under it, so that it leads astray.
  private static let longestWalk = 64

  let limit: Int
  let entries: SharedArray<Entry>
  let buckets: SharedArray<Atomic<UInt32>>
  let writer: WriterLock<Writer>
  private let secret: UInt64
  private let shift: UInt64

  // Of the writer, read by all.
  let storedGeneration = Atomic<UInt32>(1)
  let storedCount = Atomic<Int>(0)
  let storedMoveCount = Atomic<UInt64>(0)
  let storedLongestHold = Atomic<Int>(0)
  /// Places that were ever used: those before this number.
  let storedUsed = Atomic<Int>(0)

  /// - Parameters:
  ///   - limit: entries held at most.
  ///   - portCapacity: numbers of ports that can be learnt are below this; see `coldReservePorts`.
  init(limit: Int, portCapacity: Int = 0) {
    self.limit = limit
    entries = SharedArray(count: limit)
    var bucketBits: UInt64 = 1
    while (1 << bucketBits) < 2 * limit { bucketBits += 1 }
    shift = 64 - bucketBits
    buckets = SharedArray(count: 1 << Int(bucketBits))
    writer = WriterLock(Writer(portCapacity: portCapacity))
    secret = UInt64.random(in: 0...UInt64.max) | 1
  }

  /// Rises after a pair of key and port that was once true may no longer be.
  ///
  /// Who remembers what a lookup found also remembers this number from before the lookup, and asks again when it has
  /// risen: acquiring, so that who sees the new number does not find what was gone before it.
  @inline(__always)
  var generation: UInt32 { storedGeneration.load(ordering: .acquiring) }

  /// Entries held.
  var count: Int { storedCount.load(ordering: .relaxed) }
  /// Stations that came up on another port than before.
  var moveCount: UInt64 { storedMoveCount.load(ordering: .relaxed) }
  /// Most entries that were changed or looked at under the writer's lock at a time.
  var longestHold: Int { storedLongestHold.load(ordering: .relaxed) }

  @inline(__always)
  static func key(vlan: UInt16, _ address: MACAddress) -> UInt64 { UInt64(vlan) << 48 | address.bits }

  @inline(__always)
  func bucket(_ key: UInt64) -> Int {
    let mixed = (key ^ (key >> 29)) &* secret
    // Parentheses: in Swift a shift binds tighter than a product.
    return Int(truncatingIfNeeded: ((mixed ^ (mixed >> 32)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  /// Where a station is; nil if it is not known.
  @inline(__always)
  func lookup(_ key: UInt64) -> FDBValue? {
    var link = buckets[bucket(key)].load(ordering: .acquiring)
    var steps = 0
    while link != 0, steps < Self.longestWalk {
      let index = Int(link) - 1
      if entries[index].key.load(ordering: .relaxed) == key {
        guard let found = read(index), found.key == key else { return nil }
        return found.value
      }
      link = entries[index].next.load(ordering: .acquiring)
      steps += 1
    }
    return nil
  }

  /// What a place holds, key 0 if nothing; nil if it is being changed at this moment.
  @inline(__always)
  private func read(_ index: Int) -> (key: UInt64, value: FDBValue)? {
    // The order of these four is what the comment of this type argues about.
    let version = entries[index].version.load(ordering: .acquiring)
    let key = entries[index].key.load(ordering: .acquiring)
    let value = entries[index].value.load(ordering: .acquiring)
    guard version & 1 == 0, entries[index].version.load(ordering: .relaxed) == version else { return nil }
    return (key, FDBValue(bits: value))
  }

  /// Visits every entry (VLAN, address, value); one that comes or goes meanwhile is visited or not.
  ///
  /// Holds no lock: `body` may take its time.
  func forEach(_ body: (Int, MACAddress, FDBValue) -> Void) {
    for index in 0..<storedUsed.load(ordering: .acquiring) {
      guard let (key, value) = read(index), key != 0 else { continue }
      body(Int(key >> 48), MACAddress(bits: key), value)
    }
  }
}
