import LinuxHost

/// The bound on the path of a Unix socket.
package enum SocketPath {
  /// In bytes.
  package static let limit = UnixSocket.maximumPathLength

  /// - Throws: `UserError` for a path that is longer, or has a zero byte, at which the kernel would take it to end.
  package static func check(_ path: String) throws(UserError) {
    guard !path.utf8.contains(0) else {
      throw UserError(.failed, "socket path \"\(path.prefix { $0 != "\0" })...\" has a zero byte")
    }
    guard path.utf8.count > limit else { return }
    throw UserError(
      .failed, "socket path of \(path.utf8.count) bytes, at most \(limit) are possible: \(path)",
      hint: "set APUS_STATE_DIR to a shorter folder, or use shorter names")
  }
}
