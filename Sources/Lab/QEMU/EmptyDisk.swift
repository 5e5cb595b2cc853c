import LinuxHost
import Topology

/// The disk of a machine without an image: a qcow2 file with nothing in it at first.
struct EmptyDisk: Sendable {
  /// Bytes that the machine sees.
  var size: Int
  var persists: Bool
  var paths: NodePaths

  /// What a qcow2 file says of itself (QEMU docs/interop/qcow2, "Header").
  struct Header: Equatable {
    var hasBacking: Bool
    /// Bytes that a machine sees.
    var size: UInt64

    init?(of path: String) {
      guard let file = try? Descriptor.openFile(path), let bytes = try? file.read(at: 0, count: 32),
        bytes.count == 32, bytes.starts(with: Array("QFI".utf8) + [0xFB])
      else { return nil }
      func number(_ offset: Int) -> UInt64 { bytes[offset..<offset + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
      hasBacking = number(8) != 0
      size = number(24)
    }
  }

  /// Makes the disk; one that is there from before is used again, if it is as it is to be.
  /// - Parameter progress: takes a line about a disk that gives way to a new one.
  /// - Throws: `UserError` when the disk that is there is another, and to persist.
  func prepare(_ variables: [String: String], _ progress: @Sendable (String) -> Void) async throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    let reason = reasonAgainst()
    if let reason {
      if persists { throw reason }
      progress("note: \(reason.message): it begins with a new disk")
      try Files.remove(NodeFile.disk.rawValue, in: folder)
    }
    if reason != nil || !Files.exists(paths.overlay) { try await make(in: folder, variables) }
    if persists {
      try Files.write([], as: NodeFile.persistMark.rawValue, in: folder)
    } else {
      try Files.remove(NodeFile.persistMark.rawValue, in: folder)
    }
  }

  /// Looks whether the disk that is there, if one is, can be used; nothing is changed.
  func check() throws(UserError) {
    if persists, let reason = reasonAgainst() { throw reason }
  }

  private func make(in folder: Folder, _ variables: [String: String]) async throws(UserError) {
    // Half a file would be taken for the disk next time, so it gets its name when it is whole.
    let unfinished = NodeFile.unfinishedDisk.rawValue
    try Files.remove(unfinished, in: folder)
    // That of an image which the machine had before.
    try Files.remove(NodeFile.imageRecord.rawValue, in: folder)
    let arguments = ["create", "-q", "-f", "qcow2", folder.path(of: unfinished), "\(size)"]
    do throws(UserError) {
      _ = try await HostTool.run("qemu-img", arguments, package: "qemu-utils", variables)
    } catch {
      try? Files.remove(unfinished, in: folder)
      throw error
    }
    do throws(SystemError) {
      try folder.rename(unfinished, to: NodeFile.disk.rawValue)
    } catch {
      throw UserError(.failed, "cannot make \(paths.overlay): \(SystemError.text(of: error.code))")
    }
  }

  /// Why the disk that is there cannot be used; nil if it can, or none is there.
  private func reasonAgainst() -> UserError? {
    guard Files.exists(paths.overlay) || Files.isSymbolicLink(paths.overlay) else { return nil }
    let hint = "remove the disk to begin anew: what the machine has written is lost then"
    guard let header = Header(of: paths.overlay) else {
      return UserError(.failed, "the disk \(paths.overlay) is no qcow2 file that can be read", hint: hint)
    }
    if header.hasBacking || Files.exists(paths.imageRecord) {
      return UserError(.failed, "the disk \(paths.overlay) was made from an image", hint: hint)
    }
    guard header.size != UInt64(clamping: size) else { return nil }
    return UserError(
      .failed, "the disk \(paths.overlay) has \(header.size) bytes, not \(size)",
      hint: "give it its former size, or remove the disk to begin anew")
  }
}

/// The store of OVMF's variables, which a machine with UEFI has beside its disk.
enum UEFIVariables {
  /// Makes the store; one that is there from before is used again.
  static func prepare(_ paths: NodePaths, template: String) throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    guard !Files.exists(paths.variables) else { return }
    guard let bytes = Files.read(template) else { throw UserError(.failed, "cannot read \(template)") }
    try Files.write(bytes, as: NodeFile.variables.rawValue, in: folder)
  }
}
