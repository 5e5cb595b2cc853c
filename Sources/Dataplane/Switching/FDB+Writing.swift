import CLinux
import Synchronization

/// How a table changes: under the writer's lock, at most `pieceCount` entries at a time.
///
/// Functions that wait for the lock begin with `cold`, so that tools/check-hot-path keeps them out of the loop. Those
/// without give up when another thread has it: `learn` until the next frame, `age` and `flush` until they are called again.
extension FDB {
  /// Entries looked at or changed under the lock at a time: a few microseconds.
  static var pieceCount: Int { 64 }

  /// A port's list of entries.
  struct PortList: BitwiseCopyable {
    var oldest: UInt32 = 0
    var newest: UInt32 = 0
    var count = 0
  }

  /// What only the holder of the lock may touch.
  struct Writer: ~Copyable {
    /// The first of the places that were used and are free again, plus one; 0 = none.
    var firstFree: UInt32 = 0
    var lists: FixedArray<PortList>
    /// Entries looked at or changed since the lock was taken.
    var entriesInHold = 0

    init(portCapacity: Int) { lists = FixedArray(count: portCapacity) { _ in PortList() } }
  }

  // The worker's part.

  /// Notes that a station was seen on a port; a station that is known there in this second costs no write.
  ///
  /// - Returns: the generation that this is true of, or nil if another thread holds the lock: nothing was noted, and the
  ///   station's next frame is to bring it here again.
  @inline(never)
  func learn(_ key: UInt64, port: Int, tick: UInt32) -> UInt32? {
    // From before the look: what is taken away after it raises the number.
    let generation = generation
    if let known = lookup(key), known.isStatic || (known.port == port && known.tick == tick) { return generation }
    return writeIfFree { state in
      note(key, FDBValue(port: port, isStatic: false, tick: tick), &state)
      return storedGeneration.load(ordering: .relaxed)
    }
  }

  /// Forgets entries not seen since `deadline` (a tick).
  ///
  /// - Returns: false if another thread held the lock before all were gone.
  func age(before deadline: UInt32) -> Bool {
    var port = 0
    while true {
      guard let isDone = writeIfFree({ state in agePiece(from: &port, before: deadline, &state) }) else { return false }
      if isDone { return true }
    }
  }

  /// Forgets what a port was found to have, static entries too.
  ///
  /// - Returns: false if another thread held the lock before all were gone.
  func flush(port: Int) -> Bool {
    while true {
      guard let isDone = writeIfFree({ state in flushPiece(port: port, &state) }) else { return false }
      if isDone { return true }
    }
  }

  // The control side's part.

  /// Makes room for more port numbers, up to `capacity`.
  func coldReservePorts(_ capacity: Int) {
    coldWrite { state in
      guard capacity > state.lists.count else { return }
      state.lists.grow(to: max(capacity, 2 * state.lists.count)) { _ in PortList() }
    }
  }

  /// Takes in a station that another table knew; nothing happens if it is known, or there is no room.
  ///
  /// Those of one port come in order, the one seen longest ago first.
  func coldRestore(_ key: UInt64, _ value: FDBValue) {
    coldWrite { state in
      let hasRoom = state.firstFree != 0 || storedUsed.load(ordering: .relaxed) < limit
      guard hasRoom, value.port < state.lists.count, find(key) == nil, let index = place(&state) else { return }
      state.entriesInHold += 1
      insert(key, value, at: index, &state)
    }
  }

  /// As `flush(port:)`, however long others hold the lock.
  func coldFlush(port: Int) {
    while !coldWrite({ state in flushPiece(port: port, &state) }) { coldRest() }
  }

  /// Forgets everything that the filters name, but static entries and what is learnt meanwhile; nil = any.
  ///
  /// Looks without the lock, and takes it only where there is something to forget.
  func coldFlush(port: Int?, vlan: Int?) { coldFlush(port: port, vlans: vlan.map { VLANSet([$0...$0]) }) }

