import Frames
internal import LinuxHost
import Synchronization

/// The forwarding database of one switch: (VLAN, address) to port, independent VLAN learning (802.1Q-2018 clause 8.8).
///
/// - A hash table of buckets, each a cache line with room for three stations, and more lines behind it where that is not
///   enough. It grows by one bucket at a time while stations are learnt (linear hashing), so that no frame ever waits
///   for a table that is rebuilt. The hash is keyed by a random number, so that a guest cannot choose addresses that
///   collide.
/// - Any thread reads at any time, without a lock: workers look up, the control side lists. Who changes the table holds
///   the writer's lock, a few entries at a time (`pieceCount`). A worker never waits for it: a station that it could not
///   note is noted with the next frame (`FDB+Writing.swift`).
/// - What a reader finds is never another station's. A bucket's `version`, in its first line, is odd while anything in the
///   bucket is being replaced. The writer makes it odd, stores keys and values *releasing*, and makes it even, releasing
///   too. A reader loads the version, then keys and values *acquiring*, and the version again. If the two versions are one
///   even number, key and value are of one writing: had either come from a later one, its acquiring load would have brought
///   along that writing's odd number, which was stored before; had either come from an earlier one, the first load of the
///   version would not have been of this one. For the same reason a station that was not found was not there, unless the
///   table grew meanwhile: so the reader looks again if it did. Who meets the writer too often gives up, which costs a
///   flood. A value alone changes (a station moved, or was seen again) without a new version, since the old one and the
///   new one are both this station's.
/// - Bounded, as a whole and for each port. Where a port has as many as it may, its own oldest entry makes room, and when
///   the table is full, the oldest of the port that holds most: a guest that floods addresses pushes out its own, and those
///   of ports that hold more than it does, until it holds as many.
/// - Each entry has a number, by which the control side walks and the lists link, wherever it lies (`FDBPlace`). The
///   entries that were learnt of a port form a list, static ones are in none. A list goes from the one seen longest ago to the newest: ageing and eviction look only at heads. An
///   entry moves to the newest end when it is seen in another *span* than before, of 2^`spanShift` seconds: a sixteenth of
///   the ageing time at most, so that entries stay that much longer than they should, and most that are seen again cost one
///   store.
/// - Complexity, in entries: lookup, learning and eviction O(1), and O(log ports) where a port's number of entries changes;
///   forgetting a port O(its entries); ageing O(entries that are too old), O(ports) if there are none; listing, and a flush
///   by VLAN or by port and VLAN, O(numbers ever used).
final class FDB: Sendable {
  /// Buckets of a new table: a page of lines.
  private static let firstBuckets = 64
  /// Lines that a reader looks at in one bucket: another thread may change them under it, so that they lead astray.
  static let longestWalk = 64
  /// How often a reader begins again that met the writer.
  private static let patience = 8
  /// Buckets from which on it pays to ask ahead for lines: 8 KiB of them, fewer are in the processor's nearest cache.
  private static let smallBuckets = 128

  /// Entries that fit, whatever `limit` says.
  let capacity: Int
  /// Buckets that there can be, half as many as entries; the lines behind them are for those that overflow.
  let bucketCapacity: Int
  let lines: SharedArray<FDBLine>
  let places: SharedArray<FDBPlace>
  let writer: WriterLock<Writer>
  private let secret: UInt64

  // Of the writer, read by all.
  /// Buckets in the lower half, and the mask of a hash that is enough for all of them in the upper one.
  let storedShape: Atomic<UInt64>
  let storedGeneration = Atomic<UInt32>(1)
  let storedCount = Atomic<Int>(0)
  let storedMoveCount = Atomic<UInt64>(0)
  let storedEvictionCount = Atomic<UInt64>(0)
  let storedStaticCount = Atomic<Int>(0)
  let storedLongestHold = Atomic<Int>(0)
  /// Numbers of entries that were ever used: those before this one.
  let storedUsed = Atomic<Int>(0)
  let storedLimit: Atomic<Int>
  let storedPortLimit: Atomic<Int>
  let storedSpanShift = Atomic<UInt32>(0)
  /// See `FDBNotes`.
  let storedIsUntold = Atomic<Bool>(false)

