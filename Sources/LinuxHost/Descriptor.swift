import CLinux
import Glibc

/// An open file descriptor with one owner; closed when the last reference goes.
package final class Descriptor: Sendable {
  /// The number, valid as long as this object lives.
  package let raw: CInt

  /// Takes over `raw`: nobody else may close it.
  package init(owning raw: CInt) {
    self.raw = raw
  }

  deinit {
    close(raw)
  }

  /// Another descriptor of the same open file; not inherited by children.
  package func duplicate() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check(clinux_duplicate(raw), "dup", "descriptor \(raw)"))
  }

  /// Sets O_NONBLOCK on the open file, so for all descriptors of it, those of other processes included.
  package func setNonBlocking() throws(SystemError) {
    try check(clinux_set_nonblocking(raw), "fcntl", "descriptor \(raw)")
  }

  /// Size of the file in bytes; nil if it cannot be asked.
  package var fileSize: UInt64? {
    var size: UInt64 = 0
    // SAFETY: the call writes one UInt64 and keeps no pointer.
    return unsafe clinux_file_size(raw, &size) < 0 ? nil : size
  }

  /// Whether the file may be read and written through this descriptor.
  package var isReadWrite: Bool { clinux_is_read_write(raw) > 0 }

  /// What kind of file this is, judged from the kernel's own records rather than from what a peer says.
  package var kind: DescriptorKind {
    var pageSize = 0
    var fileSystem: UInt64 = 0
    // SAFETY: the buffer lives for the call, which gets its true size and ends the text with a zero byte.
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { link in
      unsafe link.initialize(repeating: 0)
      guard let start = link.baseAddress else { return .other("") }
      let kind = unsafe clinux_descriptor_kind(raw, &pageSize, &fileSystem, start, link.count)
      switch UInt32(bitPattern: kind) {
      case CLINUX_KIND_TMPFS.rawValue, CLINUX_KIND_HUGETLBFS.rawValue, CLINUX_KIND_LOCAL_FILE.rawValue:
        return .sharedMemory(pageSize: pageSize)
      case CLINUX_KIND_FOREIGN_FILE.rawValue:
        return .foreignFile(unsafe String(cString: start), FileSystem(number: fileSystem))
      case CLINUX_KIND_EVENTFD.rawValue: return .eventfd
      case CLINUX_KIND_SOCKET.rawValue: return .socket
      default: return .other(unsafe String(cString: start))
      }
    }
  }
}
