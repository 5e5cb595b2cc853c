import GuestKit
import Testing
import VhostUser

@testable import Dataplane

/// The contract of `Ring`, held by a ring alone: no queue, no port, no worker.
@Suite struct RingTests {
  /// Positions before, at and over the end of a split ring's sixteen bits.
  private static let starts: [UInt16] = [0, 5, 0x7FFF, 0xFFFC, 0xFFFF]

  /// What went out as a position goes in again, into another ring over the same memory: nothing is lost or done twice.
  @Test(arguments: starts) func aPositionGoesOutAndIn(first: UInt16) throws {
    let bench = try RingBench.split(after: first)
    #expect(bench.position == UInt32(first))
    try bench.offer([100, 200, 300])
    bench.use(2)
    bench.ring.publish()
    let position = bench.position
    #expect(position == UInt32(first &+ 2))
    #expect(try bench.driver.collect().map(\.length) == [0, 0])

    bench.restart(at: position)
    #expect(bench.position == position)
    #expect(bench.hasAvailable)
    #expect(bench.ring.count(in: bench.ring.look(), atMost: 64) == 1)
    #expect(bench.single(.read)?.size == 300)
    bench.use(1)
    bench.ring.publish()
    #expect(try bench.driver.collect().map { Int($0.segments[0].length) } == [300])
    #expect(!bench.hasAvailable)
    #expect(bench.position == bench.driver.base)
  }

  @Test(arguments: starts) func aRingKnowsWhetherItHasMoved(first: UInt16) throws {
    let bench = try RingBench.split(after: first)
    let position = bench.position
    #expect(!bench.hasMoved(since: position))
    try bench.offer([60])
    #expect(bench.hasMoved(since: position), "the driver has made something available")
    bench.use(1)
    bench.ring.publish()
    #expect(bench.hasMoved(since: position))
    #expect(!bench.hasMoved(since: bench.position))
  }

  /// Memory that moves keeps the place.
  @Test func aMoveKeepsThePosition() throws {
    let bench = try RingBench.split(after: 3)
    try bench.offer([60, 70])
    bench.use(1)
    bench.ring.move(to: bench.layout)
    #expect(bench.position == 4)
    #expect(bench.single(.read)?.size == 70)
    #expect(bench.driver.usedCount == 0, "not published yet")
    bench.ring.publish()
    #expect(bench.driver.usedCount == 1)
  }

  // Looking.

  @Test(arguments: starts) func aLookTellsWhatIsThere(first: UInt16) throws {
    let bench = try RingBench.split(after: first)
    let empty = bench.ring.look()
    #expect(bench.ring.count(in: empty, atMost: 64) == 0)
    #expect(!bench.isAvailable(at: bench.ring.next, in: empty))
    try bench.offer([1, 2, 3, 4, 5])
    #expect(bench.ring.count(in: empty, atMost: 64) == 0, "a window stays as it was")
    let window = bench.ring.look()
    #expect(bench.judge(window) == nil)
    #expect(bench.ring.count(in: window, atMost: 64) == 5)
    #expect(bench.ring.count(in: window, atMost: 3) == 3)
    #expect(bench.isAvailable(at: bench.ring.next, in: window))
  }

  /// A full ring is no fault, one entry more is.
  @Test(arguments: starts) func moreThanTheRingHoldsIsAFault(first: UInt16) throws {
    let bench = try RingBench.split(after: first)
    try bench.offer(Array(repeating: 60, count: 8))
    #expect(bench.judge(bench.ring.look()) == nil)
    bench.driver.split.availableIndex &+= 1
    let fault = try #require(bench.judge(bench.ring.look()))
    #expect("\(fault)" == "available index advanced by 9 but the ring has 8 entries")
    bench.driver.split.availableIndex = first &- 1
    #expect(bench.judge(bench.ring.look())?.seen == 65_535)
  }

