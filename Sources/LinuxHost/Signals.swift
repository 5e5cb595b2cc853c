import CLinux
import Glibc

/// Signals as descriptors: blocked everywhere and read like a file, so no handler runs.
package enum Signals {
  /// Makes writes to a closed connection fail with EPIPE instead of ending the process.
  package static func ignorePipe() {
    _ = clinux_ignore_pipe()
  }

  /// Blocks signals in the calling thread and all that it starts from now on; to be called before there are others.
  package static func block(_ numbers: [CInt]) {
    // SAFETY: the array lives for the call and its true size is given.
    _ = unsafe clinux_signals_block(numbers, numbers.count)
  }

  /// A non-blocking signalfd, readable when one of the signals came; they must be blocked in all threads.
  package static func descriptor(for numbers: [CInt]) throws(SystemError) -> Descriptor {
    // SAFETY: the array lives for the call and its true size is given.
    let result = unsafe clinux_signalfd(numbers, numbers.count)
    return Descriptor(owning: try check(result, "signalfd", "signals \(numbers)"))
  }

  /// The next signal of such a descriptor; nil if none came.
  package static func read(_ descriptor: Descriptor) -> CInt? {
    let number = clinux_signalfd_read(descriptor.raw)
    return number > 0 ? number : nil
  }
}
