internal import LinuxHost

/// The bytes of a capture file, compressed by gzip or not.
///
/// `gzip` itself takes the compression off: it runs while the file is read, and is ended with `close`.
struct ReplaySource {
  private static let piece = 1 << 20
  private static let gzipMagic: [UInt8] = [0x1F, 0x8B]

  private let file: Descriptor
  /// The first piece, until it was asked for.
  private var first: [UInt8]?
  private let gzip: ProcessOutput?

  /// Opens a file: only what ends and is read without waiting, since this is one of Swift's few threads.
  init(_ path: String) throws(ReplayError.Reason) {
    let (file, first) = try Self.open(path)
    self.file = file
    guard first.starts(with: Self.gzipMagic) else {
      self.first = first
      gzip = nil
      return
    }
    let request = SpawnRequest(executable: "gzip", arguments: ["-d", "-c"], standardInput: path)
    do throws(SystemError) {
      gzip = try ProcessOutput(request)
    } catch {
      throw .gzip("\(error)")
    }
  }

  private static func open(_ path: String) throws(ReplayError.Reason) -> (Descriptor, [UInt8]) {
    let file: Descriptor
    do throws(SystemError) { file = try Descriptor.openFile(path) } catch { throw translate(error) }
    guard file.isRegularFile else { throw .notRegular }
    guard file.fileSize != 0 else { throw .empty }
    do throws(SystemError) { return (file, try file.read(size: piece)) } catch { throw translate(error) }
  }

  /// The next bytes; empty at the end.
  mutating func next() async throws(ReplayError.Reason) -> [UInt8] {
    if let first {
      self.first = nil
      return first
    }
    let bytes: [UInt8]?
    do throws(SystemError) {
      guard let gzip else { return try file.read(size: Self.piece) }
      bytes = try await gzip.next()
    } catch {
      throw Self.translate(error)
    }
    if let bytes { return bytes }
    // 2 is a warning, as of zeros behind the end.
    if let status = gzip?.status, status != 0, status != 2 {
      let words = gzip?.complaint.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
      throw .gzip(words.map(String.init) ?? "gzip ended with status \(status)")
    }
    return []
  }

  /// Lets go of what reads the file.
  func close() async { await gzip?.close() }

  private static func translate(_ error: SystemError) -> ReplayError.Reason {
    .host("\(SystemError.text(of: error.code)) (\(SystemError.name(of: error.code)))")
  }
}
