import GuestKit
import Testing
import VhostUser

@testable import Dataplane

/// The contract of `Ring`, held by a ring of each format alone: no queue, no port, no worker.
@Suite(.everyRingFormat) struct RingTests {
  /// Chains that were used before: a split ring's sixteen bits before, at and over their end; places that wrap.
  private static let starts: [UInt16] = [0, 5, 0x7FFF, 0xFFFC, 0xFFFF]

  private func ring(
    size: Int = 8, after first: UInt16 = 0, hasEventIndex: Bool = false, hasIndirect: Bool = false
  ) throws -> any RingSubject {
    try RingFormat.current.ring(
      size: size, after: first, traits: RingTraits(hasEventIndex: hasEventIndex, hasIndirect: hasIndirect))
  }

  // Positions.

  /// What went out as a position goes in again, into another ring over the same memory: nothing is lost or done twice.
  @Test(arguments: starts) func aPositionGoesOutAndIn(first: UInt16) throws {
    let ring = try ring(after: first)
    #expect(ring.position == ring.driver.startBase)
    for turn in 0..<10 {
      try ring.offer([100, 200])
      ring.use(2)
      ring.publish()
      let position = ring.position
      #expect(position == ring.driver.base)
      #expect(try ring.driver.collect().map { Int($0.segments[0].length) } == [100, 200], "turn \(turn)")
      try ring.offer([300])
      ring.restart(at: position)
      #expect(ring.position == position)
      #expect(ring.hasAvailable)
      #expect(ring.single(.read)?.size == 300)
      ring.use(1)
      ring.publish()
      #expect(try ring.driver.collect().map { Int($0.segments[0].length) } == [300])
      #expect(!ring.hasAvailable)
    }
  }

  /// A position knows of chains that were made available after it.
  @Test(arguments: starts) func whatWaitsAtAStopIsThereAtTheNextStart(first: UInt16) throws {
    let ring = try ring(after: first)
    try ring.offer([60, 70, 80])
    ring.use(1)
    ring.publish()
    ring.restart(at: ring.position)
    #expect(ring.walkAll(.read, from: 0).sizes == [70, 80])
    ring.use(2)
    ring.publish()
    #expect(ring.position == ring.driver.base)
    #expect(try ring.driver.collect().count == 3)
  }

  @Test(arguments: starts) func aRingKnowsWhetherItHasMoved(first: UInt16) throws {
    let ring = try ring(after: first)
    let position = ring.position
    #expect(!ring.hasMoved(since: position))
    try ring.offer([60])
    #expect(ring.hasMoved(since: position), "the driver has made something available")
    ring.use(1)
    ring.publish()
    #expect(ring.hasMoved(since: position))
    #expect(!ring.hasMoved(since: ring.position))
  }

  /// Memory that moves keeps the place.
  @Test func aMoveKeepsThePosition() throws {
    let ring = try ring(after: 3)
    try ring.offer([60, 70])
    ring.use(1)
    let position = ring.position
    ring.move()
    #expect(ring.position == position)
    #expect(ring.single(.read)?.size == 70)
    #expect(ring.driver.usedCount == 0, "not published yet")
    ring.publish()
    #expect(ring.driver.usedCount == 1)
  }

  // Looking.

  @Test(arguments: starts) func aLookTellsWhatIsThere(first: UInt16) throws {
    let ring = try ring(after: first)
    #expect(ring.count(atMost: 64) == 0)
    #expect(!ring.hasAvailable && !ring.isNextAvailable())
    try ring.offer([1, 2, 3, 4, 5])
    #expect(ring.judge() == nil)
    #expect(ring.count(atMost: 3) == 3)
    #expect(ring.count(atMost: 64) >= 5)
    #expect(ring.hasAvailable && ring.isNextAvailable())
    #expect(ring.walkAll(.read, from: 0).sizes == [1, 2, 3, 4, 5])
  }

