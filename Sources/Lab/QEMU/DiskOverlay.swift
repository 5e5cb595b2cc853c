import LinuxHost
import Topology

/// The disk that a machine writes to: a qcow2 file over its image, which stays as it is.
struct DiskOverlay: Sendable {
  /// Absolute path of the image.
  var image: String
  var disk: DiskDefinition
  var paths: NodePaths
  /// Which of the machine's disks it is.
  var files = DiskFiles()

  private var overlay: String { paths.disk(files.number) }

  /// Makes the overlay; one that is there from before is used again, if its image is still the same.
  /// - Parameter progress: takes a line about a disk whose image was not known, or is another now.
  /// - Throws: `UserError` when the image is missing, has another checksum, or is not the one that the overlay was made
  ///   from.
  func prepare(
    _ variables: [String: String], _ progress: @Sendable (String) -> Void = { _ in }
  ) async throws(UserError) {
    guard Files.exists(image) else { throw UserError(.failed, "the image \(image) is not there") }
    let folder = try LabFolders.makeData(paths)
    let known = ImageIdentity.read(paths, files)
    let identity = try await ImageIdentity.of(image, known: known, variables)
    if try keepsOverlay(known, identity, folder, progress) {
      if let note = identity.note(about: image, since: known) { progress("note: \(note)") }
      if known != identity { try identity.write(in: folder, files) }
    } else {
      try await checkSum(variables)
      try await make(identity, in: folder, variables)
    }
    try mark(in: folder)
  }

  /// Says in the node's folder whether its disks outlive the lab.
  private func mark(in folder: Folder) throws(UserError) {
    if disk.persist {
      try Files.write([], as: NodeFile.persistMark.rawValue, in: folder)
    } else {
      try Files.remove(NodeFile.persistMark.rawValue, in: folder)
    }
  }

