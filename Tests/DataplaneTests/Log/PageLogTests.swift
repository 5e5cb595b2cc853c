import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// The bits of a log: the right ones, wherever it begins, and no others.
struct PageLogTests {
  private func mapped(_ file: DirtyPages) throws -> DirtyLog {
    try DirtyLog(
      LogRequest(size: UInt64(file.size), offset: UInt64(file.offset), descriptor: file.descriptor))
  }

  private static let offsets = [0, 1, 3, 7, 8, 13, 4095, 4096, 4099, 8191]

  @Test(arguments: offsets) func pagesAreMarkedByAddress(offset: Int) throws {
    var random = SeededRandom(seed: UInt64(offset))
    for size in [1, 2, 7, 8, 9, 100, 4096] {
      let file = try DirtyPages(size: size, offset: offset)
      let log = try mapped(file)
      let pages = 8 * size
      for _ in 0..<60 {
        let first = Int.random(in: 0..<pages, using: &random)
        let last = Int.random(in: first..<min(pages, first + 200), using: &random)
        let begin = 4096 * first + Int.random(in: 0..<4096, using: &random)
        let end = max(begin, 4096 * last + Int.random(in: 0..<4096, using: &random))
        log.pages.mark(UInt64(begin), size: UInt64(end - begin + 1))
        #expect(file.take() == Set(first...max(first, end / 4096)))
      }
      // Beyond it nothing is marked, not even in part.
      log.pages.mark(UInt64(4096 * pages - 1), size: 2)
      log.pages.mark(.max, size: 1)
      log.pages.mark(.max - 1, size: 4)
      log.pages.mark(0, size: 0)
      log.pages.mark(word: 1 << 40, .max)
      #expect(file.take().isEmpty && file.strayBytes == 0)
      #expect(log.pages.holds(UInt64(4096 * pages - 1), size: 1) && !log.pages.holds(UInt64(4096 * pages - 1), size: 2))
      #expect(!log.pages.holds(.max, size: 2))
    }
  }

  /// Pages that are noted one after the other, in any order, against a set.
  @Test(arguments: offsets) func notedPagesAreMarkedOnce(offset: Int) throws {
    var random = SeededRandom(seed: 77 + UInt64(offset))
    let file = try DirtyPages(size: 512, offset: offset)
    let log = try mapped(file)
    for _ in 0..<100 {
      var queue = QueueLog()
      queue.attach(log.pages, RingLogAddresses())
      var expected: Set<Int> = []
      var page = Int.random(in: 0..<4096, using: &random)
      for _ in 0..<Int.random(in: 1...100, using: &random) {
        let size = [1, 64, 1514, 4096, 9000, 65_000, 600_000].randomElement(using: &random) ?? 1
        let address = min(4096 * page + Int.random(in: 0..<4096, using: &random), 4096 * 4096 - size)
        queue.note(UInt64(address), UInt64(size))
        expected.formUnion(address / 4096...(address + size - 1) / 4096)
        page = Bool.random(using: &random) ? (page + 1) % 4096 : Int.random(in: 0..<4096, using: &random)
      }
      queue.flush()
      #expect(file.take() == expected)
      queue.flush()
      #expect(file.take().isEmpty && file.strayBytes == 0)
    }
  }

  @Test(arguments: offsets, offsets) func marksAreCarried(from: Int, to: Int) throws {
    var random = SeededRandom(seed: UInt64(from * 10_000 + to))
    for (old, new) in [(64, 64), (64, 100), (100, 64), (1, 9), (9, 1)] {
      let (first, second) = (try DirtyPages(size: old, offset: from), try DirtyPages(size: new, offset: to))
      let (firstLog, secondLog) = (try mapped(first), try mapped(second))
      var pages: Set<Int> = []
      for _ in 0..<Int.random(in: 0..<40, using: &random) {
        let page = Int.random(in: 0..<8 * old, using: &random)
        pages.insert(page)
        firstLog.pages.mark(UInt64(4096 * page), size: 1)
      }
      let own = Int.random(in: 0..<8 * new, using: &random)
      secondLog.pages.mark(UInt64(4096 * own), size: 1)
      secondLog.carry(from: firstLog)
      #expect(second.take() == pages.filter { $0 < 8 * new }.union([own]))
      #expect(first.take() == pages && second.strayBytes == 0)
    }
  }

  /// The descriptor that shows a burst is written last, so its page is marked behind that, wherever the others lie.
  @Test func theDescriptorThatIsHeldBackIsMarkedLast() throws {
    let memory = try SharedMemory(size: 1 << 20)
    // The first descriptors lie in the last page that a word of the log has a bit for.
    while memory.allocate(4096, alignment: 4096) >> 12 & 63 != 62 {}
    let driver = try RingFormat.packed.driver(memory: memory, index: 0, size: 512)
    driver.reset()
    driver.start(after: 0)
    let first = Int(driver.descriptorTable >> 12)
    try #require(first & 63 == 63)
    for _ in 0..<300 { _ = try driver.add([RingSegment(memory.allocate(64), 64, isWritable: false)]) }
    driver.publish()
    let table = try MemoryTable(DrivenBench.regions(memory))
    let layout = try RingLayout(driver.addresses, size: 512, isPacked: true, in: table)
    var ring = PackedRing()
    ring.start(layout, position: driver.startBase, traits: RingTraits())
    let file = try DirtyPages(of: memory)
    let log = try mapped(file)
    var queue = QueueLog()
    queue.attach(log.pages, layout.log)
    for _ in 0..<300 {
      let chain = ring.single(.read)?.chain
      ring.complete(try #require(chain), written: 0)
    }
    ring.noteUnpublished(in: &queue)
    var marked = file.take()
    ring.publish()
    queue.flush()
    let behind = file.take()
    #expect(behind.contains(first))
    marked.formUnion(behind)
    #expect(marked == [first, first + 1])
  }

  @Test func badFilesAreNotMapped() throws {
    let file = try DirtyPages(size: 4096)
    for (size, offset): (UInt64, UInt64) in [(.max, 0), (1 << 63, 0), (4097, 0), (1, 4096), (.max, .max), (1, .max)] {
      #expect(throws: SystemError.self) {
        try DirtyLog(LogRequest(size: size, offset: offset, descriptor: file.descriptor))
      }
    }
    let event = try EventDescriptor().descriptor
    #expect(throws: SystemError.self) { try DirtyLog(LogRequest(size: 1, offset: 0, descriptor: event)) }
  }

  /// Regions in any order of host addresses are found again by them.
  @Test func hostAddressesAreTurnedBack() throws {
    let memory = try SharedMemory(
      (0..<20).map {
        .init(guestAddress: UInt64(($0 * 7) % 20) << 20, size: 0x8000, userAddress: UInt64($0) << 32)
      })
    let table = try MemoryTable(DrivenBench.regions(memory))
    var hint = 0
    for region in memory.regions {
      for offset in [0, 1, 0x7FFF] as [UInt64] {
        let address = region.guestAddress + offset
        let base = try #require(table.memory.translate(address, size: 1, hint: &hint))
        #expect(table.memory.guestAddress(of: Segment(base: base, size: 1)) == address)
        #expect(UInt64(UInt(bitPattern: base)) &+ table.memory.likelyRegion(hint).guestAddressShift == address)
      }
    }
    var local = 0
    withUnsafeMutableBytes(of: &local) { bytes in
      guard let base = bytes.baseAddress else { return }
      #expect(table.memory.guestAddress(of: Segment(base: base, size: 1)) == nil)
    }
  }
}
