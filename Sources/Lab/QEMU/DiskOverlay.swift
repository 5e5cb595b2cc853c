import FoundationEssentials
import Topology

/// The disk that a machine writes to: a qcow2 file over its image, which stays as it is.
struct DiskOverlay: Sendable {
  /// Absolute path of the image.
  var image: String
  var disk: DiskDefinition
  var paths: NodePaths

  private struct Info: Decodable {
    var backing: String?
    enum CodingKeys: String, CodingKey { case backing = "full-backing-filename" }
  }

  /// Makes the overlay; one that is there from before is used again.
  /// - Throws: `UserError` when the image is missing, has another checksum, or is not the one that the overlay was made
  ///   from.
  func prepare(_ variables: [String: String]) async throws(UserError) {
    guard Files.exists(image) else { throw UserError(.failed, "the image \(image) is not there") }
    if try await !hasOverlay(variables) {
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

  /// Whether there is a disk from this image; one from another image goes, unless it is to persist.
  private func hasOverlay(_ variables: [String: String]) async throws(UserError) -> Bool {
    guard Files.exists(paths.overlay) else { return false }
    let arguments = ["info", "--output=json", "--force-share", paths.overlay]
    let text = try await HostTool.run("qemu-img", arguments, package: "qemu-utils", variables)
    let info = try? JSONDecoder().decode(Info.self, from: Data(text.utf8))
    guard let backing = info?.backing, backing != image else { return true }
    guard disk.persist else {
      try Files.remove(paths.overlay)
      return false
    }
    throw UserError(
      .failed, "the disk \(paths.overlay) was made from \(backing), not from \(image)",
      hint: "remove the disk to begin anew, or go back to that image")
  }
}
