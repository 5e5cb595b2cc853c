import Frames
import Synchronization

/// What a station's entry leads to.
struct FDBValue: BitwiseCopyable {
  /// Bits 0...15 port, bit 16 static, bits 32...63 the second in which the station was last seen.
  var bits: UInt64

  @inline(__always)
  init(bits: UInt64) { self.bits = bits }

  @inline(__always)
  init(port: Int, isStatic: Bool, tick: UInt32) {
    bits = UInt64(port & 0xFFFF) | (isStatic ? 1 << 16 : 0) | UInt64(tick) << 32
  }

  @inline(__always) var port: Int { Int(bits & 0xFFFF) }
  @inline(__always) var isStatic: Bool { bits & (1 << 16) != 0 }
  @inline(__always) var tick: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}

/// The forwarding database of one switch: (VLAN, address) to port, independent VLAN learning (802.1Q-2018 clause 8.8).
///
/// - A chained hash table over a fixed pool of entries; the hash is keyed by a random number, so that a guest cannot
///   choose addresses that collide.
/// - Key and value of an entry are atomic words. Other workers may look up without a lock while the one writer changes
///   the table: a reader checks the key again after the value, and a missed entry costs a flood, never a wrong VLAN.
/// - Bounded. When full, the oldest entry of the port that holds most makes room, so that a guest that floods
///   addresses pushes out its own and nobody else's.
/// - Each port's entries form a list from the one seen longest ago to the newest: ageing and eviction look only at heads.
/// - Complexity: lookup, learning, eviction O(1) in entries (eviction O(ports)); flushes O(entries flushed).
struct FDB: ~Copyable {
  struct Entry: ~Copyable {
    /// VLAN in bits 48...59, address below; 0 = free.
    let key = Atomic<UInt64>(0)
    let value = Atomic<UInt64>(0)
    /// Next entry of the same bucket, plus one; 0 = last.
    let next = Atomic<UInt32>(0)
    /// Neighbours in the port's list, plus one; 0 = none.
    var older: UInt32 = 0
    var newer: UInt32 = 0
  }

  /// A port's list of entries.
  struct PortList: BitwiseCopyable {
    var oldest: UInt32 = 0
    var newest: UInt32 = 0
    var count = 0
  }

  let limit: Int
  private(set) var count = 0
  /// Rises whenever a pair of key and port that was once true may no longer be.
  private(set) var generation: UInt32 = 1
  private(set) var moveCount: UInt64 = 0
  private(set) var evictionCount: UInt64 = 0
  let entries: FixedArray<Entry>
  let buckets: FixedArray<Atomic<UInt32>>
  var lists: FixedArray<PortList>
  private var firstFree: UInt32
  private let secret: UInt64
  private let shift: UInt64

  /// - Parameters:
  ///   - limit: entries held at most.
  ///   - portCapacity: port numbers are below this; see `reservePorts`.
  init(limit: Int, portCapacity: Int) {
    self.limit = limit
    entries = FixedArray(count: limit) { _ in Entry() }
    var bucketBits: UInt64 = 1
    while (1 << bucketBits) < 2 * limit { bucketBits += 1 }
    shift = 64 - bucketBits
    buckets = FixedArray(count: 1 << Int(bucketBits)) { _ in Atomic(0) }
    lists = FixedArray(count: portCapacity) { _ in PortList() }
    secret = UInt64.random(in: 0...UInt64.max) | 1
    firstFree = limit > 0 ? 1 : 0
    for index in 0..<limit {
      entries[index].next.store(index + 1 < limit ? UInt32(index + 2) : 0, ordering: .relaxed)
    }
  }

  /// Makes room for more port numbers.
  mutating func reservePorts(_ capacity: Int) {
    lists.grow(to: capacity) { _ in PortList() }
  }

  @inline(__always)
  static func key(vlan: UInt16, _ address: MACAddress) -> UInt64 { UInt64(vlan) << 48 | address.bits }

