import LinuxHost

/// The bound on the path of a Unix socket.
package enum SocketPath {
  /// In bytes.
  package static let limit = UnixSocket.maximumPathLength

  /// - Throws: `UserError` for a path that is longer.
  package static func check(_ path: String) throws(UserError) {
    guard path.utf8.count > limit else { return }
    throw UserError(
      .failed, "socket path of \(path.utf8.count) bytes, at most \(limit) are possible: \(path)",
      hint: "set APUS_STATE_DIR to a shorter folder, or use shorter names")
  }
}
