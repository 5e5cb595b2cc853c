import FoundationEssentials

/// Keeps a console's log within bounds: QEMU appends for as long as the guest talks.
enum ConsoleLog {
  /// Bytes at which the log is moved to `<path>.1` and begins anew.
  static let limit = 8 << 20

  /// Caps the log at `path`, if it is due.
  ///
  /// QEMU opened it for appending, so it goes on at the new end.
  static func cap(_ path: String) {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let size = attributes?[.size] as? Int ?? (attributes?[.size] as? UInt64).map(Int.init), size > limit else {
      return
    }
    guard let bytes = Files.read(path), (try? Files.write(bytes, to: "\(path).1")) != nil else { return }
    // Not by renaming: QEMU holds this very file open.
    try? Data().write(to: URL(filePath: path))
  }
}
