import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// What outlives a ring whose back-end dies, at each point at which it can: the next one takes what was in hand again, all
/// of it and nothing else.
@Suite struct InflightRingTests {
  /// A region for one ring, and the ring's part of it.
  private struct Kept {
    let file: Descriptor
    let map: InflightMap
    let record: InflightRecord

    init(size: Int) throws {
      let isPacked = RingFormat.current == .packed
      let bytes = UInt64(InflightLayout(isPacked: isPacked).stride(entries: size))
      file = try Descriptor.sealedMemoryFile(size: bytes)
      map = try InflightMap(
        InflightRegion(size: bytes, fileOffset: 0, ringCount: 1, ringSize: size, descriptor: file))
      record = try #require(map.record(ring: 0, size: size, isPacked: isPacked).record)
    }

    /// Writes what a front-end may write at any time.
    func write<Word: FixedWidthInteger>(_ word: Word, at offset: Int) {
      withUnsafeBytes(of: word.littleEndian) { _ = pwrite(file.raw, $0.baseAddress, $0.count, off_t(offset)) }
    }

    var bytes: [UInt8] { (try? file.read(at: 0, count: Int(file.fileSize ?? 0))) ?? [] }
  }

  private func ring(_ kept: Kept, size: Int, after first: UInt16 = 0) throws -> any RingSubject {
    var traits = RingTraits(hasIndirect: true)
    traits.inflight = kept.record
    return try RingFormat.current.ring(size: size, after: first, traits: traits)
  }

  /// A driver's chains that the device has, and how many of them it has taken and not shown as used.
  private struct Model {
    var waiting: [(id: UInt16, size: Int)] = []
    var taken = 0
    /// Shown as used, oldest first.
    var used: [UInt16] = []

    mutating func publish() {
      used += waiting.prefix(taken).map(\.id)
      waiting.removeFirst(taken)
      taken = 0
    }
  }

  /// The points of a packed ring's publication at which a back-end can die; of a split one's there are none between.
  private enum Point: CaseIterable { case beforePublishing, noted, shown, done }

  private func add(_ ring: any RingSubject, _ model: inout Model, _ random: inout SeededRandom) throws {
    for _ in 0..<Int(random.next() % 6) {
      let count = 1 + Int(random.next() % 3)
      guard ring.driver.freeCount >= count else { break }
      let lengths = (0..<count).map { _ in 20 + Int(random.next() % 50) }
      let isIndirect = random.next() % 5 == 0
      let id = try ring.driver.add(lengths.map { ring.buffer($0) }, isIndirect: isIndirect)
      model.waiting.append((id, lengths.reduce(0, +)))
    }
    ring.driver.publish()
  }