  /// The same for several VLANs.
  func coldFlush(port: Int?, vlans: VLANSet?) {
    let end = storedUsed.load(ordering: .acquiring)
    var index = 0
    while index < end {
      guard isFlushed(index, port, vlans) else {
        index += 1
        continue
      }
      index = coldWrite { state in flushPiece(from: index, to: min(index + Self.pieceCount, end), port, vlans, &state) }
      coldRest()
    }
  }

  /// Leaves the lock to others for as long as it was held, or so: a worker tries only once a frame.
  private func coldRest() { for _ in 0..<Self.pieceCount { clinux_pause() } }

  // With the lock held.

  private func writeIfFree<Result>(_ body: (inout Writer) -> Result) -> Result? {
    writer.withLockIfFree { state in counted(&state, body) }
  }

  private func coldWrite<Result>(_ body: (inout Writer) -> Result) -> Result {
    writer.coldWithLock { state in counted(&state, body) }
  }

  @inline(__always)
  private func counted<Result>(_ state: inout Writer, _ body: (inout Writer) -> Result) -> Result {
    state.entriesInHold = 0
    let result = body(&state)
    if state.entriesInHold > longestHold { storedLongestHold.store(state.entriesInHold, ordering: .relaxed) }
    return result
  }

  private func note(_ key: UInt64, _ value: FDBValue, _ state: inout Writer) {
    guard value.port < state.lists.count else { return }
    state.entriesInHold += 1
    if let index = find(key) {
      let old = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
      guard !old.isStatic else { return }
      unlist(index, port: old.port, &state)
      list(index, port: value.port, &state)
      // Releasing, as every store of a value: see the comment of this type.
      entries[index].value.store(value.bits, ordering: .releasing)
      guard old.port != value.port else { return }
      storedMoveCount.store(moveCount &+ 1, ordering: .relaxed)
      raiseGeneration()
      return
    }
    guard let index = place(&state) else { return }
    insert(key, value, at: index, &state)
  }

  /// A place that is free, or made free.
  private func place(_ state: inout Writer) -> Int? {
    if state.firstFree == 0 {
      let used = storedUsed.load(ordering: .relaxed)
      if used < limit {
        // Readers find a free place there, whatever they see first.
        storedUsed.store(used + 1, ordering: .releasing)
        return used
      }
      evict(&state)
    }
    guard state.firstFree != 0 else { return nil }
    let index = Int(state.firstFree) - 1
    state.firstFree = entries[index].next.load(ordering: .relaxed)
    return index
  }

  /// - Parameter port: the first list that may have old ones, here and for the next piece.
  private func agePiece(from port: inout Int, before deadline: UInt32, _ state: inout Writer) -> Bool {
    var left = Self.pieceCount
    while port < state.lists.count {
      var link = state.lists[port].oldest
      while link != 0 {
        let index = Int(link) - 1
        let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
        guard value.isStatic || value.tick < deadline else { break }
        link = entries[index].newer.load(ordering: .relaxed)
        // It stays where it was put, before those that are older now.
        guard !value.isStatic else { continue }
        guard left > 0 else {
          raiseGeneration()
          return false
        }
        remove(index, &state)
        left -= 1
      }
      port += 1
    }
    if left < Self.pieceCount { raiseGeneration() }
    return true
  }

  private func flushPiece(port: Int, _ state: inout Writer) -> Bool {
    guard port < state.lists.count, state.lists[port].oldest != 0 else { return true }
    var left = Self.pieceCount
    while state.lists[port].oldest != 0, left > 0 {
      remove(Int(state.lists[port].oldest) - 1, &state)
      left -= 1
    }
    raiseGeneration()
    return state.lists[port].oldest == 0
  }

  private func flushPiece(
    from start: Int, to end: Int, _ port: Int?, _ vlans: VLANSet?, _ state: inout Writer
  ) -> Int {
    var index = start
    while index < end {
      if isFlushed(index, port, vlans) { remove(index, &state) } else { state.entriesInHold += 1 }
      index += 1
    }
    raiseGeneration()
    return end
  }