  /// One buffer of the right direction is seen at once; tables, longer chains and the other direction are not.
  @Test func oneBufferIsSeenAsOne() throws {
    let bench = try RingBench.split(traits: RingTraits(hasEventIndex: false, hasIndirect: true))
    let buffer = bench.buffer(60)
    let id = try bench.driver.add([buffer])
    for isIndirect in [false, true] { try bench.driver.add([buffer, buffer], isIndirect: isIndirect) }
    try bench.driver.add([bench.buffer(70, isWritable: true)])
    bench.driver.publish()
    let single = try #require(bench.single(.read))
    #expect(single.chain.id == id && single.chain.places == 1)
    #expect(single.address == buffer.address && single.size == 60)
    #expect(bench.single(.write) == nil)
    bench.ring.complete(single.chain, written: 0)
    for _ in 0..<2 {
      #expect(bench.single(.read) == nil && bench.single(.write) == nil)
      var cursor = bench.ring.next
      var pieces = ChainPieces(from: 0)
      guard case .chain(let chain, 120) = bench.walk(&cursor, .read, &pieces) else {
        Issue.record("no chain of two buffers")
        return
      }
      bench.ring.complete(chain, written: 0)
    }
    #expect(bench.single(.read) == nil)
    #expect(bench.single(.write)?.size == 70)
  }

  // Walking.

  /// Chains are walked one behind the other, taking none; only what is completed is taken.
  @Test(arguments: starts) func walksGoAheadAndTakeNothing(first: UInt16) throws {
    let bench = try RingBench.split(after: first, traits: RingTraits(hasEventIndex: false, hasIndirect: true))
    var ids: [UInt16] = []
    for (lengths, isIndirect) in [([10, 20], false), ([5], false), ([7, 8, 9], true)] {
      ids.append(try bench.driver.add(lengths.map { bench.buffer($0, isWritable: true) }, isIndirect: isIndirect))
    }
    bench.driver.publish()
    let window = bench.ring.look()
    var cursor = bench.ring.next
    var pieces = ChainPieces(from: 3)
    var seen: [ChainToken] = []
    var sizes: [Int] = []
    while bench.isAvailable(at: cursor, in: window) {
      guard case .chain(let token, let size) = bench.walk(&cursor, .write, &pieces) else { break }
      seen.append(token)
      sizes.append(size)
    }
    #expect(seen.map(\.id) == ids)
    #expect(sizes == [30, 5, 24])
    #expect(pieces.end == 9 && pieces.size == 59)
    #expect((3..<9).map { bench.notes.targets[$0].size } == [10, 20, 5, 7, 8, 9])
    #expect(bench.position == UInt32(first), "nothing was taken")

    for token in seen.prefix(2) { bench.ring.complete(token, written: 3) }
    #expect(bench.driver.usedCount == 0, "nothing was published")
    bench.ring.publish()
    #expect(bench.driver.peekUsed(2) == ids.prefix(2).map { UsedEntry(id: UInt32($0), length: 3) })
    #expect(bench.driver.usedCount == 2)
    #expect(bench.position == UInt32(first &+ 2))
  }

  /// A walk that finds no room says so, and the same chain is walked when there is.
  @Test func aChainWithoutRoomIsWalkedLater() throws {
    let bench = try RingBench.split()
    try bench.driver.add((0..<4).map { _ in bench.buffer(10) })
    bench.driver.publish()
    var cursor = bench.ring.next
    var pieces = ChainPieces(from: bench.notes.targets.count - 3)
    guard case .fault(let fault) = bench.walk(&cursor, .read, &pieces) else {
      Issue.record("there is no room for four pieces")
      return
    }
    #expect(fault.kind == .chainTooLong && fault.seen == 0)
    #expect(cursor == bench.ring.next)
    pieces = ChainPieces(from: 0)
    guard case .chain(_, let size) = bench.walk(&cursor, .read, &pieces) else {
      Issue.record("there is room")
      return
    }
    #expect(size == 40)
  }

  @Test func tablesAreForWhoNegotiatedThem() throws {
    let bench = try RingBench.split()
    try bench.driver.add([bench.buffer(10)], isIndirect: true)
    bench.driver.publish()
    var cursor = bench.ring.next
    var pieces = ChainPieces(from: 0)
    guard case .fault(let fault) = bench.walk(&cursor, .read, &pieces) else {
      Issue.record("the table was taken")
      return
    }
    #expect(fault.kind == .indirectNotNegotiated)
  }

