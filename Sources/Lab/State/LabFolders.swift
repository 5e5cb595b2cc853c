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

  /// Makes the folder of all labs, which stays.
  package static func makeRoot(in directories: LabDirectories) throws(UserError) {
    _ = try root(directories.stateRoot, passageMode)
  }

  /// Makes a lab's folders, or finds that they are its.
  /// - Throws: `UserError` when a folder of that name is there that is not the lab's: nothing in it is touched.
  package static func make(_ lab: String, in directories: LabDirectories) throws(UserError) {
    do throws(UserError) {
      for folder in [try state(of: lab, in: directories), try data(of: lab, in: directories)] {
        // A daemon opens these by their paths.
        for file in ofDaemon {
          let found = try? folder.kind(of: file.rawValue)
          guard found == nil || found == file.kind else {
            throw UserError(
              .failed, "\(folder.path(of: file.rawValue)) is in the way: it is not ours", hint: "move it away")
          }
        }
      }
    } catch {
      // One of the two may have been made.
      LabFiles.removeUnused(lab, in: directories)
      throw error
    }
  }

  /// Makes the folder of what is running of a lab.
  static func state(of lab: String, in directories: LabDirectories) throws(UserError) -> Folder {
    let root = try root(directories.stateRoot, passageMode)
    return try open(lab, in: root, passageMode, .lab(lab), hint: adoption(of: lab, in: directories))
  }

  /// Makes the folder of a lab's logs and disks.
  private static func data(of lab: String, in directories: LabDirectories) throws(UserError) -> Folder {
    let root = try root(directories.dataRoot, ownMode)
    // Who has both in one place has sockets there.
    let isState = (try? Folder(directories.stateRoot)).map(root.isSame) ?? false
    return try open(
      lab, in: root, isState ? passageMode : ownMode, .lab(lab), hint: adoption(of: lab, in: directories))
  }

  /// Makes the folder of the memory of a lab's machines.
  /// - Throws: `UserError` when it cannot be made, or is somebody else's: everybody may make folders where it is.
  static func memory(of lab: String, in directories: LabDirectories) throws(UserError) -> Folder {
    var attempts = 3
    while true {
      do throws(UserError) {
        return try open(lab, in: try memoryRoot(in: directories), ownMode, .lab(lab), hint: nil)
      } catch {
        // Who takes another lab down removes the folder of all when it is empty.
        attempts -= 1
        if attempts == 0 { throw error }
      }
    }
  }

  private static func memoryRoot(in directories: LabDirectories) throws(UserError) -> Folder {
    let path = directories.memoryRoot
    do throws(SystemError) {
      let shared = try Folder(LabDirectories.sharedMemory)
      try shared.makeFolder(directories.memoryFolder, mode: ownMode)
      let root = try shared.folder(directories.memoryFolder)
      guard root.isOwn else { throw SystemError(call: "open", code: EPERM, context: path) }
      try root.setMode(ownMode)
      return root
    } catch {
      throw UserError(.failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))")
    }
  }

  /// The folder of the memory of all labs' machines, if it is there and is ours, and the one that it is in.
  static func findMemory(in directories: LabDirectories) -> (root: Folder, above: Folder)? {
    guard let shared = try? Folder(LabDirectories.sharedMemory),
      let root = try? shared.folder(directories.memoryFolder), root.isOwn
    else { return nil }
    return (root, shared)
  }

  /// Makes the folder of a node's sockets and process.
  @discardableResult
  static func makeState(_ paths: NodePaths) throws(UserError) -> Folder {
    try make(paths, in: try state(of: paths.lab, in: paths.directories))
  }

  /// Makes the folder of a node's logs and disks.
  @discardableResult
  static func makeData(_ paths: NodePaths) throws(UserError) -> Folder {
    try make(paths, in: try data(of: paths.lab, in: paths.directories))
  }

  private static func make(_ paths: NodePaths, in folder: Folder) throws(UserError) -> Folder {
    let mark = FolderMark.node(paths.node, of: paths.lab)
    let path = folder.path(of: paths.node)
    // In a lab's own folder, one of the node's name with nothing but a node's files is what an earlier version made.
    return try open(
      paths.node, in: folder, ownMode, mark,
      hint: "`echo \(mark.text) >\(ShellWord.quoted("\(path)/\(FolderMark.file)"))`",
      mayHold: LabFiles.isOfNode)
  }

  /// The folder of a node's sockets and process, if it is there and is the node's.
  static func findState(_ paths: NodePaths) -> Folder? {
    guard let lab = try? Folder(paths.directories.stateRoot).folder(paths.lab), FolderMark.lab(paths.lab).isIn(lab),
      let node = try? lab.folder(paths.node), FolderMark.node(paths.node, of: paths.lab).isIn(node)
    else { return nil }
    return node
  }

  /// Marks, and closes to others, what an earlier version has made of a node of a lab whose own folders are marked.
  static func adopt(_ paths: NodePaths) {
    for root in [paths.directories.stateRoot, paths.directories.dataRoot] {
      guard let lab = try? Folder(root).folder(paths.lab), FolderMark.lab(paths.lab).isIn(lab),
        (try? lab.kind(of: paths.node)) == .folder
      else { continue }
      // One that is somebody else's stays as it is.
      _ = try? make(paths, in: lab)
    }
  }

  /// The command that says of both folders of a lab that an earlier version has made them; nil if none is without a mark.
  static func adoption(of lab: String, in directories: LabDirectories) -> String? {
    let mark = FolderMark.lab(lab)
    let folders = [directories.stateRoot, directories.dataRoot].filter { root in
      guard let names = try? Folder(root).folder(lab).names() else { return false }
      return !names.contains(FolderMark.file)
    }
    guard !folders.isEmpty else { return nil }
    let paths = folders.map { ShellWord.quoted("\($0)/\(lab)") }.joined(separator: " ")
    return "`for f in \(paths); do echo \(mark.text) >\"$f/\(FolderMark.file)\"; done`"
  }

  /// What two daemons of which one begins while the other ends may leave in a folder without its mark, and what a new
  /// file system has in it.
  private static func isPassing(_ entry: String, in folder: Folder) -> Bool {
    guard let kind = try? folder.kind(of: entry) else { return false }
    if entry == "lost+found" { return kind == .folder }
    if FolderMark.isBegun(entry) { return kind == .file }
    return ofDaemon.contains { $0.rawValue == entry && $0.kind == kind }
  }

  /// What a daemon itself has, with a lab or without one.
  private static let ofDaemon: [LabFile] = [.pid, .log, .control]

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
  /// - Parameters:
  ///   - hint: the command by which a person says that it is ours.
  ///   - mayHold: whether an entry may be in a folder without a mark that is taken all the same.
  private static func open(
    _ name: String, in parent: Folder, _ mode: UInt32, _ mark: FolderMark, hint: @autoclosure () -> String?,
    mayHold: (String, Folder) -> Bool = isPassing
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
      guard let found else { throw foreign(path, mark, hint()) }
      return found
    }
  }

  /// - Returns: nil for a folder that is somebody else's.
  private static func take(
    _ name: String, in parent: Folder, _ mode: UInt32, _ mark: FolderMark, _ mayHold: (String, Folder) -> Bool
  ) throws(SystemError) -> Folder? {
    try parent.makeFolder(name, mode: mode)
    let folder = try parent.folder(name)
    if !mark.isIn(folder) {
      let names = try folder.names()
      if names.allSatisfy({ mayHold($0, folder) }) { try mark.write(in: folder) }
    }
    // Another command may just have marked it, too.
    guard mark.isIn(folder) else { return nil }
    try folder.setMode(mode)
    return folder
  }

  private static func foreign(_ path: String, _ mark: FolderMark, _ command: String?) -> UserError {
    let advice = command.map { ", or, if it is what an earlier Apus left of this lab: \($0)" } ?? ""
    return UserError(
      .failed, "the folder \(path) is there and is not ours: no file \(FolderMark.file) in it says \"\(mark.text)\"",
      hint: "move it away\(advice)")
  }
}