  @inline(__always)
  private func bucket(_ key: UInt64) -> Int {
    let mixed = (key ^ (key >> 29)) &* secret
    // Parentheses: in Swift a shift binds tighter than a product.
    return Int(truncatingIfNeeded: ((mixed ^ (mixed >> 32)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  /// Where a station is; nil if it is not known.
  @inline(__always)
  func lookup(_ key: UInt64) -> FDBValue? {
    var link = buckets[bucket(key)].load(ordering: .acquiring)
    // Bounded, since another worker may see a chain while it changes.
    var steps = 0
    while link != 0, steps < 64 {
      let index = Int(link) - 1
      if entries[index].key.load(ordering: .acquiring) == key {
        let value = entries[index].value.load(ordering: .acquiring)
        return entries[index].key.load(ordering: .relaxed) == key ? FDBValue(bits: value) : nil
      }
      link = entries[index].next.load(ordering: .acquiring)
      steps += 1
    }
    return nil
  }

  /// Notes that a station was seen on a port.
  ///
  /// Only the writer calls this.
  @inline(never)
  mutating func learn(_ key: UInt64, port: Int, tick: UInt32) {
    if let index = find(key) {
      let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
      guard !value.isStatic else { return }
      if value.port != port {
        moveCount &+= 1
        generation &+= 1
      } else if value.tick == tick {
        return
      }
      unlist(index, port: value.port)
      entries[index].value.store(FDBValue(port: port, isStatic: false, tick: tick).bits, ordering: .releasing)
      list(index, port: port)
      return
    }
    if firstFree == 0 { evict() }
    guard firstFree != 0 else { return }
    insert(key, FDBValue(port: port, isStatic: false, tick: tick))
  }

  /// Takes in a station that another table knew; nothing happens if it is known, or there is no room.
  ///
  /// Those of one port come in order, the one seen longest ago first.
  mutating func restore(_ key: UInt64, _ value: FDBValue) {
    guard find(key) == nil, firstFree != 0 else { return }
    insert(key, value)
  }

  /// Forgets entries of a port not seen since `deadline` (a tick).
  mutating func age(before deadline: UInt32) {
    for port in 0..<lists.count {
      while lists[port].oldest != 0 {
        let index = Int(lists[port].oldest) - 1
        let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
        guard !value.isStatic, value.tick < deadline else { break }
        remove(index)
      }
    }
  }

  /// Forgets what a port was found to have; also static entries if the port itself goes.
  mutating func flush(port: Int) {
    while lists[port].oldest != 0 { remove(Int(lists[port].oldest) - 1) }
  }

  /// Forgets everything that the filters name; nil = any.
  mutating func flush(port: Int?, vlan: Int?) {
    for index in 0..<limit {
      let key = entries[index].key.load(ordering: .relaxed)
      guard key != 0 else { continue }
      let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
      guard !value.isStatic, port == nil || value.port == port, vlan == nil || Int(key >> 48) == vlan else { continue }
      remove(index)
    }
  }

  /// Visits every entry: VLAN, address, value.
  func forEach(_ body: (Int, MACAddress, FDBValue) -> Void) {
    for index in 0..<limit {
      let key = entries[index].key.load(ordering: .relaxed)
      guard key != 0 else { continue }
      body(Int(key >> 48), MACAddress(bits: key), FDBValue(bits: entries[index].value.load(ordering: .relaxed)))
    }
  }

  // The writer's part.

  private func find(_ key: UInt64) -> Int? {
    var link = buckets[bucket(key)].load(ordering: .relaxed)
    while link != 0 {
      let index = Int(link) - 1
      if entries[index].key.load(ordering: .relaxed) == key { return index }
      link = entries[index].next.load(ordering: .relaxed)
    }
    return nil
  }

  private mutating func insert(_ key: UInt64, _ value: FDBValue) {
    let index = Int(firstFree) - 1
    firstFree = entries[index].next.load(ordering: .relaxed)
    let place = bucket(key)
    entries[index].value.store(value.bits, ordering: .relaxed)
    entries[index].next.store(buckets[place].load(ordering: .relaxed), ordering: .relaxed)
    entries[index].key.store(key, ordering: .releasing)
    buckets[place].store(UInt32(index + 1), ordering: .releasing)
    list(index, port: value.port)
    count += 1
  }

  private mutating func remove(_ index: Int) {
    let key = entries[index].key.load(ordering: .relaxed)
    let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
    unlink(index, bucket: bucket(key))
    unlist(index, port: value.port)
    entries[index].key.store(0, ordering: .releasing)
    entries[index].next.store(firstFree, ordering: .relaxed)
    firstFree = UInt32(index + 1)
    count -= 1
    generation &+= 1
  }

  private func unlink(_ index: Int, bucket place: Int) {
    let following = entries[index].next.load(ordering: .relaxed)
    var link = buckets[place].load(ordering: .relaxed)
    if Int(link) - 1 == index {
      buckets[place].store(following, ordering: .releasing)
      return
    }
    while link != 0 {
      let current = Int(link) - 1
      link = entries[current].next.load(ordering: .relaxed)
      if Int(link) - 1 == index {
        entries[current].next.store(following, ordering: .releasing)
        return
      }
    }
  }

  /// Puts an entry at the newest end of a port's list.
  private func list(_ index: Int, port: Int) {
    let newest = lists[port].newest
    entries[index].older = newest
    entries[index].newer = 0
    if newest != 0 { entries[Int(newest) - 1].newer = UInt32(index + 1) }
    lists[port].newest = UInt32(index + 1)
    if lists[port].oldest == 0 { lists[port].oldest = UInt32(index + 1) }
    lists[port].count += 1
  }

  private func unlist(_ index: Int, port: Int) {
    let older = entries[index].older
    let newer = entries[index].newer
    if older != 0 { entries[Int(older) - 1].newer = newer } else { lists[port].oldest = newer }
    if newer != 0 { entries[Int(newer) - 1].older = older } else { lists[port].newest = older }
    lists[port].count -= 1
  }

  private mutating func evict() {
    var fullest = 0
    for port in 0..<lists.count where lists[port].count > lists[fullest].count { fullest = port }
    let oldest = lists[fullest].oldest
    guard oldest != 0 else { return }
    evictionCount &+= 1
    remove(Int(oldest) - 1)
  }
}
