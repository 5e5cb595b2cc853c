import Glibc

/// Settings of the kernel (sysctl(8)), of which a network namespace has some of its own.
package enum KernelSettings {
  /// Bytes of a value that are read: more than any has that can be written.
  private static let longest = 4096

  /// What a setting is.
  ///
  /// - Parameters:
  ///   - path: its file, under `/proc/sys`.
  ///   - namespace: whose setting is meant; nil = the host's.
  /// - Throws: ENOENT for a setting that is not there, EACCES for one that can be written only, and the like.
  package static func read(_ path: String, namespace: String?) async throws(SystemError) -> String {
    let limit = longest
    let bytes = try await NetworkNamespace.runWithoutBlocking(in: namespace) { () throws(SystemError) -> [UInt8] in
      // SAFETY: the path is a C string for the length of the call.
      let raw = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard raw >= 0 else { throw SystemError(call: "open", code: errno, context: path) }
      return try Descriptor(owning: raw).read(size: limit)
    }
    let end = bytes.last == UInt8(ascii: "\n") ? bytes.count - 1 : bytes.count
    return String(decoding: bytes.prefix(end), as: UTF8.self)
  }

  /// Writes a value into a setting's file.
  /// - Parameters:
  ///   - path: its file, under `/proc/sys`.
  ///   - namespace: whose setting is meant; nil = the host's.
  /// - Throws: ENOENT for a setting that is not there, EINVAL for a value that it does not take, and the like.
  package static func write(
    _ value: String, to path: String, namespace: String?
  ) async throws(SystemError) {
    try await NetworkNamespace.runWithoutBlocking(in: namespace) { () throws(SystemError) in
      // SAFETY: the path is a C string for the length of the call.
      let raw = unsafe open(path, O_WRONLY | O_CLOEXEC)
      guard raw >= 0 else { throw SystemError(call: "open", code: errno, context: path) }
      _ = try Descriptor(owning: raw).write(Array("\(value)\n".utf8), from: 0)
    }
  }
}
