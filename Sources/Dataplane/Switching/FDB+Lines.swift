import Synchronization

/// Where entries lie: buckets, the lines behind them, and the growth of the table. With the lock held.
extension FDB {
  /// A slot of a line.
  struct Spot {
    var line: Int
    var slot: Int
  }

  /// Buckets that are split while one entry is put in: more than it asks for, where the table is behind.
  private static let splitsAtOnce = 2

  func bucket(_ key: UInt64) -> Int { Self.bucket(hash(key), shape) }

  func find(_ key: UInt64) -> Spot? {
    var line = bucket(key)
    while true {
      if let slot = lines[line].slot(of: key) { return Spot(line: line, slot: slot) }
      line = Int(lines[line].next.load(ordering: .relaxed))
      if line == 0 { return nil }
    }
  }

  /// Where the entry of a number is.
  func spot(_ number: Int) -> Spot {
    let (line, slot) = FDBPlace.spot(places[number].position.load(ordering: .relaxed))
    return Spot(line: line, slot: slot)
  }

  func value(_ number: Int) -> FDBValue {
    let spot = spot(number)
    return FDBValue(bits: lines[spot.line].value(spot.slot))
  }

  /// Has readers of a bucket know that what they find may not belong together.
  private func beginChange(_ bucket: Int) {
    let version = lines[bucket].version.load(ordering: .relaxed)
    lines[bucket].version.store(version &+ 1, ordering: .relaxed)
  }

  private func endChange(_ bucket: Int) {
    let version = lines[bucket].version.load(ordering: .relaxed)
    lines[bucket].version.store(version &+ 1, ordering: .releasing)
  }

  /// Puts an entry into its bucket, and grows the table for it if need be; false if there is no line left.
  func put(_ key: UInt64, _ value: FDBValue, _ state: inout Writer) -> Bool {
    grow(&state)
    let bucket = bucket(key)
    beginChange(bucket)
    defer { endChange(bucket) }
    return put(key, value, into: bucket, &state)
  }

  private func put(_ key: UInt64, _ value: FDBValue, into bucket: Int, _ state: inout Writer) -> Bool {
    guard let spot = freeSpot(bucket, &state) else { return false }
    lines[spot.line].store(key, value.bits, in: spot.slot)
    places[value.number].position.store(FDBPlace.position(spot.line, spot.slot), ordering: .releasing)
    return true
  }

  /// Takes the entry of a number out of its bucket.
  func take(_ number: Int, _ state: inout Writer) {
    let spot = spot(number)
    let bucket = bucket(lines[spot.line].key(spot.slot))
    beginChange(bucket)
    clear(spot, in: bucket, &state)
    endChange(bucket)
    places[number].position.store(0, ordering: .releasing)
  }

  private func clear(_ spot: Spot, in bucket: Int, _ state: inout Writer) {
    lines[spot.line].store(0, 0, in: spot.slot)
    if spot.line != bucket, lines[spot.line].isEmpty { dropLine(spot.line, from: bucket, &state) }
  }

  /// A free slot of a bucket, in a new line if all are taken.
  private func freeSpot(_ bucket: Int, _ state: inout Writer) -> Spot? {
    var line = bucket
    while true {
      if let slot = lines[line].slot(of: 0) { return Spot(line: line, slot: slot) }
      let next = Int(lines[line].next.load(ordering: .relaxed))
      if next == 0 { break }
      line = next
    }
    guard let added = takeLine(&state) else { return nil }
    lines[line].next.store(UInt32(added), ordering: .releasing)
    return Spot(line: added, slot: 0)
  }

  /// An empty line that no bucket has.
  private func takeLine(_ state: inout Writer) -> Int? {
    if state.firstFreeLine != 0 {
      let line = Int(state.firstFreeLine)
      state.firstFreeLine = lines[line].next.load(ordering: .relaxed)
      lines[line].next.store(0, ordering: .releasing)
      return line
    }
    guard bucketCapacity + state.usedLines < lines.count else { return nil }
    state.usedLines += 1
    return bucketCapacity + state.usedLines - 1
  }

  private func dropLine(_ line: Int, from bucket: Int, _ state: inout Writer) {
    var before = bucket
    while true {
      let next = Int(lines[before].next.load(ordering: .relaxed))
      guard next != 0 else { return }
      if next == line { break }
      before = next
    }
    lines[before].next.store(lines[line].next.load(ordering: .relaxed), ordering: .releasing)
    // A reader that stands here goes on among free lines, finds no key, and sees that the bucket has changed.
    lines[line].next.store(state.firstFreeLine, ordering: .releasing)
    state.firstFreeLine = UInt32(line)
  }

  // Growth.

  private func grow(_ state: inout Writer) {
    for _ in 0..<Self.splitsAtOnce {
      let buckets = Int(shape & 0xFFFF_FFFF)
      guard count >= 2 * buckets, buckets < bucketCapacity else { return }
      split(into: buckets, &state)
    }
  }

  /// Makes one bucket more, out of half of what another one has.
  private func split(into target: Int, _ state: inout Writer) {
    let grown = Self.shape(target + 1)
    let source = target & Int(grown >> 33)
    beginChange(source)
    beginChange(target)
    var moved = 0
    var line = source
    // Its chain may lose lines behind it, and does not change before it.
    while true {
      for slot in 0..<FDBLine.slotCount {
        let key = lines[line].key(slot)
        guard key != 0 else { continue }
        state.entriesInHold += 1
        guard Self.bucket(hash(key), grown) == target else { continue }
        let value = FDBValue(bits: lines[line].value(slot))
        // Where there is no line left it stays, and is not found: it is forgotten in time.
        guard put(key, value, into: target, &state) else { continue }
        lines[line].store(0, 0, in: slot)
        moved += 1
      }
      let next = Int(lines[line].next.load(ordering: .relaxed))
      if next == 0 { break }
      line = next
    }
    storedShape.store(grown, ordering: .releasing)
    if moved > 0 { dropEmptyLines(of: source, &state) }
    endChange(target)
    endChange(source)
  }

  private func dropEmptyLines(of bucket: Int, _ state: inout Writer) {
    var line = Int(lines[bucket].next.load(ordering: .relaxed))
    while line != 0 {
      let next = Int(lines[line].next.load(ordering: .relaxed))
      if lines[line].isEmpty { dropLine(line, from: bucket, &state) }
      line = next
    }
  }
}
