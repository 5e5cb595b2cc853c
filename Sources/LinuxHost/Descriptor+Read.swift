import CLinux
import Glibc

extension Descriptor {
  /// Reads at most `size` bytes (1 or more) with one call; empty at the end of the file.
  /// - Throws: EAGAIN if it is non-blocking and nothing is there.
  package func read(size: Int) throws(SystemError) -> [UInt8] {
    var result = 0
    // SAFETY: the buffer lives for the call, which gets its true size and writes `result` bytes.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      result = unsafe clinux_read(raw, buffer.baseAddress, size)
      count = max(0, result)
    }
    try check(result, "read", "descriptor \(raw)")
    return bytes
  }

  /// A pipe: what is written to the second comes out of the first, whose reads do not block.
  static func pipe() throws(SystemError) -> (read: Descriptor, write: Descriptor) {
    let ends = try unsafe pair("pipe") { unsafe clinux_pipe($0) }
    try ends.0.setNonBlocking()
    return (ends.0, ends.1)
  }

  /// A pipe, as `pipe`, of which the writes do not block.
  static func inputPipe() throws(SystemError) -> (read: Descriptor, write: Descriptor) {
    let ends = try unsafe pair("pipe") { unsafe clinux_pipe($0) }
    try ends.1.setNonBlocking()
    return (ends.0, ends.1)
  }

  /// Two descriptors from a call that fills an `int[2]`.
  static func pair(
    _ call: String, _ body: (UnsafeMutablePointer<CInt>) -> CInt
  ) throws(SystemError) -> (Descriptor, Descriptor) {
    var numbers: (CInt, CInt) = (-1, -1)
    // SAFETY: a pair of CInt has the layout of int[2].
    let result = unsafe withUnsafeMutableBytes(of: &numbers) { bytes in
      guard let start = unsafe bytes.assumingMemoryBound(to: CInt.self).baseAddress else { return -EINVAL }
      return unsafe body(start)
    }
    try check(result, call)
    return (Descriptor(owning: numbers.0), Descriptor(owning: numbers.1))
  }
}