  /// Of a piece that the lock is held for, or a guess without it.
  private func isFlushed(_ index: Int, _ port: Int?, _ vlans: VLANSet?) -> Bool {
    let key = entries[index].key.load(ordering: .relaxed)
    guard key != 0, vlans?.contains(Int(key >> 48)) ?? true else { return false }
    let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
    return !value.isStatic && (port == nil || value.port == port)
  }

  /// After the change, releasing: see `generation`.
  private func raiseGeneration() {
    storedGeneration.store(storedGeneration.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }

  private func find(_ key: UInt64) -> Int? {
    var link = buckets[bucket(key)].load(ordering: .relaxed)
    while link != 0 {
      let index = Int(link) - 1
      if entries[index].key.load(ordering: .relaxed) == key { return index }
      link = entries[index].next.load(ordering: .relaxed)
    }
    return nil
  }

  /// Replaces what a place holds; the order of the stores is what the comment of this type argues about.
  private func replace(_ index: Int, _ key: UInt64, _ value: UInt64) {
    let version = entries[index].version.load(ordering: .relaxed)
    entries[index].version.store(version &+ 1, ordering: .relaxed)
    entries[index].key.store(key, ordering: .releasing)
    entries[index].value.store(value, ordering: .releasing)
    entries[index].version.store(version &+ 2, ordering: .releasing)
  }

  private func insert(_ key: UInt64, _ value: FDBValue, at index: Int, _ state: inout Writer) {
    let bucket = bucket(key)
    replace(index, key, value.bits)
    entries[index].next.store(buckets[bucket].load(ordering: .relaxed), ordering: .releasing)
    buckets[bucket].store(UInt32(index + 1), ordering: .releasing)
    list(index, port: value.port, &state)
    storedCount.store(count + 1, ordering: .relaxed)
  }

  /// Takes an entry out; who calls this raises the generation afterwards.
  private func remove(_ index: Int, _ state: inout Writer) {
    state.entriesInHold += 1
    let key = entries[index].key.load(ordering: .relaxed)
    let value = FDBValue(bits: entries[index].value.load(ordering: .relaxed))
    unlink(index, bucket: bucket(key))
    unlist(index, port: value.port, &state)
    replace(index, 0, 0)
    // A reader that stands here goes on among free places, and finds no key.
    entries[index].next.store(state.firstFree, ordering: .releasing)
    state.firstFree = UInt32(index + 1)
    storedCount.store(count - 1, ordering: .relaxed)
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
  private func list(_ index: Int, port: Int, _ state: inout Writer) {
    let newest = state.lists[port].newest
    entries[index].older.store(newest, ordering: .relaxed)
    entries[index].newer.store(0, ordering: .relaxed)
    if newest != 0 { entries[Int(newest) - 1].newer.store(UInt32(index + 1), ordering: .relaxed) }
    state.lists[port].newest = UInt32(index + 1)
    if state.lists[port].oldest == 0 { state.lists[port].oldest = UInt32(index + 1) }
    state.lists[port].count += 1
  }

  private func unlist(_ index: Int, port: Int, _ state: inout Writer) {
    let older = entries[index].older.load(ordering: .relaxed)
    let newer = entries[index].newer.load(ordering: .relaxed)
    if older != 0 {
      entries[Int(older) - 1].newer.store(newer, ordering: .relaxed)
    } else {
      state.lists[port].oldest = newer
    }
    if newer != 0 {
      entries[Int(newer) - 1].older.store(older, ordering: .relaxed)
    } else {
      state.lists[port].newest = older
    }
    state.lists[port].count -= 1
  }

  /// The oldest entry of the port that has most makes room.
  private func evict(_ state: inout Writer) {
    var fullest = 0
    for port in 0..<state.lists.count where state.lists[port].count > state.lists[fullest].count { fullest = port }
    let oldest = state.lists[fullest].oldest
    guard oldest != 0 else { return }
    remove(Int(oldest) - 1, &state)
    raiseGeneration()
  }
}
