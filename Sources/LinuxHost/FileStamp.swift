import CLinux
import Glibc

/// Where a file is and when it was last written to: as long as nothing of it changes, neither has the file, as a rule.
package struct FileStamp: Codable, Sendable, Equatable {
  /// Bytes; of a block device its whole size.
  package var size: UInt64
  /// Device and inode number.
  package var device: UInt64
  package var inode: UInt64
  /// Last modification, and last change of anything about it, in nanoseconds since 1970.
  ///
  /// The first can be set by anybody who may write; the second cannot.
  package var modified: Int64
  package var changed: Int64
}

extension Descriptor {
  /// Which file it is, whatever its kind: numbers of its device and inode; nil if it cannot be asked.
  var place: [UInt64]? {
    var status = stat()
    // SAFETY: the structure is ours for the length of the call.
    return unsafe fstat(raw, &status) < 0 ? nil : [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  /// The stamp of a regular file or block device; that of a device says nothing of what is on it.
  package func stamp() throws(SystemError) -> FileStamp {
    var status = stat()
    // SAFETY: the structure is ours for the length of the call.
    if unsafe fstat(raw, &status) < 0 { throw SystemError(call: "fstat", code: errno, context: "descriptor \(raw)") }
    let end = lseek(raw, 0, SEEK_END)
    if end < 0 { throw SystemError(call: "lseek", code: errno, context: "descriptor \(raw)") }
    func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec) }
    return FileStamp(
      size: UInt64(end), device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
      modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
  }

  /// The bytes from `offset` on, `count` of them unless the file ends before.
  package func read(at offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    guard lseek(raw, off_t(clamping: offset), SEEK_SET) >= 0 else {
      throw SystemError(call: "lseek", code: errno, context: "descriptor \(raw)")
    }
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try read(size: count - bytes.count)
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// A file that is in memory alone, with these bytes, read from its beginning by whoever opens `path`.
  package static func memoryFile(_ bytes: [UInt8]) throws(SystemError) -> Descriptor {
    // SAFETY: the name is a C string for the length of the call.
    let raw = try check(unsafe clinux_memory_file("apus", 0, 0), "memfd_create")
    let file = Descriptor(owning: raw)
    var offset = 0
    while offset < bytes.count { offset += try file.write(bytes, from: offset) }
    return file
  }

  /// A file of zeros in memory alone, of `size` bytes that nobody can change any more, for other processes to map.
  package static func sealedMemoryFile(size: UInt64) throws(SystemError) -> Descriptor {
    // SAFETY: the name is a C string for the length of the call.
    Descriptor(owning: try check(unsafe clinux_sealed_file("apus", size), "memfd_create", "\(size) bytes"))
  }

  /// A file of `size` bytes, all zero, that is in memory alone; what nobody has written takes no room.
  package static func memoryFile(size: UInt64) throws(SystemError) -> Descriptor {
    // SAFETY: as above.
    Descriptor(owning: try check(unsafe clinux_memory_file("apus", size, 0), "memfd_create"))
  }

  /// A path that leads to the open file for as long as this descriptor is open in this process.
  package var path: String { "/proc/self/fd/\(raw)" }
}
