import GuestKit
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// What only a packed ring has: laps, used descriptors over available ones, chains that lie one behind the other.
@Suite struct PackedRingTests {
  private func ring(
    size: Int = 8, after first: UInt16 = 0, hasEventIndex: Bool = false
  ) throws -> any RingSubject {
    try RingFormat.packed.ring(
      size: size, after: first, traits: RingTraits(hasEventIndex: hasEventIndex, hasIndirect: true))
  }

  /// A position in the form of the message: place and wrap counter, twice.
  private func base(_ available: (Int, Int), _ used: (Int, Int)) -> UInt32 {
    UInt32(available.0 | available.1 << 15) | UInt32(used.0 | used.1 << 15) << 16
  }

  @Test(arguments: [1, 2, 3, 7, 8, 32_768]) func thePositionIsTwoPlacesWithTheirLaps(size: Int) throws {
    let ring = try ring(size: size)
    #expect(ring.position == 0x8000_8000)
    for used in 1...min(3 * size, 25) {
      try ring.offer([60])
      ring.use(1)
      ring.publish()
      let place = (used % size, used / size % 2 == 0 ? 1 : 0)
      #expect(ring.position == base(place, place))
      #expect(try ring.driver.collect().count == 1)
      #expect(!ring.hasAvailable)
    }
  }

  /// What is taken and not published is not used yet.
  @Test func theUsedHalfIsWhatTheDriverSees() throws {
    let ring = try ring()
    try ring.offer([60, 60, 60])
    ring.use(2)
    #expect(ring.position == base((2, 1), (0, 1)))
    #expect(ring.indices == [3, 2, 0])
    ring.publish()
    #expect(ring.position == base((2, 1), (2, 1)))
    #expect(ring.indices == [3, 2, 2])
  }

  /// A full ring and an empty one differ by their laps, in numbers for people too.
  @Test func indicesCountThroughTwoLaps() throws {
    let ring = try ring(size: 5, after: 3)
    #expect(ring.indices == [3, 3, 3])
    try ring.offer([60, 60, 60, 60, 60])
    #expect(ring.indices == [8, 3, 3])
    ring.use(3)
    ring.publish()
    #expect(ring.indices == [8, 6, 6])
    _ = try ring.driver.collect()
    try ring.offer([60, 60, 60])
    #expect(ring.indices == [1, 6, 6])
  }

  /// A used half that nobody said, or that cannot be: the available one stands for both, since chains are used in order.
  ///
  /// DPDK leaves it 0, as a front-end at a first start and as the back-end that a guest comes from.
  @Test(
    arguments: [0, 0x8000, 0x0002, 0x8002, 0x8007, 0x7FFF, 0xFFFF, 0x0005] as [UInt16], [3, 8 + 3, 16 + 3] as [UInt16])
  func aUsedHalfThatCannotBeIsNotBelieved(used: UInt16, first: UInt16) throws {
    let ring = try ring(after: first)
    // Full, so that descriptors of two laps are there.
    try ring.offer(Array(repeating: 60, count: 8))
    ring.restart(at: ring.position & 0xFFFF | UInt32(used) << 16)
    ring.use(2)
    ring.publish()
    #expect(try ring.driver.collect().count == 2)
    #expect(ring.position == ring.driver.startBase.advanced(by: 2, in: 8))
  }

