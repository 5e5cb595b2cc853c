import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// What became of a lab's files.
struct FileRemoval: Sendable, Equatable {
  /// Something of the lab was there, and is gone.
  var isSomething = false
  /// What is not the lab's and stays, in words with its path.
  var left: [String] = []
}

/// The files of a lab, and how they are removed.
///
/// One by one, by names and kinds that we give, only in folders that carry our mark, and never through a symbolic link.
/// Whatever else is there stays, and is named.
package enum LabFiles {
  /// Removes all of a lab but disks that are to persist; `lab.json` last, so that a removal that was cut short can be
  /// done again.
  /// - Parameter kept: names in the lab's own folders that stay.
  /// - Throws: `UserError` for the first thing that could not be removed, after everything else has been.
  static func remove(
    _ lab: String, in directories: LabDirectories, keeping kept: Set<String> = []
  ) throws(UserError) -> FileRemoval {
    var sweep = FileSweep(isTrial: false, kept: kept)
    sweep.clear(lab, in: directories)
    return try sweep.finish()
  }

  /// Removes the files of a node, but for a disk that is to persist.
  static func remove(node paths: NodePaths) throws(UserError) -> FileRemoval {
    var sweep = FileSweep(isTrial: false)
    sweep.clear(paths)
    return try sweep.finish()
  }

  /// Whether there is anything that `remove` would remove.
  static func areThere(_ lab: String, in directories: LabDirectories) -> Bool {
    var sweep = FileSweep(isTrial: true)
    sweep.clear(lab, in: directories)
    return sweep.removal.isSomething
  }

  /// Whether an entry of a node's folder has a name and kind that we give.
  static func isOfNode(_ name: String, in folder: Folder) -> Bool {
    guard let kind = try? folder.kind(of: name), kind != .folder else { return false }
    return FolderContents.node("", of: "").has(name, kind)
  }

  /// Removes the files by which a daemon is known and talked to.
  package static func removeOwn(_ lab: String, in directories: LabDirectories) {
    guard let folder = try? Folder(directories.stateRoot).folder(lab), FolderMark.lab(lab).isIn(folder) else { return }
    for file in [LabFile.control, .pid] where (try? folder.kind(of: file.rawValue)) == file.kind {
      _ = try? folder.remove(file.rawValue)
    }
  }

  /// Removes the folders of a lab in which there is nothing but a daemon's log.
  package static func removeUnused(_ lab: String, in directories: LabDirectories) {
    for root in [directories.dataRoot, directories.stateRoot] {
      guard let folder = try? Folder(root).folder(lab), let names = try? folder.names(),
        names.allSatisfy({ FolderMark.isBegun($0) || [FolderMark.file, LabFile.log.rawValue].contains($0) })
      else { continue }
      var sweep = FileSweep(isTrial: false)
      sweep.clear(lab, under: root)
    }
  }
}

/// What may be in a folder of ours.
private struct FolderContents: Sendable {
  let mark: FolderMark?
  /// Kinds of what lies in it, by name.
  let kinds: [String: Folder.Kind]
  /// It has the sockets of ports and the folders of nodes, too.
  var isLab = false
  /// It has the memory of machines, in files that are called as nodes are.
  var isMemory = false
  let folder: @Sendable (String) -> FolderContents?

  /// A lab's: in the folder of what is running and in that of logs and disks, which may be the same.
  static func lab(_ lab: String) -> FolderContents {
    FolderContents(
      mark: .lab(lab), kinds: Dictionary(uniqueKeysWithValues: LabFile.allCases.map { ($0.rawValue, $0.kind) }),
      isLab: true, folder: { Names.valid($0) ? node($0, of: lab) : nil })
  }

  /// That of a lab's memory.
  static func memory(_ lab: String) -> FolderContents {
    FolderContents(mark: .lab(lab), kinds: [:], isMemory: true, folder: { _ in nil })
  }

  static func node(_ node: String, of lab: String) -> FolderContents {
    FolderContents(
      mark: .node(node, of: lab),
      kinds: Dictionary(uniqueKeysWithValues: NodeFile.allCases.map { ($0.rawValue, $0.kind) }),
      folder: { folders[$0] })
  }

  private static let folders = [
    NodeFile.seedFiles.rawValue: seed,
    NodeFile.environmentFiles.rawValue: FolderContents(
      mark: nil, kinds: [OVFEnvironment.file: .file], folder: { _ in nil }),
  ]

  /// What the seed is made of; in a folder with a mark, so without one of its own.
  private static let seed = FolderContents(
    mark: nil,
    kinds: ["user-data": .file, "meta-data": .file, "network-config": .file, "vendor-data": .file],
    folder: { _ in nil })

  /// Whether an entry that is no folder is ours: by its name and kind, or as a file that was being written when we died.
  func has(_ name: String, _ kind: Folder.Kind) -> Bool {
    switch kind {
    case .file where isMemory:
      Names.valid(name) || Folder.isUnfinished(name, of: String(name.dropFirst().prefix { $0 != "." }))
        || FolderMark.isBegun(name)
    case .file:
      kinds[name] == .file || !isLab && DiskFiles.isFurther(name) || Folder.isUnfinished(name, of: FolderMark.file)
        || !isLab && DiskFiles.furtherKept.contains { Folder.isUnfinished(name, of: $0) }
        || kinds.contains { $0.value == .file && Folder.isUnfinished(name, of: $0.key) }
    case .socket: kinds[name] == .socket || isLab && Self.isPort(name)
    case .folder, .symbolicLink, .other: false
    }
  }

