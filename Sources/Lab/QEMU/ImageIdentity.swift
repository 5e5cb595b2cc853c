import FoundationEssentials
import LinuxHost

/// Which image a disk lies over, by what is in it.
///
/// A disk holds only what was written over its image: over another one its file system is garbage, and nothing in a
/// qcow2 file tells (its header names the image by path alone).
struct ImageIdentity: Codable, Sendable, Equatable {
  /// Bytes of the image's file.
  var size: UInt64
  /// SHA-256 of its first and last MiB and of samples between them, in hexadecimal digits.
  var digest: String
  /// Where that was seen; says only when to look again.
  var stamp: FileStamp

  /// Bytes at either end that count in full.
  static let endSize: UInt64 = 1 << 20
  /// Samples between the ends, and bytes of each.
  static let sampleCount: UInt64 = 64
  static let sampleSize: UInt64 = 64 << 10

  /// Whether it is the same image; it may lie elsewhere.
  func isSame(as other: ImageIdentity) -> Bool { size == other.size && digest == other.digest }

  /// Looks at an image.
  /// - Parameter known: what was seen before; a file that was not touched since is not read.
  static func of(
    _ image: String, known: ImageIdentity?, _ variables: [String: String]
  ) async throws(UserError) -> ImageIdentity {
    let stamp: FileStamp
    let samples: Descriptor
    do throws(SystemError) {
      let file = try Descriptor.openFile(image)
      stamp = try file.stamp()
      if let known, known.stamp == stamp, file.isRegularFile { return known }
      samples = try Descriptor.memoryFile(try bytes(of: file, size: stamp.size))
    } catch {
      throw UserError(.failed, "cannot read the image \(image): \(SystemError.text(of: error.code))")
    }
    defer { withExtendedLifetime(samples) {} }
    let text = try await HostTool.run("sha256sum", [], package: "coreutils", input: samples.path, variables)
    return ImageIdentity(size: stamp.size, digest: String(text.prefix { $0.isHexDigit }), stamp: stamp)
  }

  /// Both ends and the samples, in the order of the file; a small file is taken whole.
  private static func bytes(of file: Descriptor, size: UInt64) throws(SystemError) -> [UInt8] {
    let all = 2 * endSize + sampleCount * sampleSize
    guard size > all else { return try file.read(at: 0, count: Int(all)) }
    var bytes = try file.read(at: 0, count: Int(endSize))
    // The beginnings of as many equal parts of what lies between the ends: the first is where the first partition of
    // most disks begins, with what its file system notes down when it is mounted.
    let part = (size - 2 * endSize) / sampleCount
    for number in 0..<sampleCount { bytes += try file.read(at: endSize + number * part, count: Int(sampleSize)) }
    return bytes + (try file.read(at: size - endSize, count: Int(endSize)))
  }

  // MARK: - Beside the disk

  static func read(_ paths: NodePaths, _ files: DiskFiles = DiskFiles()) -> ImageIdentity? {
    Files.read("\(paths.dataDirectory)/\(files.record)").flatMap {
      try? JSONDecoder().decode(ImageIdentity.self, from: Data($0))
    }
  }

  func write(in folder: Folder, _ files: DiskFiles = DiskFiles()) throws(UserError) {
    try Files.write(encoded(self), as: files.record, in: folder)
  }
}
