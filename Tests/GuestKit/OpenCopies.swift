import Glibc
import LinuxHost

/// How many descriptors of this process refer to the same file as `descriptor`, itself included.
///
/// Unlike a count of all descriptors it does not move with what other tests do meanwhile.
package func openCopies(of descriptor: Descriptor) -> Int {
  guard let wanted = FileIdentity(descriptor.raw), let folder = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(folder) }
  var count = 0
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if let raw = CInt(name), FileIdentity(raw) == wanted { count += 1 }
  }
  return count
}

/// What tells one open file from another: inode, and for an eventfd (all share one inode) its number in fdinfo.
private struct FileIdentity: Equatable {
  var device: UInt64
  var inode: UInt64
  var event: String

  init?(_ raw: CInt) {
    var status = stat()
    guard fstat(raw, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    event = Self.eventNumber(raw)
  }

  private static func eventNumber(_ raw: CInt) -> String {
    guard let file = fopen("/proc/self/fdinfo/\(raw)", "re") else { return "" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
      let text = line.prefix { $0 != 0 }.map { Character(UnicodeScalar(UInt8(bitPattern: $0))) }
      if String(text).hasPrefix("eventfd-id") { return String(text) }
    }
    return ""
  }
}
