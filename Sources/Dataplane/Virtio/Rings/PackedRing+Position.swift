/// Finding out where a packed ring stands whose front-end does not know.
///
/// A back-end that ended without a word has taken the position with it: no word in guest memory says it, and QEMU 7.2
/// gives the next back-end the one of the last stop. But the USED flag of a descriptor is the wrap counter of the lap in
/// which the device used it last, whatever the driver has done with it since (VIRTIO 1.2 section 2.8.1): those before the
/// position have one value, those from it on the other. Of a chain of several descriptors only the first is written over,
/// so such rings may look otherwise; then what the front-end says stands.
extension PackedRing {
  /// Corrects the position that a front-end gave for a ring that another back-end may have served since, if it cannot be.
  mutating func correctPosition() {
    guard !isNextPlausible, let found = foundPosition() else { return }
    if let held = found.held {
      // Nobody knows what was done with this one: it goes back to the driver with nothing in it.
      let (_, rest) = words.descriptor(held.place)
      words.show(
        PackedWords.used(id: UInt16(truncatingIfNeeded: rest >> 32), written: 0, at: held), at: held.place)
    }
    next = found.next
  }

  /// Finds where another back-end that kept a record has come to, and undoes what it had begun to write behind that.
  ///
  /// - Parameter said: the position by the front-end's word.
  /// - Returns: nil if the record says nothing, or what cannot be: the guest has started anew since.
  mutating func recoveredPosition(from record: InflightRecord, said: PackedPosition) -> PackedPosition? {
    guard record.isBegun else { return nil }
    let noted = record.positions
    guard noted.old.place < size, noted.new.place < size else { return nil }
    // The first descriptor of a burst shows all of it.
    let found = noted.old != noted.new && wasUsed(noted.old) ? noted.new : noted.old
    guard isEnd(ofUsed: found, beginsAnew: said == .beginning && !found.isInOtherLap(than: said)) else { return nil }
    guard noted.isOurs else { return found }
    for step in 1..<max(size, 1) {
      let position = found.advanced(by: step, in: size)
      // Only who died can have written it: the driver has not been shown the first one.
      if isUsed(position) { words.store(record.kept(of: position.place), at: position.place) }
    }
    return found
  }

  /// The device may have come so far: what lies before was used in its lap, and what lies there was not.
  ///
  /// If the driver has made nothing available there, it has not come further either, so that the one before is as the
  /// device wrote it; otherwise it may be available again, or in a full ring be the last of those that were written over.
  /// - Parameter beginsAnew: the front-end says that this is the ring's first lap, of which nothing lies behind its end.
  private func isEnd(ofUsed next: PackedPosition, beginsAnew: Bool) -> Bool {
    guard !isUsed(next) else { return false }
    let isIdle = !isAvailable(at: next, in: PackedWindow())
    var position = next
    var isLast = true
    for _ in 0..<size {
      position = position.before(in: size)
      let isBehindUsed =
        isIdle ? isUsed(position) : wasUsed(position) || isUsed(position.advanced(by: size, in: size))
      if isBehindUsed {
        // A chain that was used had a buffer; a ring that has begun anew has zeros there.
        return isLast
          || words.descriptor(position.place).address != 0 && !(beginsAnew && position.isInOtherLap(than: next))
      }
      let flags = words.flags(at: position.place)
      // In the rest of a chain all go on but the last.
      let goesOn = flags & ChainPieces.DescriptorFlags.next != 0
      guard flags & PackedPosition.lapFlags == position.availableFlags, goesOn != isLast else { return false }
      isLast = false
    }
    return false
  }

  /// The USED flag is that of the position's lap: so it is from the moment that the device uses a descriptor, whatever
  /// the driver does with it, until the device uses it in the next lap.
  private func wasUsed(_ position: PackedPosition) -> Bool {
    words.flags(at: position.place) & 0x8000 == position.usedFlags & 0x8000
  }

  /// The next descriptor was not used in its lap, nor the one behind, and the one before was, or is the rest of a chain
  /// that was.
  private var isNextPlausible: Bool {
    let behind = next.advanced(by: 1, in: size)
    guard !isUsed(next), size == 1 || !isUsed(behind) else { return false }
    var position = next
    var isLast = true
    for _ in 0..<size {
      position = position.before(in: size)
      if isUsed(position) { return true }
      let flags = words.flags(at: position.place)
      // In the rest of a chain all go on but the last.
      let goesOn = flags & ChainPieces.DescriptorFlags.next != 0
      guard flags & PackedPosition.lapFlags == position.availableFlags, goesOn != isLast else { return false }
      isLast = false
    }
    return false
  }

  private func isUsed(_ position: PackedPosition) -> Bool {
    words.flags(at: position.place) & PackedPosition.lapFlags == position.usedFlags
  }

  /// Descriptors in a row that the device used last in the same lap.
  private struct Run {
    var start: Int
    var count = 1
    /// The lap's wrap counter is 1.
    var isWrapOne: Bool
  }

  /// A ring of which all was in one burst when its back-end ended looks like another.
  ///
  /// - Returns: the position, and that of a used descriptor which was held back (`PackedRing.hold`) when the back-end
  ///   ended, while those behind it were written; nil if it cannot be told.
  private func foundPosition() -> (next: PackedPosition, held: PackedPosition?)? {
    var runs: [Run] = []
    for place in 0..<size {
      let isWrapOne = words.flags(at: place) & 0x8000 != 0
      if runs.last?.isWrapOne == isWrapOne {
        runs[runs.count - 1].count += 1
      } else {
        guard runs.count < 4 else { return nil }
        runs.append(Run(start: place, isWrapOne: isWrapOne))
      }
    }
    if let next = position(of: runs) { return (next, nil) }
    var best: (next: PackedPosition, held: PackedPosition, distance: Int)?
    for (index, run) in runs.enumerated() where run.count == 1 {
      let held = PackedPosition(place: run.start, isWrapOne: !run.isWrapOne)
      guard let next = position(of: mended(runs, at: index)) else { continue }
      let distance = next.distance(from: held, in: size)
      guard (2...Burst.capacity).contains(distance), distance < best?.distance ?? .max,
        words.flags(at: held.place) & PackedPosition.lapFlags == held.availableFlags
      else { continue }
      best = (next, held, distance)
    }
    return best.map { ($0.next, $0.held) }
  }

  /// Where all before were used in one lap, and all from it on in the one before; nil if there is no such place.
  private func position(of runs: [Run]) -> PackedPosition? {
    switch runs.count {
    case 1: PackedPosition(place: 0, isWrapOne: !runs[0].isWrapOne)
    case 2: PackedPosition(place: runs[0].count, isWrapOne: runs[0].isWrapOne)
    default: nil
    }
  }

  /// The runs as if the only descriptor of one of them had been used in the other lap.
  private func mended(_ runs: [Run], at index: Int) -> [Run] {
    var mended: [Run] = []
    for (number, run) in runs.enumerated() {
      let isWrapOne = number == index ? !run.isWrapOne : run.isWrapOne
      if mended.last?.isWrapOne == isWrapOne {
        mended[mended.count - 1].count += run.count
      } else {
        mended.append(Run(start: run.start, count: run.count, isWrapOne: isWrapOne))
      }
    }
    return mended
  }
}
