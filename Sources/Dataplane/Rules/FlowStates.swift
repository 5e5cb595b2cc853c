import Frames

/// Flows that a list with state has let through at a port: what comes back passes as an answer.
///
/// Bounded: `limit` flows, in a table of open addressing that grows with them. A flow is looked for in `window` places. Where
/// those are taken, or there are as many flows as there may be, one without an answer makes room, the one heard of longest
/// ago; where all have answers, the new flow has no state, so that a flood never costs others what they have.
///
/// For who holds the lock of the port's rules. Times are seconds of the clock of ageing.
struct FlowStates: ~Copyable {
  /// Flows a port.
  static var usualLimit: Int { 4096 }
  /// Places that a flow may have.
  static var window: Int { 8 }
  private static var firstPlaces: Int { 64 }

  /// Seconds that a flow is remembered after its last frame.
  enum Lifetime {
    static var established: UInt32 { 3600 }
    static var short: UInt32 { 60 }
    static var echo: UInt32 { 30 }
  }

  private var entries: FixedArray<FlowEntry>
  private let secret = UInt64.random(in: .min ... .max) | 1
  /// Flows that there may be; 0 = no state is kept.
  let limit: Int
  /// Those that there are; some of them may be too old to count.
  private(set) var count = 0
  /// Those that found no place.
  private(set) var refusals: UInt64 = 0
  private var hand = 0

  init(limit: Int = 0) {
    self.limit = limit
    entries = FixedArray(count: limit > 0 ? Self.firstPlaces : 1) { _ in FlowEntry() }
  }

  @inline(__always)
  private func hash(_ key: FlowKey) -> Int {
    var mixed = (key.first ^ key.meta &* 0x9E37_79B9_7F4A_7C15) &* secret
    if key.isVersion6 { mixed = (mixed ^ key.second ^ key.third.byteSwapped ^ key.fourth &* secret) &* secret }
    mixed ^= mixed >> 32
    return Int(truncatingIfNeeded: (mixed &* 0xD6E8_FEB8_6659_FD93) >> 24)
  }

  /// The place of a flow that is not too old; -1 = it is not known.
  @inline(__always)
  func find(_ key: FlowKey, _ tick: UInt32) -> Int {
    let mask = entries.count &- 1
    let start = hash(key)
    var step = 0
    while step < Self.window {
      let place = (start &+ step) & mask
      if entries[place].key.meta == key.meta, entries[place].key.first == key.first,
        !key.isVersion6 || entries[place].key.isLike(key)
      {
        return entries[place].isOver(tick) ? -1 : place
      }
      step &+= 1
    }
    return -1
  }

  /// Where a flow is kept, until another one is added.
  @unsafe @inline(__always)
  func address(of place: Int) -> UnsafeMutablePointer<FlowEntry> { unsafe entries.address(of: place) }

  subscript(place: Int) -> FlowEntry {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(entries.address(of: place)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe entries.address(of: place) }
  }

  /// Remembers a flow, which is not known, or was too old to count.
  @inline(never)
  mutating func add(_ entry: FlowEntry, _ tick: UInt32) {
    guard limit > 0 else { return }
    sweep(tick, places: count < limit ? 4 : 64)
    if 2 * count >= entries.count, entries.count < 2 * limit { coldGrow() }
    let mask = entries.count - 1
    let start = hash(entry.key)
    var (free, oldest) = (-1, -1)
    for step in 0..<Self.window {
      let place = (start &+ step) & mask
      if entries[place].isFree || entries[place].isOver(tick) || entries[place].key.isLike(entry.key) {
        if free < 0 { free = place }
        // The same flow from before must not stand twice.
        if !entries[place].isFree, entries[place].key.isLike(entry.key) { forget(place) }
      } else if !entries[place].isAnswered, oldest < 0 || entries[place].lastSeen < entries[oldest].lastSeen {
        oldest = place
      }
    }
    if free >= 0, !entries[free].isFree { forget(free) }
    let place = free >= 0 && count < limit ? free : oldest
    guard place >= 0 else { return refusals &+= 1 }
    if !entries[place].isFree { forget(place) }
    entries[place] = entry
    count += 1
  }

  private mutating func forget(_ place: Int) {
    entries[place] = FlowEntry()
    count -= 1
  }

  /// Forgets those that are too old among some places, in turn.
  private mutating func sweep(_ tick: UInt32, places: Int) {
    for _ in 0..<places {
      hand = (hand &+ 1) & (entries.count - 1)
      if !entries[hand].isFree, entries[hand].isOver(tick) { forget(hand) }
    }
  }

  /// Twice the room, until there are two places a flow.
  private mutating func coldGrow() {
    var old = FixedArray(count: 2 * entries.count) { _ in FlowEntry() }
    swap(&entries, &old)
    count = 0
    for place in 0..<old.count where !old[place].isFree { coldPut(old[place]) }
  }

  private mutating func coldPut(_ entry: FlowEntry) {
    let start = hash(entry.key)
    for step in 0..<Self.window {
      let place = (start &+ step) & (entries.count - 1)
      guard entries[place].isFree else { continue }
      entries[place] = entry
      count += 1
      return
    }
  }

  /// All that count still.
  func coldList(_ tick: UInt32) -> [FlowEntry] {
    (0..<entries.count).compactMap { entries[$0].isFree || entries[$0].isOver(tick) ? nil : entries[$0] }
  }
}
