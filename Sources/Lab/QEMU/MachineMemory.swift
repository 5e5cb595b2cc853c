import LinuxHost

/// Where the memory of a machine lies; shared in any case, as this is how a vhost-user back-end sees the guest's buffers.
enum MachineMemory: Sendable, Equatable {
  /// A file that another QEMU of this host can have too: to it the machine moves without a copy.
  case file(String)
  /// Nobody else finds it.
  case anonymous

  /// QEMU's object of it.
  /// - Parameter size: bytes.
  func word(size: Int) -> String {
    switch self {
    case .file(let path):
      "memory-backend-file,id=ram,size=\(size),mem-path=\(QEMUCommandLine.escaped(path)),share=on"
    case .anonymous: "memory-backend-memfd,id=ram,size=\(size),share=on"
    }
  }

  /// Makes the file of a node's memory.
  ///
  /// Who writes to one for which there is no room any more is killed for it. So the file is made only where there is room
  /// for all of it, and of all others of this product.
  /// - Parameter size: bytes.
  /// - Returns: where the memory is to be, and, if that is in no file, why not.
  static func make(_ paths: NodePaths, size: Int) -> (memory: MachineMemory, reason: String?) {
    do throws(UserError) {
      let folder = try LabFolders.memory(of: paths.lab, in: paths.directories)
      do throws(SystemError) {
        try folder.makeFile(paths.node, size: UInt64(clamping: size), mode: LabFolders.fileMode)
      } catch {
        throw UserError(.failed, "cannot make \(paths.memory): \(SystemError.text(of: error.code))")
      }
      // Looked at afterwards: of two that are made at once none is overlooked.
      let (room, promised) = (folder.room ?? 0, promises())
      guard promised > room else { return (.file(paths.memory), nil) }
      try Files.remove(paths.node, in: folder)
      let shared = LabDirectories.sharedMemory
      return (
        .anonymous,
        "\(shared) has no room for its \(size >> 20) MiB: \(room >> 20) MiB are free, "
          + "with it \(promised >> 20) MiB are promised"
      )
    } catch {
      return (.anonymous, error.message)
    }
  }

  /// Removes the file of a node's memory; who still has it open keeps it.
  static func remove(_ paths: NodePaths) {
    guard let root = LabFolders.findMemory(in: paths.directories)?.root, let lab = try? root.folder(paths.lab),
      FolderMark.lab(paths.lab).isIn(lab)
    else { return }
    _ = try? lab.remove(paths.node)
  }

  /// Bytes that the memory of machines, of all places of labs that this user may look into, has still to take.
  private static func promises() -> UInt64 {
    var sum: UInt64 = 0
    guard let shared = try? Folder(LabDirectories.sharedMemory) else { return sum }
    for name in (try? shared.names()) ?? [] where name == "apus" || name.hasPrefix("apus-") {
      guard let root = try? shared.folder(name) else { continue }
      for lab in (try? root.names()) ?? [] {
        guard let folder = try? root.folder(lab) else { continue }
        for file in (try? folder.names()) ?? [] {
          guard let extent = folder.extent(of: file), extent.size > extent.taken else { continue }
          sum &+= extent.size - extent.taken
        }
      }
    }
    return sum
  }
}
