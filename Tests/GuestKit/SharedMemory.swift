import Glibc
import LinuxHost
import Synchronization

/// Guest memory as a front-end has it: memory files at chosen guest and user addresses, mapped here between guard pages.
///
/// Addresses are guest physical unless said otherwise. An access outside the regions ends the test process: it is the
/// test's mistake. The back-end's mapping is its own, so its bounds are what tests look at.
package final class SharedMemory: @unchecked Sendable {
  /// One region; bytes and addresses.
  package struct Region: Sendable, Equatable {
    package var guestAddress: UInt64
    package var size: UInt64
    package var userAddress: UInt64
    /// Offset of the first byte in the file.
    package var fileOffset: UInt64

    package init(guestAddress: UInt64, size: UInt64, userAddress: UInt64, fileOffset: UInt64 = 0) {
      self.guestAddress = guestAddress
      self.size = size
      self.userAddress = userAddress
      self.fileOffset = fileOffset
    }
  }

  package let regions: [Region]
  /// One memory file a region.
  package private(set) var descriptors: [Descriptor]
  /// Where the pages are marked that are written here, as the kernel does while a machine moves; nil = nowhere.
  ///
  /// Set while nobody writes.
  package var ownPages: DirtyPages?
  private let mappings: [Mapping]
  private var next: [UInt64]

  private struct Mapping {
    var whole: UnsafeMutableRawPointer
    var wholeSize: Int
    /// Address of the region's first byte.
    var base: UnsafeMutableRawPointer
  }

  /// Makes a file for each region, of a size in bytes.
  ///
  /// Sizes need not be multiples of a page.
  package init(
    _ regions: [Region],
    file: (Int) throws(GuestKitError) -> Descriptor = { size throws(GuestKitError) in
      try makeMemoryFile(size: size)
    }
  ) throws(GuestKitError) {
    var descriptors: [Descriptor] = []
    var mappings: [Mapping] = []
    for region in regions {
      let descriptor = try file(Int(region.fileOffset + region.size))
      mappings.append(try Self.map(region, descriptor))
      descriptors.append(descriptor)
    }
    self.regions = regions
    self.descriptors = descriptors
    self.mappings = mappings
    self.next = regions.map(\.guestAddress)
  }

  /// One region.
  package convenience init(
    size: Int, guestAddress: UInt64 = 0x10_0000, userAddress: UInt64 = 0x7F00_0000_0000
  ) throws(GuestKitError) {
    try self.init([Region(guestAddress: guestAddress, size: UInt64(size), userAddress: userAddress)])
  }

  /// Two regions with the hole for the VGA frame buffer, as QEMU gives them for a small guest.
  package static func likeQEMU(size: Int) throws(GuestKitError) -> SharedMemory {
    let base: UInt64 = 0x7F00_0000_0000
    return try SharedMemory([
      Region(guestAddress: 0xC_0000, size: UInt64(size) - 0xC_0000, userAddress: base + 0xC_0000, fileOffset: 0xC_0000),
      Region(guestAddress: 0, size: 0xA_0000, userAddress: base),
    ])
  }

  /// The machine goes on in other files with the same contents, as a migration copies its memory: what is written to those
  /// from before is not seen any more.
  package func moveToCopies() throws(GuestKitError) {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    for (index, region) in regions.enumerated() {
      let contents = bytes(region.guestAddress, count: Int(region.size))
      let copy = try makeMemoryFile(size: Int(region.fileOffset + region.size))
      let slack = Int(region.fileOffset) % page
      let inside = mmap(
        mappings[index].whole + page, mappings[index].wholeSize - 2 * page, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_FIXED, copy.raw, Int(region.fileOffset) - slack)
      guard let inside, inside != MAP_FAILED else { throw .system("mmap: errno \(errno)") }
      descriptors[index] = copy
      write(contents, at: region.guestAddress)
    }
  }

  deinit {
    for mapping in mappings { munmap(mapping.whole, mapping.wholeSize) }
  }

  private static func map(_ region: Region, _ descriptor: Descriptor) throws(GuestKitError) -> Mapping {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let slack = Int(region.fileOffset) % page
    let inner = (slack + Int(region.size) + page - 1) / page * page
    let whole = mmap(nil, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let whole, whole != MAP_FAILED else { throw .system("mmap: errno \(errno)") }
    let inside = mmap(
      whole + page, inner, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor.raw,
      Int(region.fileOffset) - slack)
    guard let inside, inside != MAP_FAILED else { throw .system("mmap: errno \(errno)") }
    return Mapping(whole: whole, wholeSize: inner + 2 * page, base: inside + slack)
  }

  // MARK: - Addresses

  /// Address here of `count` bytes at a guest address; they must lie in one region.
  package func pointer(_ guestAddress: UInt64, count: Int) -> UnsafeMutableRawPointer {
    for (region, mapping) in zip(regions, mappings)
    where guestAddress >= region.guestAddress && guestAddress - region.guestAddress + UInt64(count) <= region.size {
      return mapping.base + Int(guestAddress - region.guestAddress)
    }
    fatalError("guest address \(guestAddress) with \(count) bytes is in no region of this test")
  }

  /// The front-end's own address of a guest address; ring addresses are told in these.
  package func userAddress(_ guestAddress: UInt64) -> UInt64 {
    for region in regions
    where guestAddress >= region.guestAddress && guestAddress - region.guestAddress < region.size {
      return region.userAddress + (guestAddress - region.guestAddress)
    }
    fatalError("guest address \(guestAddress) is in no region of this test")
  }

  /// Takes `count` bytes nobody has; they are never given back.
  ///
  /// - Parameter region: index of the region to take them from.
  package func allocate(_ count: Int, alignment: Int = 16, region: Int = 0) -> UInt64 {
    let mask = UInt64(alignment) - 1
    let start = (next[region] + mask) & ~mask
    next[region] = start + UInt64(count)
    _ = pointer(start, count: count)
    return start
  }

  // MARK: - Contents

  package func bytes(_ guestAddress: UInt64, count: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: pointer(guestAddress, count: count), count: count))
  }

  package func write(_ bytes: [UInt8], at guestAddress: UInt64) {
    guard !bytes.isEmpty else { return }
    pointer(guestAddress, count: bytes.count).copyMemory(from: bytes, byteCount: bytes.count)
    ownPages?.mark(guestAddress, count: bytes.count)
  }

  package func fill(_ guestAddress: UInt64, count: Int, with byte: UInt8) {
    memset(pointer(guestAddress, count: count), CInt(byte), count)
    ownPages?.mark(guestAddress, count: count)
  }

  /// Reads a 16-bit word as another processor would, with acquire order.
  ///
  /// The address must be even.
  package func load16(_ guestAddress: UInt64) -> UInt16 {
    word16(guestAddress).pointee.load(ordering: .sequentiallyConsistent)
  }

  /// Writes a 16-bit word with release order.
  ///
  /// The address must be even.
  package func store16(_ value: UInt16, at guestAddress: UInt64) {
    word16(guestAddress).pointee.store(value, ordering: .sequentiallyConsistent)
    ownPages?.mark(guestAddress, count: 2)
  }

  private func word16(_ guestAddress: UInt64) -> UnsafeMutablePointer<Atomic<UInt16>> {
    pointer(guestAddress, count: 2).assumingMemoryBound(to: Atomic<UInt16>.self)
  }

  package func load32(_ guestAddress: UInt64) -> UInt32 {
    pointer(guestAddress, count: 4).loadUnaligned(as: UInt32.self)
  }

  package func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at guestAddress: UInt64) {
    pointer(guestAddress, count: MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
    ownPages?.mark(guestAddress, count: MemoryLayout<T>.size)
  }

  /// Cuts a region's file: what is behind raises SIGBUS at whoever touches it, this process included.
  package func truncate(region: Int, to size: Int) {
    ftruncate(descriptors[region].raw, off_t(size))
  }
}

/// A memory file (memfd) of `size` bytes, as front-ends hand over.
package func makeMemoryFile(size: Int) throws(GuestKitError) -> Descriptor {
  // Swift's Glibc module does not declare memfd_create; 1 is MFD_CLOEXEC.
  typealias Create = @convention(c) (UnsafePointer<CChar>, CUnsignedInt) -> CInt
  guard let symbol = dlsym(nil, "memfd_create") else { throw .system("no memfd_create in this C library") }
  let raw = unsafeBitCast(symbol, to: Create.self)("guest", 1)
  guard raw >= 0 else { throw .system("memfd_create: errno \(errno)") }
  let descriptor = Descriptor(owning: raw)
  guard ftruncate(raw, off_t(size)) == 0 else { throw .system("ftruncate: errno \(errno)") }
  return descriptor
}
