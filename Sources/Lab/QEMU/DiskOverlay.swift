import LinuxHost
import Topology

/// The disk that a machine writes to: a qcow2 file over its image, which stays as it is.
struct DiskOverlay: Sendable {
  /// Absolute path of the image.
  var image: String
  var disk: DiskDefinition
  var paths: NodePaths

  /// Makes the overlay; one that is there from before is used again.
  /// - Throws: `UserError` when the image is missing, has another checksum, or is not the one that the overlay was made
  ///   from.
  func prepare(_ variables: [String: String]) async throws(UserError) {
    guard Files.exists(image) else { throw UserError(.failed, "the image \(image) is not there") }
    if try !hasOverlay() {
      try await checkSum(variables)
      do {
        let backing = ["-F", disk.format.rawValue, "-b", image]
        _ = try await HostTool.run(
          "qemu-img", ["create", "-q", "-f", "qcow2"] + backing + [paths.overlay], package: "qemu-utils", variables)
      } catch {
        // Half a file would be taken for the disk next time.
        _ = try? Files.remove(paths.overlay)
        throw error
      }
    }
    if disk.persist {
      try Files.write([], to: paths.persistMark)
    } else {
      try Files.remove(paths.persistMark)
    }
  }

  private func checkSum(_ variables: [String: String]) async throws(UserError) {
    guard let wanted = disk.sha256 else { return }
    let text = try await HostTool.run("sha256sum", ["--binary", image], package: "coreutils", variables)
    let sum = text.drop { $0 == "\\" }.prefix { $0.isHexDigit }
    guard sum == wanted else {
      throw UserError(
        .failed, "the image \(image) has SHA-256 \(sum), not \(wanted)", hint: "fetch it again, or correct `sha256`")
    }
  }

  /// Looks whether the disk that is there, if one is, can be used; nothing is changed.
  /// - Throws: `UserError` when it is to persist and was made from another image.
  func check() throws(UserError) {
    guard disk.persist, let backing, backing != image else { return }
    throw UserError(
      .failed, "the disk \(paths.overlay) was made from \(backing), not from \(image)",
      hint: "remove the disk to begin anew, or go back to that image")
  }

  /// Whether there is a disk from this image; one from another image goes, unless it is to persist.
  private func hasOverlay() throws(UserError) -> Bool {
    guard Files.exists(paths.overlay) else { return false }
    try check()
    if let backing, backing != image {
      try Files.remove(paths.overlay)
      return false
    }
    return true
  }

  /// The image that the disk was made from: its header says so (QEMU docs/interop/qcow2, "Header").
  private var backing: String? {
    var file = GrowingFile(path: paths.overlay, offset: 0)
    let bytes = file.newBytes()
    func number(_ offset: Int, _ count: Int) -> Int? {
      guard offset + count <= bytes.count else { return nil }
      return Int(exactly: bytes[offset..<offset + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
    guard bytes.starts(with: Array("QFI".utf8) + [0xFB]), let offset = number(8, 8), let size = number(16, 4),
      offset > 0, (1...1023).contains(size), offset <= bytes.count - size
    else { return nil }
    return String(decoding: bytes[offset..<offset + size], as: UTF8.self)
  }
}