  /// A full ring is no fault.
  @Test(arguments: starts) func aFullRingIsNoFault(first: UInt16) throws {
    let ring = try ring(after: first)
    try ring.offer(Array(repeating: 60, count: 8))
    #expect(ring.judge() == nil)
    #expect(ring.walkAll(.read, from: 0).chains.count == 8)
    ring.use(8)
    ring.publish()
    #expect(ring.judge() == nil)
    #expect(!ring.hasAvailable)
    #expect(try ring.driver.collect().count == 8)
  }

  /// One buffer of the right direction is seen at once; tables, longer chains and the other direction are not.
  @Test func oneBufferIsSeenAsOne() throws {
    let ring = try ring(hasIndirect: true)
    let buffer = ring.buffer(60)
    let id = try ring.driver.add([buffer])
    for isIndirect in [false, true] { try ring.driver.add([buffer, buffer], isIndirect: isIndirect) }
    try ring.driver.add([ring.buffer(70, isWritable: true)])
    ring.driver.publish()
    let single = try #require(ring.single(.read))
    #expect(single.chain.id == id && single.chain.places == 1)
    #expect(single.address == buffer.address && single.size == 60)
    #expect(ring.single(.write) == nil)
    ring.complete(single.chain, written: 0)
    for _ in 0..<2 {
      #expect(ring.single(.read) == nil && ring.single(.write) == nil)
      guard case .chain(let chain, 120) = ring.walk(.read, from: 0) else {
        Issue.record("no chain of two buffers")
        return
      }
      ring.complete(chain, written: 0)
    }
    #expect(ring.single(.read) == nil)
    #expect(ring.single(.write)?.size == 70)
  }

  // Walking.

  /// Chains are walked one behind the other, taking none; only what is completed is taken.
  @Test(arguments: starts) func walksGoAheadAndTakeNothing(first: UInt16) throws {
    let ring = try ring(after: first, hasIndirect: true)
    var ids: [UInt16] = []
    for (lengths, isIndirect) in [([10, 20], false), ([5], false), ([7, 8, 9], true)] {
      ids.append(try ring.driver.add(lengths.map { ring.buffer($0, isWritable: true) }, isIndirect: isIndirect))
    }
    ring.driver.publish()
    let walk = ring.walkAll(.write, from: 3)
    #expect(walk.chains.map(\.id) == ids)
    #expect(walk.sizes == [30, 5, 24])
    #expect(walk.pieces.end == 9 && walk.pieces.size == 59)
    #expect((3..<9).map { ring.notes.targets[$0].size } == [10, 20, 5, 7, 8, 9])
    #expect(ring.position == ring.driver.startBase, "nothing was taken")

    for chain in walk.chains.prefix(2) { ring.complete(chain, written: 3) }
    #expect(ring.driver.usedCount == 0, "nothing was published")
    ring.publish()
    #expect(ring.driver.peekUsed(2) == ids.prefix(2).map { UsedEntry(id: UInt32($0), length: 3) })
    #expect(ring.driver.usedCount == 2)
    #expect(ring.walkAll(.write, from: 0).chains.map(\.id) == [ids[2]])
  }

  /// A walk that finds no room says so, and the same chain is walked when there is.
  @Test func aChainWithoutRoomIsWalkedLater() throws {
    let ring = try ring()
    try ring.driver.add((0..<4).map { _ in ring.buffer(10) })
    ring.driver.publish()
    guard case .fault(let fault) = ring.walk(.read, from: ring.notes.targets.count - 3) else {
      Issue.record("there is no room for four pieces")
      return
    }
    #expect(fault.kind == .chainTooLong && fault.seen == 0)
    guard case .chain(_, 40) = ring.walk(.read, from: 0) else {
      Issue.record("there is room")
      return
    }
  }

