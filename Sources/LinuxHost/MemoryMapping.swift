import CLinux
import Glibc
import Synchronization

/// Part of a memory file of another process (guest memory), mapped shared for reading and writing; unmapped when the
/// last reference goes.
///
/// The other process can shrink the file at any time. With the fault handler installed, touching a lost page then reads
/// zeros and sets `hasFaulted`; without it the process dies.
@safe
package final class MemoryMapping: @unchecked Sendable {
  // SAFETY: all stored properties are constant. The mapped bytes are shared with another process anyway: whoever touches
  // them goes through `base`, which is marked unsafe. The flag is only written by the signal handler, atomically.
  private let mappedBase: UnsafeMutableRawPointer
  private let mappedSize: Int
  private let offset: Int
  private let flag: UnsafeMutablePointer<Atomic<UInt32>>
  private let slot: CInt
  /// Bytes from `base` to the end of the mapping: the size asked for, rounded up to the end of the file's page.
  package let size: Int
  /// Size of the file's pages in bytes: 4096, or that of its huge pages.
  package let pageSize: Int

  /// Maps `size` bytes from `fileOffset` (bytes, aligned or not) on; the mapping ends at a page's end.
  /// - Throws: EINVAL for size 0 or a file that is no `DescriptorKind.sharedMemory`, EOVERFLOW if the sum of offset
  ///   and size does, ENXIO if it lies beyond the file's last page.
  package init(descriptor: Descriptor, fileOffset: UInt64, size: UInt64) throws(SystemError) {
    let place = try Place(descriptor: descriptor, fileOffset: fileOffset, size: size)
    var address: UnsafeMutableRawPointer?
    // SAFETY: the call fills `address`; the range belongs to nobody else.
    try check(
      unsafe clinux_map_shared(descriptor.raw, place.start, place.size, &address), "mmap",
      "\(place.size) bytes at offset \(place.start)")
    guard let base = unsafe address else {
      throw SystemError(call: "mmap", code: ENOMEM, context: "\(place.size) bytes at address 0")
    }
    let flag = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)
    unsafe flag.initialize(to: Atomic(0))
    // SAFETY: Atomic<UInt32> has the layout of uint32_t; the flag outlives the registration (see deinit).
    let slot = unsafe clinux_register_mapping(
      base, place.size, place.pageSize, UnsafeMutableRawPointer(flag).assumingMemoryBound(to: UInt32.self))
    if slot < 0 {
      unsafe flag.deallocate()
      _ = unsafe clinux_unmap(base, place.size)
      throw SystemError(call: "mmap", code: -slot, context: "more mappings than the fault handler's table holds")
    }
    unsafe self.mappedBase = base
    unsafe self.flag = flag
    self.mappedSize = place.size
    self.offset = place.offset
    self.slot = slot
    self.size = place.size - place.offset
    self.pageSize = place.pageSize
  }

  deinit {
    // SAFETY: nobody holds the addresses any more (a condition of `base`), so no fault can need the slot or the flag.
    clinux_unregister_mapping(slot)
    _ = unsafe clinux_unmap(mappedBase, mappedSize)
    unsafe flag.deinitialize(count: 1)
    unsafe flag.deallocate()
  }

  /// Address of the byte at `fileOffset`; `size` bytes from there on may be touched as long as this object lives.
  @unsafe package var base: UnsafeMutableRawPointer { unsafe mappedBase + offset }

  /// Whether a page of the mapping was lost and replaced by zeros: what was read or written since is not guest memory.
  package var hasFaulted: Bool {
    // SAFETY: the flag lives as long as this object.
    unsafe flag.pointee.load(ordering: .acquiring) != 0
  }

  /// Makes faults in mappings harmless: installs the SIGBUS handler, once for the process.
  ///
  /// No thread may block SIGBUS.
  package static func installFaultHandler() {
    _ = clinux_install_fault_handler()
  }
}

extension MemoryMapping {
  /// The page-aligned part of a file that holds the bytes asked for.
  private struct Place {
    var start: UInt64
    var size: Int
    var offset: Int
    var pageSize: Int

    init(descriptor: Descriptor, fileOffset: UInt64, size: UInt64) throws(SystemError) {
      guard size > 0 else {
        throw SystemError(call: "mmap", code: EINVAL, context: "size 0: expected 1 byte or more")
      }
      let kind = descriptor.kind
      guard case .sharedMemory(let pageSize) = kind, pageSize > 0, let fileSize = descriptor.fileSize else {
        throw SystemError(
          call: "mmap", code: EINVAL, context: "\(kind): expected a file on \(DescriptorKind.memoryHomes)")
      }
      let mask = UInt64(pageSize) - 1
      let (end, wraps) = fileOffset.addingReportingOverflow(size)
      guard !wraps, end <= UInt64(Int64.max) - mask else {
        throw SystemError(call: "mmap", code: EOVERFLOW, context: "\(size) bytes at offset \(fileOffset)")
      }
      guard fileSize <= UInt64(Int64.max) - mask, end <= (fileSize + mask) & ~mask else {
        throw SystemError(
          call: "mmap", code: ENXIO, context: "\(size) bytes at offset \(fileOffset) of a file of \(fileSize) bytes")
      }
      start = fileOffset & ~mask
      self.size = Int((end + mask) & ~mask - start)
      offset = Int(fileOffset - start)
      self.pageSize = pageSize
    }
  }
}
