import Glibc

/// The files that unix sockets leave behind.
package enum SocketFile {
  /// Removes a socket's file; one that is gone already is fine.
  package static func remove(_ path: String) {
    // SAFETY: the string is alive during the call.
    _ = unsafe unlink(path)
  }
}
