import Glibc
import LinuxHost
import Topology

/// Makes the folders of labs and nodes, each with its mark, open to nobody else.
///
/// A folder of sockets may be passed through, since sockets have owners and modes of their own; its names are nobody's
/// business.
package enum LabFolders {
  /// Permission bits of the folders that hold sockets.
  static let passageMode: UInt32 = 0o711
  /// Permission bits of all other folders.
  static let ownMode: UInt32 = 0o700
  /// Permission bits of files.
  static let fileMode: UInt32 = 0o600

  /// What two daemons of which one begins while the other ends may leave in a folder without its mark.
  private static func isPassing(_: Folder, _ entry: String) -> Bool {
    ["apus.log", "apus.pid", "control.sock"].contains(entry) || Folder.isUnfinished(entry, of: FolderMark.file)
  }

  /// Makes a lab's folders, or finds that they are its.
  /// - Throws: `UserError` when a folder of that name is there that is not the lab's: nothing in it is touched.
  package static func make(_ lab: String, in directories: LabDirectories) throws(UserError) {
    do throws(UserError) {
      _ = try state(of: lab, in: directories)
      _ = try data(of: lab, in: directories)
    } catch {
      // One of the two may have been made.
      LabFiles.removeUnused(lab, in: directories)
      throw error
    }
  }

  /// Makes the folder of a node's sockets and process.
  static func makeState(_ paths: NodePaths) throws(UserError) {
    try make(paths, in: try state(of: paths.lab, in: paths.directories))
  }

  /// Makes the folder of a node's logs and disks.
  static func makeData(_ paths: NodePaths) throws(UserError) {
    try make(paths, in: try data(of: paths.lab, in: paths.directories))
  }

  private static func make(_ paths: NodePaths, in folder: Folder) throws(UserError) {
    // In a lab's own folder, one of the node's name with nothing but a node's files is what an earlier version made.
    _ = try open(paths.node, in: folder, ownMode, .node(paths.node, of: paths.lab)) { inner, name in
      LabFiles.isOfNode(name, in: inner)
    }
  }

  private static func state(of lab: String, in directories: LabDirectories) throws(UserError) -> Folder {
    try open(lab, in: try root(directories.stateRoot, passageMode), passageMode, .lab(lab))
  }

  private static func data(of lab: String, in directories: LabDirectories) throws(UserError) -> Folder {
    // Who has both in one place has sockets there.
    let mode = directories.dataRoot == directories.stateRoot ? passageMode : ownMode
    return try open(lab, in: try root(directories.dataRoot, mode), mode, .lab(lab))
  }

  private static func root(_ path: String, _ mode: UInt32) throws(UserError) -> Folder {
    do throws(SystemError) {
      return try Folder.make(path, mode: mode)
    } catch {
      throw UserError(
        .failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))",
        hint: "run as root, or set APUS_STATE_DIR and APUS_DATA_DIR to folders of your own")
    }
  }

  /// Opens a folder that is made, or found to be ours.
  /// - Parameter mayHold: whether an entry may be in a folder without a mark that is taken all the same.
  private static func open(
    _ name: String, in parent: Folder, _ mode: UInt32, _ mark: FolderMark,
    mayHold: (Folder, String) -> Bool = isPassing
  ) throws(UserError) -> Folder {
    let path = parent.path(of: name)
    var attempts = 10
    while true {
      let found: Folder?
      do throws(SystemError) {
        found = try take(name, in: parent, mode, mark, mayHold)
      } catch {
        attempts -= 1
        switch error.code {
        // Whoever had it before has just removed it.
        case ENOENT where attempts > 0: continue
        case ENOTDIR, ELOOP: throw UserError(.failed, "\(path) is in the way: it is no folder", hint: "move it away")
        default: throw UserError(.failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))")
        }
      }
      guard let found else { throw foreign(path, mark) }
      return found
    }
  }

  /// - Returns: nil for a folder that is somebody else's.
  private static func take(
    _ name: String, in parent: Folder, _ mode: UInt32, _ mark: FolderMark, _ mayHold: (Folder, String) -> Bool
  ) throws(SystemError) -> Folder? {
    try parent.makeFolder(name, mode: mode)
    let folder = try parent.folder(name)
    if !mark.isIn(folder) {
      let names = try folder.names()
      if names.allSatisfy({ mayHold(folder, $0) }) { try mark.write(in: folder) }
    }
    // Another command may just have marked it, too.
    guard mark.isIn(folder) else { return nil }
    try folder.setMode(mode)
    return folder
  }

  private static func foreign(_ path: String, _ mark: FolderMark) -> UserError {
    UserError(
      .failed, "the folder \(path) is there and is not ours: no file \(FolderMark.file) in it says \"\(mark.text)\"",
      hint: "move it away, or, if it is what an earlier Apus left of this lab: "
        + "`echo \(mark.text) >\(path)/\(FolderMark.file)`")
  }
}
