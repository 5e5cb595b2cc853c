/// The loops of a packed ring over frames that are plain; what ends them is looked at alone, by the queue.
///
/// Each is a function of its own without a call in it, so that all it needs stays in registers, and goes as far as the
/// ring's last place at most: the first of the next lap is looked at alone. Unsafe code. Invariants as in
/// PackedRing.swift and PlainFrames.swift; a descriptor's second word is loaded once, says whose it is together with
/// what it says, and is written over only after its buffer.
extension PackedRing {
  /// Descriptors are all there is; they are read here, and written further on.
  @inline(__always)
  func prefetchEntries(_ count: Int) { words.prefetch(from: next.place, count: count) }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) { words.prefetchToWrite(from: next.place, count: count) }

  /// Places from the next to the ring's last, if chains are said to be used where they were taken, `limit` at most;
  /// otherwise none.
  @inline(__always)
  private func straight(_ limit: Int) -> Int { next == nextUsed ? min(limit, size &- next.place) : 0 }

  @inline(__always)
  mutating func gatherPlain(into burst: borrowing Burst, region: GuestRegion, headerSize: Int, wanted: Int) {
    var wanted = wanted
    if let record = traits.inflight { wanted = burst.count &+ keep(wanted &- burst.count, record) }
    gatherLoop(into: burst, region: region, headerSize: headerSize, wanted: wanted)
  }

  /// Keeps what the next `count` descriptors say, for whoever goes on here, up to the first that is not available: what
  /// the driver still writes is not worth keeping.
  ///
  /// - Returns: how many there are, of this lap: no more of them may be written over.
  @inline(never)
  private mutating func keep(_ count: Int, _ record: InflightRecord) -> Int {
    let words = words
    let position = next
    let limit = straight(count)
    var kept = 0
    while kept < limit {
      let (_, rest) = words.descriptor(position.place &+ kept)
      guard UInt16(truncatingIfNeeded: rest >> 48) & PackedPosition.lapFlags == position.availableFlags else { break }
      record.keep(rest, of: position.place &+ kept)
      kept &+= 1
    }
    return kept
  }

  @inline(never)
  private mutating func gatherLoop(into burst: borrowing Burst, region: GuestRegion, headerSize: Int, wanted: Int) {
    let words = words
    let first = burst.count
    let frames = unsafe burst.frames.base + first
    let finder = PlainBuffers(region)
    guard finder.largest >= UInt64(truncatingIfNeeded: headerSize) else { return }
    let largest = finder.largestFrame(behind: headerSize)
    let position = next
    let limit = straight(wanted &- first)
    var mustHold = !isHolding
    var count = 0
    while count < limit {
      let (address, rest) = words.descriptor(position.place &+ count)
      let size = UInt64(UInt32(truncatingIfNeeded: rest)) &- UInt64(truncatingIfNeeded: headerSize)
      // Available, and no flag set: the whole frame and its header in one readable buffer.
      guard UInt16(truncatingIfNeeded: rest >> 48) == position.availableFlags, size <= largest,
        let source = unsafe finder.find(address, size: size, behind: headerSize)
      else { break }
      unsafe PlainFrames.prefetch(source - headerSize, Int(truncatingIfNeeded: size) &+ headerSize)
      // SAFETY: first + count < wanted <= Burst.capacity.
      unsafe frames[count] = Frame(direct: UnsafeRawPointer(source), size: Int(truncatingIfNeeded: size))
      let used = PackedWords.used(id: UInt16(truncatingIfNeeded: rest >> 32), written: 0, at: position)
      if mustHold { hold(used) } else { words.store(used, at: position.place &+ count) }
      mustHold = false
      count &+= 1
    }
    finish(count)
    burst.count = first &+ count
  }

  /// Goes on behind chains of one descriptor that were taken, and said to be used, in a straight run.
  @inline(__always)
  private mutating func finish(_ count: Int) {
    guard count > 0 else { return }
    next = next.advanced(by: count, in: size)
    nextUsed = next
  }

  /// First pass of a delivery: buffers, so that the misses on their memory overlap.
  @inline(never)
  mutating func findPlaces(
    _ plain: PlainFrames, _ count: Int, in window: PackedWindow, region: GuestRegion, largest: Int
  ) -> Int {
    let words = words
    let finder = PlainBuffers(region)
    let position = next
    let limit = straight(count)
    let wanted = position.availableFlags | ChainPieces.DescriptorFlags.write
    var found = 0
    while found < limit {
      guard let size = plain.size(found, atMost: largest) else { break }
      let (address, rest) = words.descriptor(position.place &+ found)
      let room = UInt64(UInt32(truncatingIfNeeded: rest))
      guard UInt16(truncatingIfNeeded: rest >> 48) == wanted, room <= finder.largest,
        room >= UInt64(truncatingIfNeeded: size &+ PlainFrames.headerSize),
        let base = unsafe finder.find(address, size: room)
      else { break }
      unsafe plain.note(found, base, id: UInt16(truncatingIfNeeded: rest >> 32))
      found &+= 1
    }
    return found
  }

  @inline(__always)
  mutating func fillPlaces(_ plain: PlainFrames, _ count: Int) -> Int {
    // All were found available.
    if let record = traits.inflight { _ = keep(count, record) }
    return fillLoop(plain, count)
  }

  /// Second pass: the copy, and used descriptors.
  @inline(never)
  private mutating func fillLoop(_ plain: PlainFrames, _ count: Int) -> Int {
    let words = words
    let position = next
    var mustHold = !isHolding
    var (done, bytes) = (0, 0)
    while done < count {
      let size = plain.fill(done)
      let used = unsafe PackedWords.used(
        id: plain.places[done].id, written: UInt32(truncatingIfNeeded: size &+ PlainFrames.headerSize), at: position)
      if mustHold { hold(used) } else { words.store(used, at: position.place &+ done) }
      mustHold = false
      bytes &+= size
      done &+= 1
    }
    finish(count)
    return bytes
  }
}
