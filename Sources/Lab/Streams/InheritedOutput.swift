import LinuxHost

/// Standard output and standard error of this process.
package enum InheritedOutput {
  /// Never closed, as they are not ours.
  private static let (output, error) = (Descriptor(owning: 1), Descriptor(owning: 2))

  /// Writes all bytes, waiting for the reader.
  ///
  /// Blocks its thread.
  /// - Returns: nil, or why not all of them could be written, as in errno(3).
  package static func write(_ bytes: [UInt8], toError: Bool) -> Int32? {
    write(bytes, to: toError ? error : output)
  }

  /// The size of the terminal that is written to; nil when it is none, or does not know.
  package static func size(ofError isError: Bool = false) -> TerminalSize? {
    PseudoTerminal.size(of: isError ? error : output).map { TerminalSize(rows: $0.rows, columns: $0.columns) }
  }

  static func write(_ bytes: [UInt8], to descriptor: Descriptor) -> Int32? {
    var done = 0
    while done < bytes.count {
      do throws(SystemError) {
        done += try descriptor.write(bytes, from: done)
      } catch {
        // Somebody who has the same file open wants no waiting.
        guard error.isTemporary, (try? descriptor.waitWritable(milliseconds: 1000)) != nil else { return error.code }
      }
    }
    return nil
  }
}
