import CLinux
import Glibc

/// Whose a folder is, how much room its file system has, and files that take none until they are written.
extension Folder {
  /// What a file takes of its file system.
  package struct Extent: Sendable, Equatable {
    /// Bytes of the file.
    package var size: UInt64
    /// Bytes of them that have room by now.
    package var taken: UInt64
  }

  /// Whether it belongs to the user that this process runs as.
  package var isOwn: Bool {
    var status = stat()
    // SAFETY: the structure is ours for the length of the call.
    return unsafe fstat(descriptor.raw, &status) == 0 && status.st_uid == geteuid()
  }

  /// Bytes that this user may still write to its file system; nil if it cannot be asked.
  package var room: UInt64? {
    var status = statvfs()
    // SAFETY: the structure is ours for the length of the call.
    guard unsafe fstatvfs(descriptor.raw, &status) == 0 else { return nil }
    let (bytes, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflows ? .max : bytes
  }

  /// What a regular file takes; nil when there is none of that name, or it cannot be opened.
  package func extent(of name: String) -> Extent? {
    // SAFETY: the name is a C string for the length of the call.
    let raw = unsafe clinux_entry_open(descriptor.raw, name)
    guard raw >= 0 else { return nil }
    let file = Descriptor(owning: raw)
    var status = stat()
    // SAFETY: the structure is ours for the length of the call.
    guard unsafe fstat(file.raw, &status) == 0 else { return nil }
    return Extent(size: UInt64(clamping: status.st_size), taken: UInt64(clamping: status.st_blocks) &* 512)
  }

  /// Makes a file of zero bytes with just the permission bits of `mode`, in the place of one that may be there: who has
  /// that one open keeps it.
  /// - Parameter size: bytes; none of them takes room before it is written.
  package func makeFile(_ name: String, size: UInt64, mode: UInt32) throws(SystemError) {
    let unfinished = Self.unfinished(name)
    do throws(SystemError) {
      // SAFETY: the name is a C string for the length of the call.
      let raw = unsafe clinux_entry_create(descriptor.raw, unfinished, mode)
      let file = Descriptor(owning: try check(raw, "open", path(of: name)))
      try file.truncate(to: size)
      try rename(unfinished, to: name)
    } catch {
      _ = try? remove(unfinished)
      throw error
    }
  }
}