  // Notifications.

  /// A driver is called for what was published, never for what is only written, and once.
  @Test(arguments: starts, [false, true])
  func theCallWindowIsWhatWasPublished(first: UInt16, hasEventIndex: Bool) throws {
    let bench = try RingBench.split(
      after: first, traits: RingTraits(hasEventIndex: hasEventIndex, hasIndirect: false))
    try bench.offer([60, 60, 60, 60])
    bench.driver.armCalls(after: 2)
    #expect(!bench.wantsCall)
    bench.use(2)
    #expect(!bench.wantsCall, "nothing is published")
    bench.ring.publish()
    #expect(bench.wantsCall)
    #expect(bench.wantsCall, "until the window is closed")
    bench.ring.closeCallWindow()
    #expect(!bench.wantsCall)
    bench.use(1)
    bench.ring.publish()
    // The driver asked for the second one; without event indices it did not say for which.
    #expect(bench.wantsCall == !hasEventIndex)
    bench.driver.disarmCalls()
    #expect(!bench.wantsCall)
  }

  @Test(arguments: starts, [false, true]) func kicksAreAskedForAndNot(first: UInt16, hasEventIndex: Bool) throws {
    let bench = try RingBench.split(
      after: first, traits: RingTraits(hasEventIndex: hasEventIndex, hasIndirect: false))
    bench.ring.armKicks()
    bench.ring.suppressKicks()
    if !hasEventIndex {
      try bench.offer([60])
      bench.driver.kickIfWanted()
      #expect(bench.driver.kickCount == 0)
      bench.ring.armKicks()
    }
    try bench.offer([60])
    bench.driver.kickIfWanted()
    #expect(bench.driver.kickCount == 1)
    // With event indices the old wish is stale, and that is enough.
    bench.ring.suppressKicks()
    try bench.offer([60])
    bench.driver.kickIfWanted()
    #expect(bench.driver.kickCount == 1)
  }

  // Loops over plain frames.

  /// The loop ends before the first chain that is not one buffer of the region, and what it took is completed.
  @Test(arguments: starts) func plainFramesAreTakenTogether(first: UInt16) throws {
    let bench = try RingBench.split(size: 16, after: first)
    let ids = try (0..<3).map { try bench.driver.add([bench.buffer(72 + $0)]) }
    try bench.driver.add([bench.buffer(12), bench.buffer(60)])
    try bench.driver.add([bench.buffer(72)])
    bench.driver.publish()
    let burst = Burst()
    bench.ring.gatherPlain(
      into: burst, region: bench.table.memory.likelyRegion(0), headerSize: 12,
      wanted: bench.ring.count(in: bench.ring.look(), atMost: Burst.capacity))
    #expect(burst.count == 3)
    #expect((0..<3).map { burst.frames[$0].size } == [60, 61, 62])
    #expect(bench.position == UInt32(first &+ 3))
    bench.ring.publish()
    #expect(bench.driver.peekUsed(3) == ids.map { UsedEntry(id: UInt32($0), length: 0) })
    #expect(bench.driver.usedCount == 3)
  }

  /// Up to the number that was asked for, and no frame shorter than its header.
  @Test func theLoopKeepsToItsLimits() throws {
    let bench = try RingBench.split(size: 16)
    try bench.offer([60, 60, 60, 11])
    let burst = Burst()
    let region = bench.table.memory.likelyRegion(0)
    bench.ring.gatherPlain(into: burst, region: region, headerSize: 12, wanted: 2)
    #expect(burst.count == 2)
    bench.ring.gatherPlain(into: burst, region: region, headerSize: 12, wanted: 4)
    #expect(burst.count == 3)
    #expect(bench.position == 3)
    // A region that holds none of it.
    bench.ring.gatherPlain(into: burst, region: bench.table.memory.likelyRegion(1), headerSize: 10, wanted: 4)
    #expect(burst.count == 3)
  }
}
