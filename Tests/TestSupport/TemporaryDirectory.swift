import Glibc
import LinuxHost

/// A new directory below `/tmp`, removed with the files and empty directories in it when dropped.
package final class TemporaryDirectory: Sendable {
  package let path: String

  /// - Throws: `SystemError` of mkdtemp(3).
  package init() throws {
    var template = Array("/tmp/apu-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp", code: errno, context: "/tmp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in HostFacts.entries(of: path) { remove("\(path)/\(name)") }
    rmdir(path)
  }

  /// The path of something in it.
  package func path(_ name: String) -> String { "\(path)/\(name)" }
}
