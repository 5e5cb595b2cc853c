import CLinux
import Glibc

extension Descriptor {
  /// Opens a file for writing, empty, made if it is not there.
  /// - Parameter mayWait: whether a FIFO is waited for until somebody reads it; if not, that nobody does is ENXIO, and
  ///   writes do not block.
  package static func createFile(
    _ path: String, mode: UInt32 = 0o644, mayWait: Bool = true
  ) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check(unsafe clinux_file_create(path, mode, mayWait), "open", path))
  }

  /// Opens a file for reading; never waits, so what is no regular file reads EAGAIN when nothing is there.
  package static func openFile(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check(unsafe clinux_file_open(path), "open", path))
  }

  /// Removes a file; nothing happens if it is not there.
  package static func removeFile(_ path: String) throws(SystemError) {
    let result = unsafe clinux_file_remove(path)
    if result != -ENOENT { try check(result, "unlink", path) }
  }

  /// Writes bytes from `offset` on with one call, `limit` at most; returns how many.
  /// - Throws: EAGAIN, EPIPE, ENOSPC and the like.
  package func write(_ bytes: [UInt8], from offset: Int, limit: Int = .max) throws(SystemError) -> Int {
    // SAFETY: the range lies in the array, which lives for the call.
    let result = unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, offset >= 0, offset < buffer.count else { return 0 }
      return unsafe clinux_write(raw, base + offset, min(buffer.count - offset, limit))
    }
    return try check(result, "write", "descriptor \(raw)")
  }

  /// Waits until a write would not block or would fail at once; false when the time is over.
  ///
  /// A pipe is writable when PIPE_BUF (4096) bytes have room.
  package func waitWritable(milliseconds: Int) throws(SystemError) -> Bool {
    try check(clinux_poll_writable(raw, CInt(clamping: milliseconds)), "poll", "descriptor \(raw)") > 0
  }

  /// Waits until a read would not block or would fail at once; false when the time is over.
  package func waitReadable(milliseconds: Int) throws(SystemError) -> Bool {
    try check(clinux_poll_readable(raw, CInt(clamping: milliseconds)), "poll", "descriptor \(raw)") > 0
  }

  /// Cuts the file to `size` bytes, where the next write goes on.
  package func truncate(to size: UInt64) throws(SystemError) {
    try check(clinux_file_truncate(raw, size), "ftruncate", "descriptor \(raw)")
  }

  /// Writing waits for nobody: a file on a disk.
  package var isStorage: Bool { clinux_is_storage(raw) == 1 }

  /// A file of bytes, as opposed to a folder, a pipe, a device and the like.
  package var isRegularFile: Bool { clinux_is_regular(raw) == 1 }

  /// Whoever reads from this pipe, or is at the other end of this socket, has gone.
  package var hasHungUp: Bool { clinux_has_hung_up(raw) == 1 }
}

/// The local time.
package enum LocalTime {
  /// As `YYYYmmddHHMMSS`.
  package static func stamp(seconds: UInt64) -> String {
    var text = [CChar](repeating: 0, count: 16)
    // SAFETY: sixteen bytes are there, and the text ends with a zero byte.
    unsafe text.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { unsafe clinux_time_stamp(seconds, base) }
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
