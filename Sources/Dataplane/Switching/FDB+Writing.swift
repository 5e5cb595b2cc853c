import CLinux
import Synchronization

/// How a table changes: under the writer's lock, at most `pieceCount` entries at a time.
///
/// Functions that wait for the lock begin with `cold`, so that tools/check-hot-path keeps them out of the loop. Those
/// without give up when another thread has it: `learn` until the next frame, `age` and `flush` until they are called again.
extension FDB {
  /// Entries looked at or changed under the lock at a time: a few microseconds.
  static var pieceCount: Int { 64 }

  // The worker's part.

  /// Notes that a station was seen on a port; a station that is known there in this second costs no write.
  ///
  /// - Returns: the generation that this is true of, or nil if another thread holds the lock: nothing was noted, and the
  ///   station's next frame is to bring it here again.
  @inline(never)
  func learn(_ key: UInt64, port: Int, tick: UInt32) -> UInt32? {
    // From before the look: what is taken away after it raises the number.
    let generation = generation
    if let known = lookup(key) {
      if known.isStatic || (known.port == port && known.tick == tick) { return generation }
      if known.port == port, isOneSpan(known.tick, tick) {
        refresh(key, known, tick)
        return generation
      }
    }
    return writeIfFree { state in
      note(key, port: port, tick: tick, &state)
      return storedGeneration.load(ordering: .relaxed)
    }
  }

  /// Two seconds between which an entry keeps its place in its list.
  @inline(__always)
  private func isOneSpan(_ first: UInt32, _ second: UInt32) -> Bool {
    (first ^ second) >> storedSpanShift.load(ordering: .relaxed) == 0
  }

  /// The same as `learn` for a station that was found in this line, behind the same port; false if it takes more.
  @inline(__always)
  func refresh(_ key: UInt64, _ known: FDBValue, _ tick: UInt32, in line: Int) -> Bool {
    guard isOneSpan(known.tick, tick), let slot = lines[line].slot(of: key) else { return false }
    lines[line].replace(known.bits, by: known.seen(at: tick).bits, in: slot)
    return true
  }

  /// A station was seen again where it was: without the lock, since nobody else is told.
  ///
  /// The writer may do anything at this moment. Where it has replaced the value, that stays.
  @inline(never)
  private func refresh(_ key: UInt64, _ known: FDBValue, _ tick: UInt32) {
    let bucket = bucket(key)
    var line = bucket
    for _ in 0..<Self.longestWalk {
      if let slot = lines[line].slot(of: key) {
        return lines[line].replace(known.bits, by: known.seen(at: tick).bits, in: slot)
      }
      line = Int(lines[line].next.load(ordering: .acquiring))
      if line == 0 { return }
    }
  }

  /// Forgets entries not seen since `deadline` (a tick), or in its span.
  ///
  /// - Parameters:
  ///   - port: the first list that may have old ones, here and for the next call.
  ///   - pieces: how many pieces it may take.
  /// - Returns: false if another thread held the lock before all were gone, or there are more.
  func age(before deadline: UInt32, from port: inout Int, pieces: Int) -> Bool {
    for _ in 0..<pieces {
      guard let isDone = writeIfFree({ state in agePiece(from: &port, before: deadline, &state) }) else { return false }
      if isDone { return true }
    }
    return false
  }

  /// All of them, as long as nobody else holds the lock.
  func age(before deadline: UInt32) -> Bool {
    var port = 0
    return age(before: deadline, from: &port, pieces: .max)
  }

  /// Forgets what a port was found to have, but static entries.
  ///
  /// - Parameter pieces: how many pieces it may take.
  /// - Returns: false if another thread held the lock before all were gone, or there are more.
  func flush(port: Int, pieces: Int = .max) -> Bool {
    for _ in 0..<pieces {
      guard let isDone = writeIfFree({ state in flushPiece(port: port, &state) }) else { return false }
      if isDone { return true }
    }
    return false
  }

  // The control side's part.

  /// Makes room for more port numbers, up to `capacity`.
  func coldReservePorts(_ capacity: Int) {
    coldWrite { state in state.reservePorts(capacity) }
  }

  /// Sets how many entries there may be, all and of one port; what is too many is forgotten, the oldest first.
  ///
  /// - Parameter limits: how many, `capacity` at most; asked with the lock held, so that of several callers the last one
  ///   has the last word.
  func coldSetLimits(_ limits: () -> (all: Int, ofPort: Int)) {
    let portCount = coldWrite { state in
      let limits = limits()
      storedLimit.store(min(limits.all, capacity), ordering: .relaxed)
      storedPortLimit.store(limits.ofPort, ordering: .relaxed)
      return state.lists.count
    }
    // The limits of the moment: another caller may have changed them.
    for port in 0..<portCount {
      while !coldWrite({ state in shrinkPiece(port: port, to: portLimit, &state) }) { coldRest() }
    }
    while !coldWrite({ state in shrinkPiece(port: nil, to: limit, &state) }) { coldRest() }
  }