  /// Makes a disk that lies over no image, if it is not there; another one that is there goes, unless it is to persist.
  /// - Parameter size: bytes as the guest sees it.
  /// - Throws: `UserError` when another one is there that is to persist.
  func prepareEmpty(size: Int, _ variables: [String: String]) async throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    if try isThere(), !isEmptyDisk(of: size) {
      if disk.persist {
        throw UserError(
          .failed, "the disk \(overlay) is another than the empty one of \(size) bytes",
          hint: "remove it to begin anew: what the machine has written is lost then")
      }
      try Files.remove(files.disk, in: folder)
      try Files.remove(files.record, in: folder)
    }
    if try !isThere() {
      try Files.remove(files.unfinished, in: folder)
      _ = try await HostTool.run(
        "qemu-img", ["create", "-q", "-f", "qcow2", folder.path(of: files.unfinished), "\(size)"],
        package: "qemu-utils", variables)
      do throws(SystemError) {
        try folder.rename(files.unfinished, to: files.disk)
      } catch {
        throw UserError(.failed, "cannot make \(overlay): \(SystemError.text(of: error.code))")
      }
    }
    try mark(in: folder)
  }

  /// Whether the disk that is there was made as an empty one of these bytes.
  private func isEmptyDisk(of size: Int) -> Bool {
    guard let header = EmptyDisk.Header(of: overlay) else { return false }
    // qemu-img makes whole sectors of them.
    return !header.hasBacking && header.size == (UInt64(clamping: size) + 511) / 512 * 512
  }

  private func make(
    _ identity: ImageIdentity, in folder: Folder, _ variables: [String: String]
  ) async throws(UserError) {
    // Half a file would be taken for the disk next time, so it gets its name when it is whole.
    let unfinished = folder.path(of: files.unfinished)
    do throws(UserError) {
      try Files.remove(files.unfinished, in: folder)
      let backing = ["-F", disk.format.rawValue, "-b", image]
      _ = try await HostTool.run(
        "qemu-img", ["create", "-q", "-f", "qcow2"] + backing + [unfinished], package: "qemu-utils", variables)
      // First, so that no disk is there without it.
      try identity.write(in: folder, files)
      do throws(SystemError) {
        try folder.rename(files.unfinished, to: files.disk)
      } catch {
        throw UserError(.failed, "cannot make \(overlay): \(SystemError.text(of: error.code))")
      }
    } catch {
      for name in [files.unfinished, files.record] {
        try? Files.remove(name, in: folder)
      }
      throw error
    }
  }

  private func checkSum(_ variables: [String: String]) async throws(UserError) {
    guard let wanted = disk.sha256 else { return }
    let tool = SumTool("sha256sum", variables)
    let text = try await HostTool.run(tool.program, tool.arguments, package: tool.package, input: image, variables)
    let sum = text.prefix { $0.isHexDigit }
    guard sum == wanted else {
      throw UserError(
        .failed, "the image \(image) has SHA-256 \(sum), not \(wanted)", hint: "fetch it again, or correct `sha256`")
    }
  }

  /// Looks whether the disk that is there, if one is, can be used; nothing is changed.
  /// - Throws: `UserError` when it is to persist and was made from another image, or cannot be reached.
  func check(_ variables: [String: String]) async throws(UserError) {
    guard try isThere(), disk.persist else { return }
    let known = ImageIdentity.read(paths, files)
    if let reason = reasonAgainst(known, try await ImageIdentity.of(image, known: known, variables)) { throw reason }
  }

  /// Whether there is a disk from this image; one from another image goes, unless it is to persist.
  private func keepsOverlay(
    _ known: ImageIdentity?, _ identity: ImageIdentity, _ folder: Folder, _ progress: (String) -> Void
  ) throws(UserError) -> Bool {
    guard try isThere() else { return false }
    guard let reason = reasonAgainst(known, identity) else { return true }
    if disk.persist { throw reason }
    progress("note: \(reason.message): it begins with a new disk")
    try Files.remove(files.disk, in: folder)
    return false
  }

  /// Whether there is a disk.
  /// - Throws: `UserError` when it is a symbolic link to one that cannot be reached: a new one in its place would look as
  ///   if all were lost.
  private func isThere() throws(UserError) -> Bool {
    if Files.exists(overlay) { return true }
    guard Files.isSymbolicLink(overlay) else { return false }
    throw UserError(
      .failed, "the disk \(overlay) is a symbolic link that leads nowhere",
      hint: "is what it leads to mounted? remove the link to begin with a new disk")
  }

  /// Why the disk that is there cannot be used over the image as it is now; nil if it can.
  private func reasonAgainst(_ known: ImageIdentity?, _ identity: ImageIdentity) -> UserError? {
    let backing = Self.backing(of: overlay)
    if let backing, backing != image {
      return UserError(
        .failed, "the disk \(overlay) was made from \(backing), not from \(image)",
        hint: "remove the disk to begin anew, or go back to that image")
    }
    if backing == nil, known == nil, EmptyDisk.Header(of: overlay)?.hasBacking == false {
      return UserError(
        .failed, "the disk \(overlay) was made without an image",
        hint: "remove the disk to begin anew, or go back to `image: none`")
    }
    guard let known, !known.isSame(as: identity) else { return nil }
    return UserError(
      .failed,
      "the disk \(overlay) was made from another image than \(image) is now: "
        + "then \(known.words), now \(identity.words)",
      hint: "put the former image back, or remove the disk to begin anew: what the machine has written is lost then")
  }

  /// The image that a disk was made from: its header says so (QEMU docs/interop/qcow2, "Header").
  static func backing(of disk: String) -> String? {
    var file = GrowingFile(path: disk, offset: 0)
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

extension ImageIdentity {
  /// What a person should know who goes on with a disk over this image; nil as a rule.
  fileprivate func note(about image: String, since known: ImageIdentity?) -> String? {
    guard let known else {
      return "nothing told which image its disk was made from; \(image), as it is now, is taken for it"
    }
    let isSameFile = stamp.device == known.stamp.device && stamp.inode == known.stamp.inode
    guard isSameFile, stamp.modified != known.stamp.modified else { return nil }
    return "\(image) was written to since its disk was last used; what is looked at of it is as it was"
  }

  /// For a person who compares two.
  fileprivate var words: String { "\(size) bytes (sampled SHA-256 \(digest.prefix(12))…)" }
}
