import Glibc
import LinuxHost
import Synchronization

/// A log of dirty pages as a front-end has it: a memory file with a bit for each page, that whoever migrates empties.
package final class DirtyPages: @unchecked Sendable {
  package static let pageSize = 4096

  package let descriptor: Descriptor
  /// Bytes of the log, and where they begin in the file.
  package let size: Int
  package let offset: Int
  private let mapped: UnsafeMutableRawPointer
  private let mappedSize: Int

  /// - Parameter offset: in the file, of any alignment.
  package init(size: Int, offset: Int = 0) throws(GuestKitError) {
    self.size = size
    self.offset = offset
    mappedSize = (offset + size + 4095) / 4096 * 4096
    descriptor = try makeMemoryFile(size: offset + size)
    let mapped = mmap(nil, mappedSize, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
    guard let mapped, mapped != MAP_FAILED else { throw .system("mmap: errno \(errno)") }
    self.mapped = mapped
  }

  /// As large as QEMU makes it for this memory.
  package convenience init(of memory: SharedMemory, offset: Int = 0) throws(GuestKitError) {
    try self.init(size: Self.size(of: memory), offset: offset)
  }

  deinit { munmap(mapped, mappedSize) }

  /// Bytes that are needed: a bit for each page up to the end of the highest region.
  package static func size(of memory: SharedMemory) -> Int {
    let end = memory.regions.map { Int($0.guestAddress + $0.size) }.max() ?? 0
    return (end + 8 * pageSize - 1) / (8 * pageSize)
  }

  private func byte(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt8>> {
    (mapped + offset + index).assumingMemoryBound(to: Atomic<UInt8>.self)
  }

  /// Marks the pages of `count` bytes at a guest address, as the kernel does for the guest's own writes.
  package func mark(_ address: UInt64, count: Int) {
    guard count > 0 else { return }
    for page in Int(address) / Self.pageSize...(Int(address) + count - 1) / Self.pageSize {
      byte(page / 8).pointee.bitwiseOr(1 << UInt8(page % 8), ordering: .releasing)
    }
  }

  /// Takes all pages that are marked out of the log, each word by one exchange, and hands them over.
  package func take(_ body: (Int) -> Void) {
    for index in 0..<size where byte(index).pointee.load(ordering: .relaxed) != 0 {
      let bits = byte(index).pointee.exchange(0, ordering: .acquiring)
      for bit in 0..<8 where bits & 1 << UInt8(bit) != 0 { body(8 * index + bit) }
    }
  }

  /// The same, as a set.
  package func take() -> Set<Int> {
    var pages: Set<Int> = []
    take { pages.insert($0) }
    return pages
  }

  /// Bytes of the file outside the log that are not zero.
  package var strayBytes: Int {
    let bytes = UnsafeRawBufferPointer(start: mapped, count: mappedSize)
    return bytes.prefix(offset).count { $0 != 0 } + bytes.dropFirst(offset + size).count { $0 != 0 }
  }

  /// Cuts the file, as a hostile front-end may; nothing of it may be touched here any more.
  package func truncate(to size: Int) { ftruncate(descriptor.raw, off_t(size)) }
}

/// What a migration has brought to the other side: a copy of guest memory, of the pages that logs said; for one thread at a
/// time.
package final class MemoryCopy: @unchecked Sendable {
  private let memory: SharedMemory
  private let logs: [DirtyPages]
  /// By region.
  private var copies: [[UInt8]]

  /// - Parameter logs: the back-end's and, if it is to be told, what the guest itself has written.
  package init(of memory: SharedMemory, logs: [DirtyPages]) {
    self.memory = memory
    self.logs = logs
    copies = memory.regions.map { [UInt8](repeating: 0, count: Int($0.size)) }
    for region in memory.regions.indices { copy(region, from: 0, to: Int(memory.regions[region].size)) }
  }

  private func copy(_ region: Int, from start: Int, to end: Int) {
    let source = memory.pointer(memory.regions[region].guestAddress + UInt64(start), count: end - start)
    copies[region].withUnsafeMutableBytes { bytes in
      bytes.baseAddress?.advanced(by: start).copyMemory(from: source, byteCount: end - start)
    }
  }

  /// One round: takes what is marked and copies it.
  ///
  /// - Returns: pages copied.
  @discardableResult
  package func copyMarked() -> Int {
    var count = 0
    for log in logs {
      log.take { page in
        count += 1
        let (first, size) = (UInt64(page * DirtyPages.pageSize), UInt64(DirtyPages.pageSize))
        for (index, region) in memory.regions.enumerated() {
          let start = max(first, region.guestAddress)
          let end = min(first + size, region.guestAddress + region.size)
          if start < end { copy(index, from: Int(start - region.guestAddress), to: Int(end - region.guestAddress)) }
        }
      }
    }
    return count
  }

  /// Numbers of the pages that are not as they are in memory now.
  package var stalePages: [Int] {
    var stale: [Int] = []
    for (index, region) in memory.regions.enumerated() {
      var start = 0
      while start < Int(region.size) {
        // Pages of the guest's, not of the region's file.
        let address = Int(region.guestAddress) + start
        let count = min(DirtyPages.pageSize - address % DirtyPages.pageSize, Int(region.size) - start)
        let now = memory.pointer(UInt64(address), count: count)
        let isSame = copies[index].withUnsafeBytes { bytes in
          bytes.baseAddress.map { memcmp($0 + start, now, count) == 0 } ?? false
        }
        if !isSame { stale.append(address / DirtyPages.pageSize) }
        start += count
      }
    }
    return stale
  }
}