  /// Chains that another device took and did not use stay with it; what is used from now on goes where the driver looks.
  @Test(arguments: [0, 4, 6, 7, 12, 14] as [UInt16]) func aUsedHalfThatLagsIsBelieved(first: UInt16) throws {
    let ring = try ring(after: first)
    let ids = try ring.offer([60, 61, 62, 63, 64])
    let start = ring.position & 0xFFFF
    let later = start.advanced(by: 2, in: 8) & 0xFFFF
    ring.restart(at: start << 16 | later)
    #expect(ring.position == start << 16 | later)
    #expect(ring.walkAll(.read, from: 0).sizes == [62, 63, 64])
    let burst = Burst()
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 64)
    #expect(burst.count == 0, "such a ring is taken chain by chain")
    ring.use(2)
    ring.publish()
    #expect(ring.driver.peekUsed(2).map(\.id) == ids[2...3].map { UInt32($0) })
    #expect(ring.position == start.advanced(by: 2, in: 8) << 16 | later.advanced(by: 2, in: 8) & 0xFFFF)
  }

  /// A place that there is not is refused by the session; here it is no more than a wrong one.
  @Test(arguments: [8, 0x7FFF, 0x8008, 0xFFFF] as [UInt16]) func aPlaceBehindTheEndIsTheFirst(word: UInt16) throws {
    let ring = try ring()
    ring.restart(at: UInt32(word))
    #expect(ring.position & 0x7FFF == 0)
  }

  /// The first used descriptor of a burst is written last: without it the driver sees none of them.
  @Test(arguments: [0, 6, 14] as [UInt16]) func aBurstIsShownByItsFirstDescriptor(first: UInt16) throws {
    let ring = try ring(after: first)
    let driver = ring.driver.packed
    try ring.offer([72, 72, 72, 72])
    let places = (0..<4).map { (Int(first) + $0) % 8 }
    let before = places.map { driver.flags(at: $0) }
    let burst = Burst()
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 4)
    ring.use(4 - burst.count)
    #expect(driver.flags(at: places[0]) == before[0], "held back")
    #expect((1..<4).allSatisfy { driver.flags(at: places[$0]) != before[$0] })
    #expect(driver.usedCount == 0)
    ring.publish()
    #expect(driver.usedCount == 4)
    #expect(places.allSatisfy { driver.flags(at: $0) & 0x7F7F == 0 })
  }

  /// WRITE says that there is a length, and is not there where nothing was written (VIRTIO 1.2 section 2.8.4).
  @Test func usedDescriptorsSayWhetherTheyWereWritten() throws {
    let ring = try ring()
    try ring.driver.add([ring.buffer(60, isWritable: true)])
    try ring.driver.add([ring.buffer(60)])
    ring.driver.publish()
    ring.complete(ChainToken(id: 0), written: 17)
    ring.complete(ChainToken(id: 1), written: 0)
    ring.publish()
    #expect(ring.driver.packed.flags(at: 0) == PackedDriver.available | PackedDriver.used | RawDescriptor.write)
    #expect(ring.driver.packed.flags(at: 1) == PackedDriver.available | PackedDriver.used)
    #expect(ring.driver.peekUsed(2) == [UsedEntry(id: 0, length: 17), UsedEntry(id: 1, length: 0)])
  }

  /// A chain takes its places, over the end too; its id is the last descriptor's, and may be any number.
  @Test(arguments: [0, 5, 6, 7, 13, 15] as [UInt16], [0, 7, 8, 0x7FFF, 0xFFFF] as [UInt16])
  func aChainTakesItsPlaces(first: UInt16, id: UInt16) throws {
    let ring = try ring(after: first)
    let buffer = ring.buffer(10)
    ring.driver.offer(
      (0..<3).map { _ in RawDescriptor(slot: 0, address: buffer.address, length: 10) }, id: id)
    try ring.offer([60])
    let walk = ring.walkAll(.read, from: 0)
    #expect(walk.chains.map(\.places) == [3, 1] && walk.sizes == [30, 60])
    #expect(walk.chains[0].id == id)
    for chain in walk.chains { ring.complete(chain, written: 0) }
    ring.publish()
    #expect(ring.driver.peekUsed(1) == [UsedEntry(id: UInt32(id), length: 0)])
    #expect(ring.driver.usedCount == 2)
    #expect(ring.position == ring.driver.base)
  }

  /// Flags of a table's descriptors mean nothing, the direction of what is only read included (DPDK 22.11 has it wrong),
  /// and all of them belong to the chain.
  @Test func aTableIsTakenWhole() throws {
    let ring = try ring()
    let table = ring.driver.memory.allocate(64)
    for slot in 0..<4 {
      ring.driver.write(
        RawDescriptor(
          slot: slot, address: ring.buffer(10).address, length: 10,
          flags: [0x80A0, RawDescriptor.next, RawDescriptor.write, 0][slot]),
        table: table)
    }
    ring.driver.offer([RawDescriptor(slot: 0, address: table, length: 64, flags: RawDescriptor.indirect)], id: 3)
    ring.driver.publish()
    let walk = ring.walkAll(.read, from: 0)
    #expect(walk.sizes == [40] && walk.pieces.end == 4 && walk.chains[0].places == 1)
  }

  /// Loops go to the ring's end; the rest is of the next lap.
  @Test func aLoopEndsWithTheLap() throws {
    let ring = try ring(size: 16, after: 13)
    try ring.offer(Array(repeating: 72, count: 6))
    let burst = Burst()
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 6)
    #expect(burst.count == 3)
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 6)
    #expect(burst.count == 6)
    ring.publish()
    #expect(try ring.driver.collect().count == 6)
    #expect(ring.position == ring.driver.base)
  }

  // Positions that a front-end gives and does not know: its back-end ended without a word.

  /// Whatever the driver has done since: the position is found, wherever the front-end believes it to be.
  @Test(arguments: [1, 2, 3, 5, 8, 64, 100]) func aLostPositionIsFound(size: Int) throws {
    var random = SeededRandom(seed: UInt64(size))
    let ring = try ring(size: size)
    for turn in 0..<400 {
      let free = ring.driver.freeCount
      try ring.offer(Array(repeating: 60, count: Int(random.next() % UInt64(free + 1))))
      ring.use(Int(random.next() % UInt64(size + 1)))
      ring.publish()
      let position = ring.position
      let next = PackedPosition(word: UInt16(position & 0xFFFF))
      let wrong = next.advanced(by: 2 + Int(random.next() % UInt64(max(size - 2, 1))), in: size)
      for word in [wrong.word, wrong.word ^ 0x8000, next.word ^ 0x8000, next.word] where size > 2 || word == next.word {
        ring.restart(at: UInt32(word) << 16 | UInt32(word), isDoubtful: true)
        #expect(ring.position == position, "turn \(turn), \(next), from \(word)")
      }
      _ = try ring.driver.collect(atMost: Int(random.next() % UInt64(size + 1)))
    }
  }

  /// It ended in a burst: used descriptors are written behind one that is not, and the driver would wait for that for ever.
  @Test(arguments: [0, 3, 9, 13, 16, 29] as [UInt16], [1, 2, 5, 15]) func aBurstThatWasCutIsShown(
    first: UInt16, count: Int
  ) throws {
    let ring = try ring(size: 16, after: first)
    let ids = try ring.offer(Array(repeating: 72, count: count))
    let burst = Burst()
    for _ in 0..<2 { ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: count) }
    #expect(burst.count == count && ring.driver.usedCount == 0)
    ring.restart(at: 0x8000_8000, isDoubtful: true)
    if count > 1 {
      #expect(ring.driver.usedCount == count)
      #expect(ring.position == ring.driver.base)
      #expect(ring.driver.peekUsed(1) == [UsedEntry(id: UInt32(ids[0]), length: 0)])
    } else {
      // Nothing of it was written: it is taken again.
      ring.use(1)
      ring.publish()
    }
    #expect(try ring.driver.collect().map(\.id) == ids)
    try ring.offer([80, 81])
    #expect(ring.walkAll(.read, from: 0).sizes == [80, 81])
  }

  /// Of a chain only the first descriptor is written over: a position behind its rest is right, and stays.
  @Test(arguments: [0, 5, 7, 13] as [UInt16], [2, 3, 5]) func aPositionBehindAChainStays(first: UInt16, length: Int)
    throws
  {
    let ring = try ring(after: first)
    for offers in [false, true] {
      try ring.driver.add((0..<length).map { _ in ring.buffer(10) })
      ring.driver.publish()
      let walk = ring.walkAll(.read, from: 0)
      for chain in walk.chains { ring.complete(chain, written: 0) }
      ring.publish()
      if offers { try ring.offer([60]) }
      let position = ring.position
      ring.restart(at: position, isDoubtful: true)
      #expect(ring.position == position)
      _ = try ring.driver.collect()
    }
  }

  // Wishes.

  /// Words of the driver that are no wish: it is called once too often rather than never; nothing is read behind them.
  @Test(arguments: [0, 0x8000, 0x7FFF, 0xFFFF, 0x0007, 0x8123] as [UInt16], [false, true])
  func wishesThatMeanNothingHurtNobody(offset: UInt16, hasEventIndex: Bool) throws {
    let ring = try ring(hasEventIndex: hasEventIndex)
    let driver = ring.driver.packed
    driver.driverOffset = offset
    try ring.offer([60, 60])
    ring.use(1)
    ring.publish()
    // Reserved bits mean nothing.
    for (flags, isWanted) in [(0, true), (1, false), (3, true), (0xFFFC, true), (0xFFFD, false)] as [(UInt16, Bool)] {
      driver.driverFlags = flags
      #expect(ring.wantsCall == isWanted, "\(flags)")
    }
    driver.driverFlags = 2
    #expect(ring.wantsCall == (!hasEventIndex || offset == 0x8000), "without event indices it is not known")
  }

  /// A wish is for one descriptor of one lap.
  @Test(arguments: [0, 3, 7, 8, 12, 15] as [UInt16]) func aWishIsForOneLap(first: UInt16) throws {
    let ring = try ring(after: first, hasEventIndex: true)
    for count in 1...8 {
      ring.driver.armCalls(after: count)
      try ring.offer(Array(repeating: 60, count: 8))
      for number in 1...8 {
        ring.use(1)
        ring.publish()
        #expect(ring.wantsCall == (number == count), "\(number) of \(count)")
        ring.closeCallWindow()
      }
      #expect(try ring.driver.collect().count == 8)
    }
  }

  @Test func theDeviceSaysWhereItWaits() throws {
    for hasEventIndex in [false, true] {
      let ring = try ring(size: 5, after: 7, hasEventIndex: hasEventIndex)
      ring.armKicks()
      let driver = ring.driver.packed
      #expect(driver.deviceFlags == (hasEventIndex ? 2 : 0))
      #expect(driver.deviceOffset == 2, "the second place, in the second lap")
      ring.suppressKicks()
      #expect(driver.deviceFlags == 1)
    }
  }
}

extension UInt32 {
  /// A position of a packed ring, both halves of it or one, some places on.
  fileprivate func advanced(by count: Int, in size: Int) -> UInt32 {
    let halves = [self & 0xFFFF, self >> 16].map { half in
      UInt32(PackedPosition(word: UInt16(half)).advanced(by: count, in: size).word)
    }
    return halves[0] | halves[1] << 16
  }
}