  /// - Parameters:
  ///   - limit: entries held at most; 0 for a table that never holds any.
  ///   - portLimit: entries of one port at most; nil = as many as all.
  ///   - portCapacity: numbers of ports that can be learnt are below this; see `coldReservePorts`.
  /// - Throws: `SystemError` if there is no memory for so many.
  convenience init(limit: Int, portLimit: Int? = nil, portCapacity: Int = 0) throws(SystemError) {
    let memory: Memory
    // Address space for the largest table, so that a limit can change; where there is none, for this one.
    do throws(SystemError) {
      memory = try Memory(capacity: limit > 0 ? max(SwitchConfiguration.fdbLimits.upperBound, limit) : 0)
    } catch {
      memory = try Memory(capacity: limit)
    }
    self.init(memory, limit: limit, portLimit: portLimit ?? limit, portCapacity: portCapacity)
  }

  /// A table that never holds anything.
  private convenience init() {
    do throws(SystemError) {
      self.init(try Memory(capacity: 0), limit: 0, portLimit: 0, portCapacity: 0)
    } catch {
      // Where there are not even two pages, nothing that this program does goes on.
      preconditionFailure("no memory for an empty table: \(error)")
    }
  }

  /// Of all switches that there are not.
  static let empty = FDB()

  private init(_ memory: consuming Memory, limit: Int, portLimit: Int, portCapacity: Int) {
    let capacity = memory.capacity
    self.capacity = capacity
    lines = memory.lines
    places = memory.places
    bucketCapacity = max(capacity / 2, 1)
    storedShape = Atomic(Self.shape(min(Self.firstBuckets, max(capacity / 2, 1))))
    storedLimit = Atomic(min(limit, capacity))
    storedPortLimit = Atomic(portLimit)
    writer = WriterLock(Writer(portCapacity: portCapacity))
    secret = UInt64.random(in: 0...UInt64.max) | 1
  }

  /// Room for a number of entries, none of it touched yet.
  private struct Memory: ~Copyable {
    let capacity: Int
    let lines: SharedArray<FDBLine>
    let places: SharedArray<FDBPlace>

    init(capacity: Int) throws(SystemError) {
      // Buckets, and as many lines behind them.
      let buckets = max(capacity / 2, 1)
      let lines = try SharedArray<FDBLine>(count: buckets + max(buckets, 8), parts: 2)
      places = try SharedArray<FDBPlace>(count: capacity)
      self.lines = lines
      self.capacity = capacity
    }
  }

  /// Rises after a pair of key and port that was once true may no longer be.
  ///
  /// Who remembers what a lookup found also remembers this number from before the lookup, and asks again when it has
  /// risen: acquiring, so that who sees the new number does not find what was gone before it.
  @inline(__always)
  var generation: UInt32 { storedGeneration.load(ordering: .acquiring) }

  /// Entries held at most, all and of one port.
  var limit: Int { storedLimit.load(ordering: .relaxed) }
  var portLimit: Int { storedPortLimit.load(ordering: .relaxed) }
  /// Entries held.
  var count: Int { storedCount.load(ordering: .relaxed) }
  /// Those of them that are static.
  var staticCount: Int { storedStaticCount.load(ordering: .relaxed) }
  /// Stations that came up on another port than before.
  var moveCount: UInt64 { storedMoveCount.load(ordering: .relaxed) }
  /// Entries that had to make room for others.
  var evictionCount: UInt64 { storedEvictionCount.load(ordering: .relaxed) }
  /// Most entries that were changed or looked at under the writer's lock at a time.
  var longestHold: Int { storedLongestHold.load(ordering: .relaxed) }

  @inline(__always)
  static func key(vlan: UInt16, _ address: MACAddress) -> UInt64 { UInt64(vlan) << 48 | address.bits }

  // Where a key lies.

  /// Bits of a hash, more than there are buckets.
  @inline(__always)
  func hash(_ key: UInt64) -> UInt64 {
    let mixed = (key ^ (key >> 29)) &* secret
    // Parentheses: in Swift a shift binds tighter than a product.
    return ((mixed ^ (mixed >> 32)) &* 0x9E37_79B9_7F4A_7C15) >> 40
  }

  /// What `storedShape` says of so many buckets.
  static func shape(_ buckets: Int) -> UInt64 {
    let mask = buckets > 1 ? UInt64.max >> UInt64((UInt64(buckets) - 1).leadingZeroBitCount) : 0
    return UInt64(buckets) | mask << 32
  }

  /// The bucket of a hash, which is the number of its first line.
  @inline(__always)
  static func bucket(_ hash: UInt64, _ shape: UInt64) -> Int {
    let mask = shape >> 32
    let place = hash & mask
    // Those that were not split yet hold what belongs into the one that is not there.
    return Int(truncatingIfNeeded: place < shape & 0xFFFF_FFFF ? place : place & (mask >> 1))
  }

