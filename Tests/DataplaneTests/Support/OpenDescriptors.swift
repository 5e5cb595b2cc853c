import Glibc
import TestSupport

/// The descriptors that this process has, counted by kind.
///
/// Other tests move them too: for suites that run one at a time.
struct OpenDescriptors: CustomStringConvertible {
  private var counts: [String: Int] = [:]

  init() {
    guard let folder = opendir("/proc/self/fd") else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let number = CInt(name), number != dirfd(folder) else { continue }
      var target = [CChar](repeating: 0, count: 256)
      let size = readlink("/proc/self/fd/\(name)", &target, 255)
      guard size > 0 else { continue }
      // `socket:[4711]`: the kind alone.
      let text = String(decoding: target.prefix(size).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // The clock of Swift's own, made when somebody sleeps for the first time.
      if text == "anon_inode:[timerfd]" { continue }
      counts[text.hasPrefix("anon_inode") ? text : String(text.prefix { $0 != ":" }), default: 0] += 1
    }
  }

  var total: Int { counts.values.reduce(0, +) }
  var description: String { "\(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" })" }

  /// Waits until there are no more than there were.
  func haveReturned() async -> Bool { await eventually { OpenDescriptors().total <= total } }
}