  @Test func tablesAreForWhoNegotiatedThem() throws {
    let ring = try ring()
    try ring.driver.add([ring.buffer(10)], isIndirect: true)
    ring.driver.publish()
    guard case .fault(let fault) = ring.walk(.read, from: 0) else {
      Issue.record("the table was taken")
      return
    }
    #expect(fault.kind == .indirectNotNegotiated)
  }

  // Notifications.

  /// A driver is called for what was published, never for what is only written, and once.
  @Test(arguments: starts, [false, true])
  func theCallWindowIsWhatWasPublished(first: UInt16, hasEventIndex: Bool) throws {
    let ring = try ring(after: first, hasEventIndex: hasEventIndex)
    try ring.offer([60, 60, 60, 60])
    ring.driver.armCalls(after: 2)
    #expect(!ring.wantsCall)
    ring.use(2)
    #expect(!ring.wantsCall, "nothing is published")
    ring.publish()
    #expect(ring.wantsCall)
    #expect(ring.wantsCall, "until the window is closed")
    ring.closeCallWindow()
    #expect(!ring.wantsCall)
    ring.use(1)
    ring.publish()
    // The driver asked for the second one; without event indices it did not say for which.
    #expect(ring.wantsCall == !hasEventIndex)
    ring.driver.disarmCalls()
    #expect(!ring.wantsCall)
  }

  @Test(arguments: starts, [false, true]) func kicksAreAskedForAndNot(first: UInt16, hasEventIndex: Bool) throws {
    let ring = try ring(after: first, hasEventIndex: hasEventIndex)
    ring.armKicks()
    ring.suppressKicks()
    // A split ring with event indices has no word for it; there the old wish is stale, and that is enough.
    let isSaid = !hasEventIndex || ring.driver.format == .packed
    if isSaid {
      try ring.offer([60])
      ring.driver.kickIfWanted()
      #expect(ring.driver.kickCount == 0)
      ring.use(1)
      ring.armKicks()
    }
    try ring.offer([60])
    ring.driver.kickIfWanted()
    #expect(ring.driver.kickCount == 1)
    ring.suppressKicks()
    try ring.offer([60])
    ring.driver.kickIfWanted()
    #expect(ring.driver.kickCount == 1)
  }

  // Loops over plain frames.

  /// The loop ends before the first chain that is not one buffer of the region, and what it took is completed.
  @Test(arguments: starts) func plainFramesAreTakenTogether(first: UInt16) throws {
    let ring = try ring(size: 16, after: first)
    let ids = try (0..<3).map { try ring.driver.add([ring.buffer(72 + $0)]) }
    try ring.driver.add([ring.buffer(12), ring.buffer(60)])
    try ring.driver.add([ring.buffer(72)])
    ring.driver.publish()
    let burst = Burst()
    // A packed ring's loop ends with the lap, too.
    for _ in 0..<2 {
      ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: ring.count(atMost: Burst.capacity))
    }
    #expect(burst.count == 3)
    #expect((0..<3).map { burst.frames[$0].size } == [60, 61, 62])
    ring.publish()
    #expect(ring.driver.peekUsed(3) == ids.map { UsedEntry(id: UInt32($0), length: 0) })
    #expect(ring.driver.usedCount == 3)
    #expect(ring.walkAll(.read, from: 0).sizes == [72, 72])
  }

  /// Up to the number that was asked for, and no frame shorter than its header.
  @Test func theLoopKeepsToItsLimits() throws {
    let ring = try ring(size: 16)
    try ring.offer([60, 60, 60, 11])
    let burst = Burst()
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 2)
    #expect(burst.count == 2)
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: 4)
    #expect(burst.count == 3)
    #expect(ring.walkAll(.read, from: 0).sizes == [11])
    // A region that holds none of it.
    ring.gatherPlain(into: burst, region: 1, headerSize: 10, wanted: 4)
    #expect(burst.count == 3)
  }

  /// A buffer is inside its region to the last byte, at both ends, or not at all; and no longer than a frame may be.
  @Test(arguments: [10, 12]) func theLoopKeepsToItsRegion(headerSize: Int) throws {
    let region = try #require(try ring().driver.memory.regions.first)
    let (begin, end) = (region.guestAddress, region.guestAddress + UInt64(region.size))
    let longest = PlainFrames.largestDirect
    let cases: [(address: UInt64, length: Int, isTaken: Bool)] = [
      (begin, 100, true), (end - 100, 100, true), (end - 99, 100, false), (end - 1, 100, false), (end, 100, false),
      (begin &- 1, 100, false), (begin &- 100, 100, false), (begin &- 50, 100, false), (.max - 49, 100, false),
      (.max, 100, false), (begin, longest, true), (begin, longest + 1, false), (end - UInt64(longest), longest, true),
      (end - UInt64(longest) + 1, longest, false), (begin, headerSize, true), (end - 12, headerSize, true),
      (begin, headerSize - 1, false), (begin, 0, false), (begin, Int(UInt32.max), false), (begin, 1 << 31, false),
    ]
    for (address, length, isTaken) in cases {
      let ring = try ring()
      try ring.driver.add([RingSegment(address, length, isWritable: false)])
      ring.driver.publish()
      let burst = Burst()
      ring.gatherPlain(into: burst, region: 0, headerSize: headerSize, wanted: ring.count(atMost: 64))
      #expect(burst.count == (isTaken ? 1 : 0), "\(length) bytes at \(address)")
      if isTaken { #expect(burst.frames[0].size == length - headerSize && burst.frames[0].isPlain) }
    }
  }
}