  @inline(__always)
  var shape: UInt64 { storedShape.load(ordering: .acquiring) }

  // Reading.

  /// Where a station is; nil if it is not known.
  @inline(__always)
  func lookup(_ key: UInt64) -> FDBValue? {
    let shape = shape
    let bucket = Self.bucket(hash(key), shape)
    let version = lines[bucket].version.load(ordering: .acquiring)
    let value = lines[bucket].value(of: key)
    let next = lines[bucket].next.load(ordering: .acquiring)
    guard version & 1 == 0, lines[bucket].version.load(ordering: .relaxed) == version else {
      return lookupFurther(key)
    }
    if value != 0 { return FDBValue(bits: value) }
    guard next == 0, storedShape.load(ordering: .relaxed) == shape else { return lookupFurther(key) }
    return nil
  }

  /// The same for a station whose bucket has more lines than one, or that the writer works at.
  @inline(never)
  private func lookupFurther(_ key: UInt64) -> FDBValue? {
    for _ in 0..<Self.patience {
      let shape = shape
      let bucket = Self.bucket(hash(key), shape)
      let version = lines[bucket].version.load(ordering: .acquiring)
      let value = search(key, from: bucket)
      guard version & 1 == 0, lines[bucket].version.load(ordering: .relaxed) == version,
        value != 0 || storedShape.load(ordering: .relaxed) == shape
      else { continue }
      return value != 0 ? FDBValue(bits: value) : nil
    }
    return nil
  }

  private func search(_ key: UInt64, from bucket: Int) -> UInt64 {
    var line = bucket
    for _ in 0..<Self.longestWalk {
      let value = lines[line].value(of: key)
      if value != 0 { return value }
      line = Int(lines[line].next.load(ordering: .acquiring))
      if line == 0 { break }
    }
    return 0
  }

  // Asking ahead, for stations of which many are looked up together.

  /// There are more lines than the processor's cache may hold.
  @inline(__always)
  var isLarge: Bool { shape & 0xFFFF_FFFF > UInt64(Self.smallBuckets) }

  /// Asks for the line of a station; returns its number, for `look`.
  @inline(__always)
  func prefetch(_ key: UInt64, _ shape: UInt64) -> UInt64 {
    let bucket = Self.bucket(hash(key), shape)
    lines.prefetch(bucket)
    return UInt64(bucket)
  }

  /// What the first line of a station's bucket has on it, as bits of an `FDBValue`; 0 if nothing, or the writer is at it.
  ///
  /// Where there is a second line it is asked for.
  @inline(__always)
  func look(_ key: UInt64, in line: UInt64) -> UInt64 {
    let line = Int(line)
    let version = lines[line].version.load(ordering: .acquiring)
    let value = lines[line].value(of: key)
    guard value != 0, version & 1 == 0, lines[line].version.load(ordering: .relaxed) == version else {
      let next = lines[line].next.load(ordering: .relaxed)
      if next != 0 { lines.prefetch(Int(next)) }
      return 0
    }
    return value
  }

  // Listing.

  /// What the entry of a number holds, and where; nil if there is none, or it is being changed at this moment.
  func read(_ number: Int) -> (key: UInt64, value: FDBValue)? {
    for _ in 0..<Self.patience {
      let position = places[number].position.load(ordering: .acquiring)
      guard position != 0 else { return nil }
      let (line, slot) = FDBPlace.spot(position)
      let key = lines[line].key(slot)
      guard key != 0 else { continue }
      let bucket = Self.bucket(hash(key), shape)
      let version = lines[bucket].version.load(ordering: .acquiring)
      let found = (key: lines[line].key(slot), value: FDBValue(bits: lines[line].value(slot)))
      // One that has moved is found where it is now.
      guard found.key == key, found.value.bits != 0, found.value.number == number, version & 1 == 0,
        lines[bucket].version.load(ordering: .relaxed) == version
      else { continue }
      return found
    }
    return nil
  }

  /// Visits every entry (VLAN, address, value); one that comes or goes meanwhile is visited or not.
  ///
  /// Holds no lock: `body` may take its time.
  func forEach(_ body: (Int, MACAddress, FDBValue) -> Void) {
    for number in 0..<storedUsed.load(ordering: .acquiring) {
      guard let (key, value) = read(number) else { continue }
      body(Int(key >> 48), MACAddress(bits: key), value)
    }
  }
}
