import Glibc

/// Memory of this process that is not had yet.
package enum HostMemory {
  /// Whether so many bytes in one piece can be had now.
  ///
  /// For large copies into arrays of Swift, which end the process where there is no memory.
  package static func hasRoom(for bytes: Int) -> Bool {
    guard bytes > 0 else { return true }
    // SAFETY: what is had is given back at once, untouched.
    guard let memory = unsafe malloc(bytes) else { return false }
    unsafe free(memory)
    return true
  }
}