/// What only a split ring has: an index of the driver, and sixteen bits of position.
@Suite struct SplitRingTests {
  /// One entry more than the ring holds cannot be, nor an index that runs backward.
  @Test(arguments: [0, 5, 0xFFFC, 0xFFFF] as [UInt16]) func moreThanTheRingHoldsIsAFault(first: UInt16) throws {
    let ring = try RingFormat.split.ring(after: first)
    try ring.offer(Array(repeating: 60, count: 8))
    let driver = ring.driver.split
    driver.availableIndex &+= 1
    #expect(ring.judge().map { "\($0)" } == "available index advanced by 9 but the ring has 8 entries")
    driver.availableIndex = first &- 1
    #expect(ring.judge()?.seen == 65_535)
  }

  /// What is taken and what is used may be at different places, as after a back-end that lost some: each goes over the ring's
  /// end by itself.
  @Test(arguments: [0, 1, 5, 7] as [UInt16], [0, 3, 6, 0xFFFF] as [UInt16])
  func theLoopKeepsPlacesApart(taken: UInt16, used: UInt16) throws {
    let ring = try RingFormat.split.ring(after: taken)
    let driver = ring.driver.split
    driver.usedIndex = used
    ring.restart(at: UInt32(taken))
    let ids = try ring.offer((0..<8).map { 60 + $0 })
    let burst = Burst()
    ring.gatherPlain(into: burst, region: 0, headerSize: 12, wanted: ring.count(atMost: Burst.capacity))
    #expect((0..<burst.count).map { burst.frames[$0].size } == (48..<56).map { $0 })
    ring.publish()
    #expect(driver.usedIndex == used &+ 8)
    for (step, id) in ids.enumerated() {
      let entry = driver.usedRing + 4 + 8 * UInt64((Int(used) + step) % 8)
      #expect(driver.memory.load32(entry) == UInt32(id) && driver.memory.load32(entry + 4) == 0)
    }
    #expect(ring.position == UInt32(taken) + 8)
  }

  @Test func thePositionIsTheNextAvailableIndex() throws {
    let ring = try RingFormat.split.ring(after: 0xFFFE)
    #expect(ring.position == 0xFFFE)
    try ring.offer([60, 60, 60])
    ring.use(3)
    #expect(ring.position == 1, "of sixteen bits, and published or not")
  }
}
