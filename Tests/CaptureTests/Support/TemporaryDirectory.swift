import Glibc
import LinuxHost

/// A new directory below `/tmp`, removed with the files in it when dropped.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/apc-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp", code: errno, context: "/tmp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in HostFacts.entries(of: path) { remove("\(path)/\(name)") }
    rmdir(path)
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }
}
