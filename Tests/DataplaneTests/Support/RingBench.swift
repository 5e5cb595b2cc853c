import GuestKit
import VhostUser

@testable import Dataplane

/// One ring without a queue, a port or a worker: the device's side of `Format`, and a driver at the same words.
///
/// What tests ask of the ring goes through here, since `#expect` takes nothing apart that cannot be copied.
final class RingBench<Format: Ring & ~Copyable> {
  let driver: any RingDriver
  let table: MemoryTable
  let layout: RingLayout
  let traits: RingTraits
  let notes = ScatterNotes()
  var ring = Format()
  private var hint = 0

  private init(_ driver: any RingDriver, _ table: MemoryTable, _ layout: RingLayout, _ traits: RingTraits) {
    self.driver = driver
    self.table = table
    self.layout = layout
    self.traits = traits
    ring.start(layout, position: driver.startBase, traits: traits)
  }

  /// A ring of `size` entries that runs.
  ///
  /// - Parameters:
  ///   - first: chains that the driver says have been used before.
  ///   - areas: what the format needs, for a number of entries.
  static func make(
    size: Int, after first: UInt16, traits: RingTraits, areas: (Int) -> RingLayout.Areas
  ) throws -> RingBench {
    let memory = try SharedMemory(size: 1 << 20)
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
    return RingBench(driver, table, try RingLayout(driver.addresses, size: size, areas(size), in: table), traits)
  }

  /// Puts another ring in the place of this one, over the same memory, which starts at `position`.
  func restart(at position: UInt32) {
    ring = Format()
    ring.start(layout, position: position, traits: traits)
  }

  // The driver.

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

  // The ring.

  var position: UInt32 { ring.position }
  var hasAvailable: Bool { ring.hasAvailable }
  var wantsCall: Bool { ring.wantsCall }
  func hasMoved(since position: UInt32) -> Bool { ring.hasMoved(since: position) }
  func single(_ access: ChainAccess) -> SingleBuffer? { ring.single(access) }
  func judge(_ window: Format.Window) -> RingFault? { ring.judge(window) }
  func isAvailable(at cursor: Format.Cursor, in window: Format.Window) -> Bool {
    ring.isAvailable(at: cursor, in: window)
  }

  /// Takes the next chains of one buffer and completes them, as a device does that looks at nothing.
  func use(_ count: Int) {
    for _ in 0..<count {
      guard let buffer = ring.single(.read) else { return }
      ring.complete(buffer.chain, written: 0)
    }
  }

  /// Walks the chain at `cursor`; its pieces go to `notes.targets`.
  func walk(_ cursor: inout Format.Cursor, _ access: ChainAccess, _ pieces: inout ChainPieces) -> ChainWalk {
    ring.walk(&cursor, access, &pieces, into: notes.targets, memory: table.memory, hint: &hint)
  }
}

extension RingBench where Format == SplitRing {
  /// A split ring that runs, and its driver.
  static func split(size: Int = 8, after first: UInt16 = 0, traits: RingTraits = RingTraits()) throws -> RingBench {
    try RingFormat.$current.withValue(.split) {
      try make(size: size, after: first, traits: traits, areas: SplitRing.areas)
    }
  }
}
