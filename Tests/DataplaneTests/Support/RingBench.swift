import GuestKit
import Testing
import VhostUser

@testable import Dataplane

/// A ring without a queue, a port or a worker, and a driver at the same words: what is true of every format.
///
/// `#expect` takes nothing apart that cannot be copied, so what tests ask of the ring goes through here.
protocol RingSubject: AnyObject {
  var driver: any RingDriver { get }
  /// Where pieces of chains are noted.
  var notes: ScatterNotes { get }

  var position: UInt32 { get }
  /// What people are told: made available, taken, used.
  var indices: [Int] { get }
  var hasAvailable: Bool { get }
  func hasMoved(since position: UInt32) -> Bool
  /// Puts another ring in the place of this one, over the same memory, which starts at `position`.
  ///
  /// - Parameter isDoubtful: the position is a front-end's that may not know it.
  func restart(at position: UInt32, isDoubtful: Bool)
  /// What cannot be of the position at which it started.
  func judgePosition() -> RingFault?
  /// Tells the ring that its memory moved, to where it is.
  func move()

  /// What a look tells now: a fault, or how many chains there are to take, and whether the next one is there.
  func judge() -> RingFault?
  func count(atMost limit: Int) -> Int
  func isNextAvailable() -> Bool
  func single(_ access: ChainAccess) -> SingleBuffer?
  /// Walks the next chain; its pieces go behind `place` of the notes.
  func walk(_ access: ChainAccess, from place: Int) -> ChainWalk
  /// Walks all chains that are there, taking none; stops at a fault.
  func walkAll(_ access: ChainAccess, from place: Int) -> (chains: [ChainToken], sizes: [Int], pieces: ChainPieces)
  func complete(_ chain: ChainToken, written: UInt32)
  func publish()

  var wantsCall: Bool { get }
  func closeCallWindow()
  func armKicks()
  func suppressKicks()

  /// Gathers plain frames from region `region` of the memory.
  func gatherPlain(into burst: borrowing Burst, region: Int, headerSize: Int, wanted: Int)

  /// Has a queue of the format take frames, each `depth` deep; the ring by itself is not to be used beside it.
  func receive(into burst: borrowing Burst, depth: Int) -> RingFault?
  /// Shows the driver what that has taken.
  func publishReceived()
}

extension RingSubject {
  func restart(at position: UInt32) { restart(at: position, isDoubtful: false) }

  /// A buffer of the guest.
  func buffer(_ length: Int, isWritable: Bool = false) -> RingSegment {
    RingSegment(driver.memory.allocate(length, alignment: 1), length, isWritable: isWritable)
  }

  /// Adds chains of one readable buffer and shows them to the device; returns their identities.
  @discardableResult
  func offer(_ lengths: [Int]) throws -> [UInt16] {
    let ids = try lengths.map { try driver.add([buffer($0)]) }
    driver.publish()
    return ids
  }

  /// Takes the next chains of one buffer and completes them, as a device does that looks at nothing.
  func use(_ count: Int) {
    for _ in 0..<count {
      guard let buffer = single(.read) else { return }
      complete(buffer.chain, written: 0)
    }
  }
}

/// A ring of some format that runs, and its driver.
final class RingBench<Format: Ring & ~Copyable>: RingSubject {
  let driver: any RingDriver
  let table: MemoryTable
  let layout: RingLayout
  let notes = ScatterNotes()
  let traits: RingTraits
  private var ring = Format()
  private var queue = GuestQueue<Format>()
  private var hint = 0

  /// - Parameter first: chains that the driver says have been used before.
  convenience init(size: Int, after first: UInt16, traits: RingTraits) throws {
    var traits = traits
    traits.isPacked = RingFormat.current == .packed
    let memory = try SharedMemory(size: max(1 << 20, 64 * size))
    let driver = try RingFormat.current.driver(memory: memory, index: 1, size: size)
    driver.reset()
    driver.start(after: first)
    driver.usesEventIndex = traits.hasEventIndex
    let table = try MemoryTable(
      zip(memory.regions, memory.descriptors).map { region, descriptor in
        MemoryRegionRequest(
          guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress,
          fileOffset: region.fileOffset, descriptor: descriptor)
      })
    let layout = try RingLayout(driver.addresses, size: size, isPacked: traits.isPacked, in: table)
    self.init(driver, table, layout, traits)
  }

