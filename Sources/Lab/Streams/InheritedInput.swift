import LinuxHost

/// Standard input of this process.
package enum InheritedInput {
  /// Never closed, as it is not ours.
  private static let descriptor = Descriptor(owning: 0)

  /// Reads at most `size` bytes, waiting until there are some; empty at the end, or when it cannot be read.
  ///
  /// Blocks its thread.
  package static func read(size: Int) -> [UInt8] {
    while true {
      do throws(SystemError) {
        return try descriptor.read(size: size)
      } catch {
        // Somebody who has the same file open wants no waiting.
        guard error.isTemporary, (try? descriptor.waitReadable(milliseconds: 1000)) != nil else { return [] }
      }
    }
  }
}