  /// Takes some of what is there, together where it is plain, or one by one.
  private func take(_ ring: any RingSubject, _ model: inout Model, _ random: inout SeededRandom) {
    let wanted = Int(random.next() % UInt64(model.waiting.count - model.taken + 1))
    let burst = Burst()
    while burst.count < wanted {
      let before = burst.count
      if random.next() % 2 == 0 {
        ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: wanted)
      }
      guard burst.count < wanted else { break }
      guard case .chain(let chain, _) = ring.walk(.read, from: 0) else { return }
      ring.complete(chain, written: 0)
      burst.count += 1
      #expect(burst.count > before)
    }
    model.taken += burst.count
  }

  /// Publishes up to a point, and dies there.
  private func die(_ ring: any RingSubject, _ kept: Kept, _ model: inout Model, at point: Point) {
    let position = ring.position
    let old = PackedPosition(word: UInt16(truncatingIfNeeded: position >> 16))
    let new = PackedPosition(word: UInt16(truncatingIfNeeded: position))
    let isPacked = RingFormat.current == .packed
    switch point {
    case .beforePublishing: break
    case .noted: if isPacked, model.taken > 0 { kept.record.note(old: old, new: new) }
    case .shown, .done:
      let isShowing = isPacked && model.taken > 0
      ring.publish()
      model.publish()
      if isShowing, point == .shown { kept.record.note(old: old, new: new) }
    }
    model.taken = 0
  }

  /// Drivers of any chains, a device that takes some of them, and dies anywhere: what was shown comes back once, in order,
  /// and the rest is there again, whatever the front-end believes.
  @Test(.everyRingFormat, arguments: [1, 2, 3, 5, 8, 64], 0..<6)
  func nothingIsLostOrUsedTwice(size: Int, seed: Int) throws {
    guard RingFormat.current == .packed || size & (size - 1) == 0 else { return }
    var random = SeededRandom(seed: UInt64(seed * 1000 + size))
    let kept = try Kept(size: size)
    let ring = try ring(kept, size: size, after: UInt16(random.next() % 40))
    var model = Model()
    for turn in 0..<300 {
      try add(ring, &model, &random)
      take(ring, &model, &random)
      switch random.next() % 3 {
      case 0: break
      case 1:
        ring.publish()
        model.publish()
      default:
        let point = try #require(Point.allCases.randomElement(using: &random))
        die(ring, kept, &model, at: point)
        let believed = random.next() % 2 == 0 ? ring.driver.base : UInt32(random.next() % UInt64(size)) * 0x1_0001
        ring.restart(at: believed, isDoubtful: true)
        let walk = ring.walkAll(.read, from: 0)
        try #require(
          walk.sizes == model.waiting.map(\.size) && walk.chains.map(\.id) == model.waiting.map(\.id),
          "turn \(turn), died \(point): \(walk.sizes), expected \(model.waiting)")
      }
      let got = try ring.driver.collect(atMost: Int(random.next() % 5)).map(\.id)
      #expect(got == Array(model.used.prefix(got.count)))
      model.used.removeFirst(got.count)
    }
    #expect(try ring.driver.collect().map(\.id) == model.used)
  }

  /// Where nobody died, a front-end's word of where the ring was stopped is what counts.
  @Test(.everyRingFormat) func aPositionOfOursIsBelieved() throws {
    let kept = try Kept(size: 8)
    let ring = try ring(kept, size: 8)
    try ring.offer([60, 60, 60])
    ring.use(2)
    ring.publish()
    let position = ring.position
    ring.use(1)
    ring.restart(at: position)
    #expect(ring.position == position)
  }

  /// The guest started anew while nobody was there: what was kept is of a ring that is no more.
  @Test(.everyRingFormat, arguments: [1, 2, 3, 8, 64], 0..<20)
  func aRingThatBeganAnewIsNotTakenForTheOldOne(size: Int, seed: Int) throws {
    guard RingFormat.current == .packed || size & (size - 1) == 0 else { return }
    var random = SeededRandom(seed: UInt64(seed * 1000 + size))
    let kept = try Kept(size: size)
    let ring = try ring(kept, size: size, after: UInt16(random.next() % 40))
    var model = Model()
    for _ in 0..<Int(random.next() % 40) {
      try add(ring, &model, &random)
      take(ring, &model, &random)
      ring.publish()
      model.publish()
      _ = try ring.driver.collect()
    }
    take(ring, &model, &random)
    ring.driver.reset()
    let count = [0, size / 2, size].randomElement(using: &random) ?? 0
    let ids = try ring.offer((0..<count).map { 20 + $0 })
    ring.restart(at: ring.driver.startBase, isDoubtful: true)
    #expect(ring.position == ring.driver.startBase)
    #expect(ring.walkAll(.read, from: 0).chains.map(\.id) == ids)
  }

  /// Whatever a front-end writes there: nothing outside is touched, and the ring stands somewhere in itself.
  @Test(.everyRingFormat, arguments: 0..<40) func liesCostTheRingAlone(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let kept = try Kept(size: 8)
    let ring = try ring(kept, size: 8, after: UInt16(random.next() % 40))
    let ids = try ring.offer([60, 61, 62, 63])
    ring.use(2)
    for offset in stride(from: 0, to: kept.bytes.count, by: 2) where random.next() % 2 == 0 {
      kept.write(UInt16(truncatingIfNeeded: random.next() >> (random.next() % 48)), at: offset)
    }
    kept.write(UInt16(random.next() % 2), at: 8)
    ring.restart(at: UInt32(random.next() % 8) * 0x1_0001, isDoubtful: true)
    #expect(ring.position & 0x7FFF < 8 || RingFormat.current == .split)
    ring.use(4)
    ring.publish()
    _ = try? ring.driver.collect()
    withExtendedLifetime(ids) {}
  }

  @Test(.everyRingFormat) func aPartThatIsNotUnderstoodIsAFault() throws {
    let kept = try Kept(size: 8)
    let isPacked = RingFormat.current == .packed
    kept.write(UInt16(2), at: 8)
    let bad = kept.map.record(ring: 0, size: 8, isPacked: isPacked)
    #expect(bad.record == nil && bad.fault?.description == "inflight region of version 2, expected at most 1")
    kept.write(UInt16(1), at: 8)
    let large = kept.map.record(ring: 0, size: 9, isPacked: isPacked)
    #expect(large.record == nil)
    #expect(large.fault?.description == "9 entries, but the inflight region has room for rings of 8")
    let other = kept.map.record(ring: 1, size: 8, isPacked: isPacked)
    #expect(other.record == nil && other.fault == nil, "a ring that has no part")
    if !isPacked {
      // Acknowledged after the region came.
      #expect(kept.map.record(ring: 0, size: 8, isPacked: true).record == nil)
    }
  }

  /// Another back-end uses chains in any order, and marks those that it has in hand: they go back to the driver empty.
  @Test func whatAnotherBackEndHadInHandGoesBack() throws {
    let kept = try Kept(size: 8)
    let ring = try ring(kept, size: 8)
    let ids = try ring.offer([60, 61, 62, 63, 64])
    // Of the first three the second was used; its mark was not taken off in time.
    let driver = ring.driver.split
    driver.memory.store(UInt32(ids[1]), at: driver.usedRing + 4)
    driver.usedIndex = 1
    for (place, count) in [(Int(ids[2]), 3), (Int(ids[0]), 1), (Int(ids[1]), 2)] as [(Int, UInt64)] {
      kept.write(UInt8(1), at: 16 + 16 * place)
      kept.write(count, at: 16 + 16 * place + 8)
    }
    kept.write(ids[1], at: 12)
    kept.write(UInt16(0), at: 14)
    ring.restart(at: 5, isDoubtful: true)
    #expect(try driver.collect().map(\.id) == [ids[1], ids[0], ids[2]])
    #expect(ring.walkAll(.read, from: 0).sizes == [63, 64])
    #expect((0..<8).allSatisfy { kept.bytes[16 + 16 * $0] == 0 })
  }

  /// Marks that cannot be: of a guest that has started anew, or lies.
  @Test(
    arguments: [
      // Used so much since that the marks are of another time; a batch that leads out of the ring, or goes round.
      [(14, 0x8000)], [(14, 0xFFFF), (12, 8)], [(14, 0xFFFE), (12, 3), (16 + 16 * 3 + 6, 0xFFFF)],
      [(14, 0xFFFA), (12, 3), (16 + 16 * 3 + 6, 3)],
    ])
  func marksThatCannotBeAreDropped(words: [(Int, Int)]) throws {
    let kept = try Kept(size: 8)
    let ring = try ring(kept, size: 8)
    let ids = try ring.offer([60, 61, 62])
    for place in 0..<8 { kept.write(UInt8(1), at: 16 + 16 * place) }
    for (offset, word) in words { kept.write(UInt16(word), at: offset) }
    ring.restart(at: 3, isDoubtful: true)
    #expect(ring.driver.usedCount == 0)
    #expect(ring.walkAll(.read, from: 0).chains.map(\.id) == ids)
    #expect((0..<8).allSatisfy { kept.bytes[16 + 16 * $0] == 0 })
  }
}
