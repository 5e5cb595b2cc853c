import Glibc

/// A file that somebody else appends to, read as it grows.
package struct GrowingFile: Sendable {
  private let path: String
  /// Bytes that were read, or passed over.
  package private(set) var offset: Int

  /// - Parameter offset: where to begin; nil = what is there now is passed over.
  package init(path: String, offset: Int?) {
    self.path = path
    self.offset = offset ?? Self.size(path) ?? 0
  }

  /// What was added since the last call, at most `limit` bytes of it; empty also while there is no file.
  ///
  /// A file that has become shorter is read from its beginning.
  package mutating func newBytes(limit: Int = 1 << 16) -> [UInt8] {
    guard let size = Self.size(path) else { return [] }
    if size < offset { offset = 0 }
    guard size > offset else { return [] }
    // SAFETY: the path is a C string for the length of the call.
    let raw = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return [] }
    let file = Descriptor(owning: raw)
    guard lseek(file.raw, off_t(offset), SEEK_SET) >= 0, let bytes = try? file.read(size: limit) else { return [] }
    offset += bytes.count
    return bytes
  }

  private static func size(_ path: String) -> Int? {
    var status = stat()
    // SAFETY: the path is a C string and the structure is ours, both for the length of the call.
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Int(status.st_size)
  }
}