  /// Whether it is the name of a port's socket: `vm1.eth0.sock`.
  private static func isPort(_ name: String) -> Bool {
    guard case .nic(let node, let nic)? = PortName(socketFile: name) else { return false }
    return Names.valid(node) && Names.validNIC(nic)
  }
}

/// One walk over a lab's folders.
private struct FileSweep {
  /// Only looks.
  let isTrial: Bool
  var kept: Set<String> = []
  private(set) var removal = FileRemoval()
  private var failure: UserError?

  init(isTrial: Bool, kept: Set<String> = []) {
    self.isTrial = isTrial
    self.kept = kept
  }

  func finish() throws(UserError) -> FileRemoval {
    if let failure { throw failure }
    return removal
  }

  mutating func clear(_ lab: String, in directories: LabDirectories) {
    if let (root, above) = LabFolders.findMemory(in: directories) {
      clear(lab, in: root, .memory(lab))
      // Empty as a rule, then; another lab that needs it makes it again.
      if !isTrial { _ = try? above.removeFolder(directories.memoryFolder) }
    }
    for root in roots(of: directories) { clear(lab, in: root, .lab(lab)) }
  }

  mutating func clear(_ lab: String, under root: String) {
    guard let root = try? Folder(root) else { return }
    clear(lab, in: root, .lab(lab))
  }

  mutating func clear(_ paths: NodePaths) {
    for root in roots(of: paths.directories) {
      guard let lab = try? root.folder(paths.lab), FolderMark.lab(paths.lab).isIn(lab) else { continue }
      clear(paths.node, in: lab, .node(paths.node, of: paths.lab))
    }
  }

  /// Both roots as far as they are there, that of logs and disks first; one if they are the same.
  private mutating func roots(of directories: LabDirectories) -> [Folder] {
    var roots: [Folder] = []
    for path in [directories.dataRoot, directories.stateRoot] {
      do throws(SystemError) {
        let root = try Folder(path)
        if roots.allSatisfy({ !$0.isSame(as: root) }) { roots.append(root) }
      } catch {
        if error.code == ENOENT { continue }
        failure =
          failure ?? UserError(.failed, "cannot look into the folder \(path): \(SystemError.text(of: error.code))")
      }
    }
    return roots
  }

  /// Clears a folder, and removes it when nothing is left in it.
  private mutating func clear(_ name: String, in parent: Folder, _ contents: FolderContents) {
    do throws(SystemError) {
      guard let kind = try parent.kind(of: name) else { return }
      guard kind == .folder else { return leave(parent, name, kind) }
      let folder = try parent.folder(name)
      // A process that was ended between the two has made a folder and not marked it: then nothing is in it.
      let isMarked = contents.mark?.isIn(folder) ?? true
      let names = try folder.names()
      if let mark = contents.mark, !isMarked, !names.allSatisfy(FolderMark.isBegun) {
        return removal.left.append("\(folder.path.shown) (no file \(FolderMark.file) in it says \"\(mark.text)\")")
      }
      let persists = !contents.isLab && names.contains(NodeFile.persistMark.rawValue)
      // The lab's own file last, and only if all else is gone: by it the rest is found again.
      let last = LabFile.lab.rawValue
      for entry in names.filter({ $0 != last }) + names.filter({ $0 == last }) {
        guard entry != FolderMark.file, !kept.contains(entry), !(persists && NodeFile.persists(entry)) else {
          continue
        }
        if entry == last, failure != nil { continue }
        remove(entry, in: folder, contents)
      }
      try removeEmpty(folder, name, in: parent, contents.mark)
    } catch {
      note(error, parent.path(of: name))
    }
  }

  private mutating func remove(_ name: String, in folder: Folder, _ contents: FolderContents) {
    do throws(SystemError) {
      switch try folder.kind(of: name) {
      case .folder?:
        if let inner = contents.folder(name) { clear(name, in: folder, inner) } else { leave(folder, name, .folder) }
      case let kind? where contents.has(name, kind):
        if !isTrial { try folder.remove(name) }
        removal.isSomething = true
      case let kind?: leave(folder, name, kind)
      // It is gone meanwhile, or has a name that is no text.
      case nil: if name.unicodeScalars.contains("\u{FFFD}") { leave(folder, name, .other) }
      }
    } catch {
      note(error, folder.path(of: name))
    }
  }

  /// Removes a folder in which there is nothing but its mark.
  private mutating func removeEmpty(
    _ folder: Folder, _ name: String, in parent: Folder, _ mark: FolderMark?
  ) throws(SystemError) {
    let names = try folder.names()
    guard names.allSatisfy({ $0 == FolderMark.file || isTrial && FolderMark.isBegun($0) }) else { return }
    guard !isTrial else { return removal.isSomething = true }
    let wasMarked = try folder.remove(FolderMark.file)
    let isGone = try parent.removeFolder(name)
    if wasMarked || isGone { removal.isSomething = true }
    // Who begins to use it in this moment finds it with its mark; so does who has mounted something there.
    if wasMarked, !isGone, let mark { try mark.write(in: folder) }
  }

  private mutating func leave(_ folder: Folder, _ name: String, _ kind: Folder.Kind) {
    let what = kind == .symbolicLink ? " (a symbolic link)" : ""
    removal.left.append(folder.path(of: name).shown + what)
  }

  private mutating func note(_ error: SystemError, _ path: String) {
    failure = failure ?? UserError(.failed, "cannot remove \(path): \(SystemError.text(of: error.code))")
  }
}

extension String {
  /// Without characters that a terminal takes for commands.
  fileprivate var shown: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}
