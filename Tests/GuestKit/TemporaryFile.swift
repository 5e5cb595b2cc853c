import Glibc
import LinuxHost

/// Ordinary files, as QEMU's `memory-backend-file` maps them.
package enum TemporaryFile {
  /// A file of `size` bytes in the temporary folder, which has no name any more, so that nothing is left of it.
  package static func make(size: Int) throws(GuestKitError) -> Descriptor {
    var template = Array("/tmp/apg-XXXXXX".utf8CString)
    let raw = mkstemp(&template)
    guard raw >= 0 else { throw .system("mkstemp: errno \(errno)") }
    let descriptor = Descriptor(owning: raw)
    unlink(template)
    guard ftruncate(raw, off_t(size)) == 0 else { throw .system("ftruncate: errno \(errno)") }
    return descriptor
  }

  /// Whether the temporary folder lies where guest memory may lie, as it does unless a container's overlay is its root.
  package static let isMemory: Bool = {
    guard let file = try? make(size: 4096), case .sharedMemory = file.kind else { return false }
    return true
  }()
}