  /// Sets how many seconds an entry keeps its place in its list while it is seen again and again, as a power of two.
  func setSpan(shift: UInt32) { storedSpanShift.store(shift, ordering: .relaxed) }

  /// Takes in a station that another table knew; nothing happens if it is known, or there is no room.
  ///
  /// Those of one port come in order, the one seen longest ago first.
  func coldRestore(_ key: UInt64, _ value: FDBValue) {
    coldWrite { state in
      guard count < limit, value.port < state.lists.count, state.lists[value.port].count < portLimit, find(key) == nil
      else { return }
      state.entriesInHold += 1
      insert(key, value, &state)
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
  func coldFlush(port: Int?, vlans: VLANSet?) { coldFlush(Selection(port: port, vlans: vlans)) }

  /// Entries that are meant; nil = any.
  struct Selection {
    var port: Int?
    var vlans: VLANSet?
    var isStatic = false
  }

  func coldFlush(_ selection: Selection) {
    let end = storedUsed.load(ordering: .acquiring)
    var index = 0
    while index < end {
      guard isMeant(index, selection) else {
        index += 1
        continue
      }
      index = coldWrite { state in flushPiece(from: index, to: min(index + Self.pieceCount, end), selection, &state) }
      coldRest()
    }
  }

  /// Leaves the lock to others for as long as it was held, or so: a worker tries only once a frame.
  private func coldRest() { for _ in 0..<Self.pieceCount { clinux_pause() } }

  // With the lock held.

  func writeIfFree<Result>(_ body: (inout Writer) -> Result) -> Result? {
    writer.withLockIfFree { state in counted(&state, body) }
  }

  func coldWrite<Result>(_ body: (inout Writer) -> Result) -> Result {
    writer.coldWithLock { state in counted(&state, body) }
  }

  @inline(__always)
  private func counted<Result>(_ state: inout Writer, _ body: (inout Writer) -> Result) -> Result {
    state.entriesInHold = 0
    let result = body(&state)
    if state.entriesInHold > longestHold { storedLongestHold.store(state.entriesInHold, ordering: .relaxed) }
    return result
  }

  func note(_ key: UInt64, port: Int, tick: UInt32, _ state: inout Writer) {
    guard port < state.lists.count else { return }
    state.entriesInHold += 1
    guard let spot = find(key) else {
      insert(key, FDBValue(port: port, isStatic: false, tick: tick), &state)
      return
    }
    let old = FDBValue(bits: lines[spot.line].value(spot.slot))
    guard !old.isStatic else { return }
    if old.port != port, state.lists[port].count >= portLimit {
      fill(port: port, &state)
      _ = evict(from: port, isOfPort: true, &state)
    }
    unlist(old.number, port: old.port, &state)
    list(old.number, port: port, &state)
    // Releasing, as every store of a value: see the comment of this type.
    let value = FDBValue(port: port, isStatic: false, tick: tick, number: old.number)
    lines[spot.line].store(value.bits, in: spot.slot)
    guard old.port != port else { return }
    tell(&state) { $0.moved(key, from: old.port, to: port) }
    storedMoveCount.store(moveCount &+ 1, ordering: .relaxed)
    raiseGeneration()
  }

  /// Takes in an entry that is not there; what has to make room for it is forgotten.
  func insert(_ key: UInt64, _ value: FDBValue, _ state: inout Writer) {
    if !value.isStatic, state.lists[value.port].count >= portLimit {
      fill(port: value.port, &state)
      guard evict(from: value.port, isOfPort: true, &state) else { return }
    } else if count >= limit {
      fill(port: nil, &state)
      guard let fullest = state.fullestPort, evict(from: fullest, isOfPort: false, &state) else { return }
    }
    guard let number = number(&state) else { return }
    let numbered = FDBValue(port: value.port, isStatic: value.isStatic, tick: value.tick, number: number)
    guard put(key, numbered, &state) else { return free(number, &state) }
    if value.isStatic {
      storedStaticCount.store(staticCount + 1, ordering: .relaxed)
    } else {
      list(number, port: value.port, &state)
    }
    storedCount.store(count + 1, ordering: .relaxed)
  }

  /// A number that no entry has.
  private func number(_ state: inout Writer) -> Int? {
    guard state.firstFree != 0 else {
      let used = storedUsed.load(ordering: .relaxed)
      guard used < capacity else { return nil }
      storedUsed.store(used + 1, ordering: .releasing)
      return used
    }
    let number = Int(state.firstFree) - 1
    state.firstFree = places[number].older.load(ordering: .relaxed)
    return number
  }

  private func free(_ number: Int, _ state: inout Writer) {
    places[number].older.store(state.firstFree, ordering: .relaxed)
    state.firstFree = UInt32(number + 1)
  }

  /// - Parameter port: the first list that may have old ones, here and for the next piece.
  private func agePiece(from port: inout Int, before deadline: UInt32, _ state: inout Writer) -> Bool {
    var left = Self.pieceCount
    let shift = storedSpanShift.load(ordering: .relaxed)
    while port < state.lists.count {
      var link = state.lists[port].oldest
      while link != 0 {
        let number = Int(link) - 1
        let value = value(number)
        guard value.tick >> shift < deadline >> shift else { break }
        link = places[number].newer.load(ordering: .relaxed)
        guard left > 0 else {
          raiseGeneration()
          return false
        }
        remove(number, &state)
        left -= 1
      }
      port += 1
    }
    if left < Self.pieceCount { raiseGeneration() }
    return true
  }

  private func flushPiece(port: Int, _ state: inout Writer) -> Bool {
    guard port < state.lists.count else { return true }
    // Whatever limit it has: of one that may have a single station there is no tenth.
    state.lists[port].isFull = false
    guard state.lists[port].oldest != 0 else { return true }
    var left = Self.pieceCount
    while state.lists[port].oldest != 0, left > 0 {
      remove(Int(state.lists[port].oldest) - 1, &state)
      left -= 1
    }
    raiseGeneration()
    return state.lists[port].oldest == 0
  }

  /// Evicts until a port, nil = the table, has no more than `limit`; false if there are more than a piece.
  private func shrinkPiece(port: Int?, to limit: Int, _ state: inout Writer) -> Bool {
    for _ in 0..<Self.pieceCount {
      guard (port.map { state.lists[$0].count } ?? count) > limit else {
        // Where it is more than before.
        makeRoom(port: port, &state)
        return true
      }
      guard let fullest = port ?? state.fullestPort, evict(from: fullest, isOfPort: port != nil, &state) else {
        return true
      }
    }
    return false
  }

  private func flushPiece(
    from start: Int, to end: Int, _ selection: Selection, _ state: inout Writer
  ) -> Int {
    var index = start
    while index < end {
      if isMeant(index, selection) { remove(index, &state) } else { state.entriesInHold += 1 }
      index += 1
    }
    raiseGeneration()
    return end
  }

  /// Of a piece that the lock is held for, or a guess without it.
  private func isMeant(_ number: Int, _ selection: Selection) -> Bool {
    guard let (key, value) = read(number), selection.vlans?.contains(Int(key >> 48)) ?? true else { return false }
    return value.isStatic == selection.isStatic && (selection.port == nil || value.port == selection.port)
  }

  /// After the change, releasing: see `generation`.
  func raiseGeneration() {
    storedGeneration.store(storedGeneration.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }

  /// Takes an entry out; who calls this raises the generation afterwards.
  func remove(_ number: Int, _ state: inout Writer) {
    state.entriesInHold += 1
    let value = value(number)
    if value.isStatic {
      storedStaticCount.store(staticCount - 1, ordering: .relaxed)
    } else {
      unlist(number, port: value.port, &state)
    }
    take(number, &state)
    free(number, &state)
    storedCount.store(count - 1, ordering: .relaxed)
    if state.isFull { makeRoom(port: nil, &state) }
  }

  /// Puts an entry at the newest end of a port's list.
  private func list(_ number: Int, port: Int, _ state: inout Writer) {
    let newest = state.lists[port].newest
    places[number].older.store(newest, ordering: .relaxed)
    places[number].newer.store(0, ordering: .relaxed)
    if newest != 0 { places[Int(newest) - 1].newer.store(UInt32(number + 1), ordering: .relaxed) }
    state.lists[port].newest = UInt32(number + 1)
    if state.lists[port].oldest == 0 { state.lists[port].oldest = UInt32(number + 1) }
    state.change(port, by: 1)
  }

  func unlist(_ number: Int, port: Int, _ state: inout Writer) {
    let older = places[number].older.load(ordering: .relaxed)
    let newer = places[number].newer.load(ordering: .relaxed)
    if older != 0 {
      places[Int(older) - 1].newer.store(newer, ordering: .relaxed)
    } else {
      state.lists[port].oldest = newer
    }
    if newer != 0 {
      places[Int(newer) - 1].older.store(older, ordering: .relaxed)
    } else {
      state.lists[port].newest = older
    }
    state.change(port, by: -1)
    if state.lists[port].isFull { makeRoom(port: port, &state) }
  }

  /// The oldest entry of a port that was learnt makes room; false if there is none.
  ///
  /// - Parameter isOfPort: the port has as many as it may; otherwise the table is full.
  private func evict(from port: Int, isOfPort: Bool, _ state: inout Writer) -> Bool {
    guard state.lists[port].oldest != 0 else { return false }
    storedEvictionCount.store(evictionCount &+ 1, ordering: .relaxed)
    let number = Int(state.lists[port].oldest) - 1
    let (line, slot) = FDBPlace.spot(places[number].position.load(ordering: .relaxed))
    let key = lines[line].key(slot)
    tell(&state) { $0.evicted(key, from: port, isOfPort: isOfPort) }
    remove(number, &state)
    raiseGeneration()
    return true
  }
}