  private init(_ driver: any RingDriver, _ table: MemoryTable, _ layout: RingLayout, _ traits: RingTraits) {
    self.driver = driver
    self.table = table
    self.layout = layout
    self.traits = traits
    ring.start(layout, position: driver.startBase, traits: traits)
  }

  var position: UInt32 { ring.position }
  var indices: [Int] { [ring.availableIndex, ring.nextIndex, ring.usedIndex].map { Int($0) } }
  var hasAvailable: Bool { ring.hasAvailable }
  func hasMoved(since position: UInt32) -> Bool { ring.hasMoved(since: position) }

  func restart(at position: UInt32, isDoubtful: Bool) {
    var traits = traits
    traits.isPositionDoubtful = isDoubtful
    ring = Format()
    ring.start(layout, position: position, traits: traits)
  }

  func judgePosition() -> RingFault? { ring.judgePosition() }

  func move() { ring.move(to: layout) }

  func judge() -> RingFault? { ring.judge(ring.look()) }
  func count(atMost limit: Int) -> Int { ring.count(in: ring.look(), atMost: limit) }
  func isNextAvailable() -> Bool { ring.isAvailable(at: ring.next, in: ring.look()) }
  func single(_ access: ChainAccess) -> SingleBuffer? { ring.single(access) }

  func walk(_ access: ChainAccess, from place: Int) -> ChainWalk {
    var cursor = ring.next
    var pieces = ChainPieces(from: place)
    return ring.walk(&cursor, access, &pieces, into: notes.targets, memory: table.memory, hint: &hint)
  }

  func walkAll(_ access: ChainAccess, from place: Int) -> (chains: [ChainToken], sizes: [Int], pieces: ChainPieces) {
    let window = ring.look()
    var cursor = ring.next
    var pieces = ChainPieces(from: place)
    var (chains, sizes): ([ChainToken], [Int]) = ([], [])
    while ring.isAvailable(at: cursor, in: window),
      case .chain(let chain, let size) = ring.walk(
        &cursor, access, &pieces, into: notes.targets, memory: table.memory, hint: &hint)
    {
      chains.append(chain)
      sizes.append(size)
    }
    return (chains, sizes, pieces)
  }

  func complete(_ chain: ChainToken, written: UInt32) { ring.complete(chain, written: written) }
  func publish() { ring.publish() }

  var wantsCall: Bool { ring.wantsCall }
  func closeCallWindow() { ring.closeCallWindow() }
  func armKicks() { ring.armKicks() }
  func suppressKicks() { ring.suppressKicks() }

  func gatherPlain(into burst: borrowing Burst, region: Int, headerSize: Int, wanted: Int) {
    ring.gatherPlain(
      into: burst, region: table.memory.likelyRegion(region), headerSize: headerSize, wanted: wanted)
  }

  func receive(into burst: borrowing Burst, depth: Int) -> RingFault? {
    if !queue.isRunning {
      var all = QueueTraits()
      all.ring = traits
      queue.start(layout, base: driver.startBase, traits: all)
    }
    return queue.receive(into: burst, memory: table.memory, limit: Burst.capacity, depth: depth)
  }

  func publishReceived() { queue.publish() }
}

/// A failed expectation looks into everything that it names, and the runtime cannot look into what cannot be copied.
extension RingBench: CustomReflectable, CustomTestStringConvertible where Format: ~Copyable {
  var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }
  var testDescription: String { "\(ring.name) ring at \(position)" }
}

extension RingFormat {
  /// A ring of this format that runs.
  func ring(size: Int = 8, after first: UInt16 = 0, traits: RingTraits = RingTraits()) throws -> any RingSubject {
    try Self.$current.withValue(self) {
      switch self {
      case .split: try RingBench<SplitRing>(size: size, after: first, traits: traits)
      case .packed: try RingBench<PackedRing>(size: size, after: first, traits: traits)
      }
    }
  }
}
