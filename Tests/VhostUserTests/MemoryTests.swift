import Glibc
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Memory messages, good and hostile (M8).
@Suite struct MemoryTests {
  typealias Region = SharedMemory.Region

  private static let good = Region(guestAddress: 0x10_0000, size: 0x1000, userAddress: 0x7F00_0000_0000)

  /// Adjacent regions number `index`.
  private static func region(_ index: Int) -> Region {
    Region(
      guestAddress: UInt64(index) << 12, size: 0x1000, userAddress: 0x7F00_0000_0000 + UInt64(index) << 12)
  }

  @Test func tablesReplaceAllRegions() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory.likeQEMU(size: 2 << 20)
    try bench.frontEnd.setMemory(memory)
    try bench.frontEnd.setMemory(memory)
    let other = try SharedMemory(size: 1 << 20)
    try bench.frontEnd.setMemory(other)
    #expect(bench.owner.events == [.memory(memory.regions), .memory(memory.regions), .memory(other.regions)])
    #expect(openCopies(of: memory.descriptors[0]) == 1)
  }

  @Test func eightRegionsFitATable() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory((0..<8).map(Self.region))
    try bench.frontEnd.setMemory(memory)
    #expect(bench.owner.events == [.memory(memory.regions)])
  }

  /// Number of regions said, bytes of payload, descriptors.
  @Test(
    arguments: [
      (0, 8, 0), (0, 40, 1), (9, 296, 8), (0xFFFF_FFFF, 40, 1), (0x8000_0000, 40, 1), (2, 40, 1), (1, 72, 1),
      (1, 72, 2),
      (1, 264, 1), (2, 72, 1), (1, 40, 2), (1, 40, 0), (0x1000_0001, 40, 1),
    ] as [(UInt32, Int, Int)])
  func tablesThatDoNotAddUpAreRefused(count: UInt32, size: Int, descriptors: Int) throws {
    let bench = try Bench(acknowledges: true)
    let files = try (0..<descriptors).map { _ in try makeMemoryFile(size: 1 << 16) }
    var payload = FrontEnd.memoryTable((0..<9).map(Self.region))
    payload.replaceSubrange(0..<4, with: words32(count))
    let reason = try bench.refusal {
      try $0.tell(.setMemoryTable, payload: Array(payload.prefix(size)), descriptors: files)
    }
    #expect(reason != nil)
    #expect(bench.owner.events.isEmpty)
    #expect(files.allSatisfy { openCopies(of: $0) == 1 })
  }

  @Test(arguments: [
    Region(guestAddress: 0, size: 0, userAddress: 0),
    Region(guestAddress: .max - 0xFFE, size: 0x1000, userAddress: 0),
    Region(guestAddress: 0, size: 0x1000, userAddress: .max - 0xFFE),
    Region(guestAddress: 0, size: 0x1000, userAddress: 0, fileOffset: .max - 0xFFE),
    Region(guestAddress: 0x1000, size: .max, userAddress: 0x1000),
  ])
  func emptyAndWrappingRegionsAreRefused(region: Region) throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    #expect(try bench.refusal { try $0.addMemory(region, file) } != nil)
    #expect(
      try bench.refusal {
        try $0.tell(.setMemoryTable, payload: FrontEnd.memoryTable([region]), descriptors: [file])
      } != nil)
    #expect(bench.owner.events.isEmpty)
    #expect(openCopies(of: file) == 1)
  }

  /// Distances of a second region from the first, in guest and user addresses.
  @Test(
    arguments: [
      (0, 0x1_0000, false), (0x1_0000, 0, false), (0xFFF, 0x1_0000, false), (0x1_0000, 0xFFF, false),
      (-0xFFF, 0x1_0000, false), (0x1_0000, -0xFFF, false), (0x1000, 0x1000, true), (-0x1000, -0x1000, true),
      (0x1000, -0x1000, true),
    ] as [(Int, Int, Bool)])
  func overlapsAreRefused(guest: Int, user: Int, isGood: Bool) throws {
    let second = Region(
      guestAddress: Self.good.guestAddress &+ UInt64(bitPattern: Int64(guest)), size: 0x1000,
      userAddress: Self.good.userAddress &+ UInt64(bitPattern: Int64(user)))
    let files = try (0..<2).map { _ in try makeMemoryFile(size: 1 << 16) }
    let slots = try Bench(acknowledges: true)
    try slots.frontEnd.addMemory(Self.good, files[0])
    #expect(try (slots.refusal { try $0.addMemory(second, files[1]) } == nil) == isGood)
    let table = try Bench(acknowledges: true)
    let reason = try table.refusal {
      try $0.tell(.setMemoryTable, payload: FrontEnd.memoryTable([Self.good, second]), descriptors: files)
    }
    #expect((reason == nil) == isGood)
  }

  @Test func regionsThatTheOwnerRefusesAreNotRemembered() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    bench.owner.refused = [.add, .memory]
    #expect(
      try bench.refusal { try $0.addMemory(Self.good, file) } == "ADD_MEM_REG: the owner does not want to")
    bench.owner.refused = []
    try bench.frontEnd.addMemory(Self.good, file)
    bench.owner.refused = [.remove]
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } != nil)
    bench.owner.refused = []
    let count = bench.owner.events.count
    try bench.frontEnd.addMemory(Self.good, file)
    #expect(bench.owner.events.count == count, "it is still there: said again, it changes nothing")
    try bench.frontEnd.removeMemory(Self.good)
    try bench.frontEnd.addMemory(Self.good, file)
    #expect(bench.owner.events.count == count + 2)
  }

  /// QEMU 7.2 sends its whole list once for every ring pair.
  @Test func theSameRegionTwiceIsTakenOnce() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    try bench.frontEnd.addMemory(Self.good, file)
    try bench.frontEnd.addMemory(Self.good, file)
    #expect(bench.owner.events.count == 1)
    #expect(openCopies(of: file) == 2, "the second descriptor is closed")
    try bench.frontEnd.removeMemory(Self.good)
    try bench.frontEnd.removeMemory(Self.good)
    #expect(bench.owner.events.count == 2)
    #expect(openCopies(of: file) == 1, "and the first with the region")
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere, "once more than it was added")
  }

  private static let isNotThere = "REM_MEM_REG: region 0x100000+0x1000 (user address 0x7f0000000000) is not there"

  @Test func aRegionThatIsNotThereCannotBeRemoved() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere, "never added")
    try bench.frontEnd.addMemory(Self.good, file)
    try bench.frontEnd.removeMemory(Self.good)
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere, "removed before")
    #expect(bench.owner.events == [.added(Self.good), .removed(Self.good)])
    let silent = try Bench()
    #expect(try silent.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere, "nobody asks: the end")
  }

  /// Two pairs add and remove twice at most, however often one is said.
  @Test func noMoreRemovalsAreOwedThanThereArePairs() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    for _ in 0..<10 { try bench.frontEnd.addMemory(Self.good, file) }
    for _ in 0..<2 { try bench.frontEnd.removeMemory(Self.good) }
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere)
    // The second pair sleeps while the region goes and comes again, and says nothing of it then.
    for _ in 0..<2 { try bench.frontEnd.addMemory(Self.good, file) }
    try bench.frontEnd.removeMemory(Self.good)
    try bench.frontEnd.addMemory(Self.good, file)
    for _ in 0..<2 { try bench.frontEnd.removeMemory(Self.good) }
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere)
    // A table replaces everything, also what is owed.
    for _ in 0..<2 { try bench.frontEnd.addMemory(Self.good, file) }
    try bench.frontEnd.removeMemory(Self.good)
    try bench.frontEnd.setMemory(SharedMemory(size: 1 << 20, guestAddress: 0))
    #expect(try bench.refusal { try $0.removeMemory(Self.good) } == Self.isNotThere)
  }

  @Test func the510thSlotIsRefused() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 12)
    for index in 0..<509 { try bench.frontEnd.addMemory(Self.region(index), file) }
    #expect(
      try bench.refusal { try $0.addMemory(Self.region(509), file) }
        == "ADD_MEM_REG: all 509 memory slots are taken")
    try bench.frontEnd.removeMemory(Self.region(77))
    try bench.frontEnd.addMemory(Self.region(600), file)
    #expect(openCopies(of: file) == 510, "one a region")
    bench.transport.close()
    #expect(openCopies(of: file) == 1)
  }

  @Test func removalLooksAtAddressesAndSizeAlone() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    try bench.frontEnd.addMemory(Self.good, file)
    var other = Self.good
    other.size = 0x2000
    #expect(try bench.refusal { try $0.removeMemory(other) } != nil)
    other = Self.good
    other.userAddress += 0x1000
    #expect(try bench.refusal { try $0.removeMemory(other) } != nil)
    #expect(bench.owner.events.count == 1, "neither is this region")
    other = Self.good
    other.fileOffset = 0x4000
    try bench.frontEnd.removeMemory(other, descriptors: [file])
    #expect(openCopies(of: file) == 1, "the descriptor that should not have come is closed")
    #expect(bench.owner.events.last == .removed(Self.good))
  }

  @Test func memoryMustBeSharedMemory() throws {
    let folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try #require(folder >= 0)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    try #require(null >= 0)
    let others = [
      Descriptor(owning: folder), Descriptor(owning: null), try EventDescriptor().descriptor,
      try UnixSocket.pair().0,
    ]
    for other in others {
      let bench = try Bench(acknowledges: true)
      let reason = try bench.refusal { try $0.addMemory(Self.good, other) }
      #expect(reason?.contains("expected a file on tmpfs, memfd, hugetlbfs, ext2, ext3, ext4, XFS or Btrfs") == true)
      #expect(bench.owner.events.isEmpty)
    }
  }

  /// A page fault there may wait for another process or host for ever; the reason names what the file lies on.
  @Test func filesThatOthersServeAreRefused() throws {
    let raw = open("/proc/self/mem", O_RDWR | O_CLOEXEC)
    try #require(raw >= 0)
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.addMemory(Self.good, Descriptor(owning: raw)) }
    #expect(
      reason?.contains("lies on /proc/\(getpid())/mem on procfs, expected a file on tmpfs") == true, "\(reason ?? "")")
    #expect(bench.owner.events.isEmpty)
  }

  /// A front-end chooses the names of its files; the reason goes to the log and to terminals.
  @Test func namesOfFilesCannotSteerATerminal() throws {
    let path = "/dev/shm/apus\n\u{1b}[2J\u{202e}-\(getpid())"
    try #require(mkdir(path, 0o700) == 0)
    defer { rmdir(path) }
    let raw = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try #require(raw >= 0)
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.addMemory(Self.good, Descriptor(owning: raw)) }
    #expect(reason?.contains("lies on /dev/shm/apus\u{FFFD}\u{FFFD}[2J\u{FFFD}-\(getpid()), expected") == true)
  }

  @Test func memoryMustBeOpenForReadingAndWriting() throws {
    let file = try makeMemoryFile(size: 1 << 16)
    for flags in [O_RDONLY, O_WRONLY, 0x20_0000] {  // O_PATH, which Glibc's module does not have
      let raw = open("/proc/self/fd/\(file.raw)", flags | O_CLOEXEC)
      try #require(raw >= 0)
      let bench = try Bench(acknowledges: true)
      let reason = try bench.refusal { try $0.addMemory(Self.good, Descriptor(owning: raw)) }
      #expect(reason?.hasSuffix("came with a descriptor that does not allow reading and writing") == true)
      #expect(bench.owner.events.isEmpty)
    }
  }

  /// An ordinary file of a disk, as libvirt's `<source type='file'/>` gives it.
  @Test(.enabled(if: TemporaryFile.isMemory, "the temporary folder is on no ext4, XFS or Btrfs"))
  func ordinaryFilesAreMemory() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.addMemory(Self.good, TemporaryFile.make(size: 1 << 16))
    #expect(bench.owner.events == [.added(Self.good)])
  }
}
