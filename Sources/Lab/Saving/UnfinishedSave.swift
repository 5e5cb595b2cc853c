import FoundationEssentials
import LinuxHost
import Topology

/// The folder of a saved lab while it is written: under a name of its own beside the one that it gets when it is whole.
///
/// Who was killed over it leaves a note in the lab's state folder, by which it is found and removed.
struct UnfinishedSave: Sendable {
  /// Absolute path that the folder is to have.
  let path: String
  /// Where it is until then.
  let folder: Folder
  private let parent: Folder
  private let unfinished: String
  private let lab: String
  private let directories: LabDirectories
  private let variables: [String: String]

  /// What the note says.
  private struct Note: Codable {
    /// Absolute path of the folder that is being written; of the saved one, where the lab is about to go on from it.
    var folder: String
    /// nil = no.
    var isGoingOn: Bool?
  }

  /// Begins a folder.
  /// - Parameter path: absolute; nothing is there yet, and what it lies in is.
  /// - Throws: `UserError`, with nothing made.
  init(
    at path: String, of lab: String, in directories: LabDirectories, _ variables: [String: String]
  ) throws(UserError) {
    let place = try Self.place(path)
    let digits = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16)
    let unfinished = ".\(place.name).\(digits).new"
    let parent = place.parent
    (self.path, self.parent, self.unfinished) = (path, parent, unfinished)
    (self.lab, self.directories, self.variables) = (lab, directories, variables)
    // First: whatever happens from here on, it is found again.
    let note = Note(folder: parent.path(of: unfinished))
    let state = try LabFolders.state(of: lab, in: directories)
    try Files.write(encoded(note), as: LabFile.saving.rawValue, in: state)
    do throws(SystemError) {
      try parent.makeFolder(unfinished, mode: LabFolders.ownMode)
      folder = try parent.folder(unfinished)
      try Self.mark(lab).write(in: folder)
    } catch {
      Self.removeRemains(of: lab, in: directories)
      throw UserError(.failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))")
    }
  }

  /// The folder of a path, and the name in it.
  private static func place(_ path: String) throws(UserError) -> (parent: Folder, name: String) {
    var parts = path.split(separator: "/").map(String.init)
    guard let name = parts.popLast(), path.hasPrefix("/"), name != ".", name != ".." else {
      throw UserError(.badInput, "\"\(path)\" is no place for the folder of a saved lab")
    }
    // Beside it there is the name that it has meanwhile.
    guard name.utf8.count <= 200 else {
      throw UserError(.badInput, "the name \(name) has \(name.utf8.count) bytes; at most 200 are possible")
    }
    let parent: Folder
    let kind: Folder.Kind?
    do throws(SystemError) {
      parent = try Folder("/" + parts.joined(separator: "/"))
      kind = try parent.kind(of: name)
    } catch {
      throw UserError(.failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))")
    }
    guard kind == nil else {
      throw UserError(.failed, "\(path) is there already", hint: "name a folder that is not there yet")
    }
    return (parent, name)
  }

  /// Whose the folder is; it stays in it.
  static func mark(_ lab: String) -> FolderMark { FolderMark(text: "saved lab \(lab)") }

  func path(of name: String) -> String { folder.path(of: name) }

  /// Demands room for so many bytes.
  func checkRoom(for size: UInt64) throws(UserError) {
    guard let free = folder.room, free < size else { return }
    throw UserError(
      .failed, "\(parent.path) has \(free >> 20) MiB free, and the saved lab may need \(size >> 20) MiB",
      hint: "name a folder where there is more room: apus save LAB DIR")
  }

  func write(_ bytes: [UInt8], as name: String) throws(UserError) {
    try Files.write(bytes, as: name, in: folder)
  }

  /// Makes an empty file, to be written by somebody else.
  func create(_ name: String) throws(UserError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.createFile(path(of: name), mode: LabFolders.fileMode)
    } catch {
      throw UserError(.failed, "cannot write \(path(of: name)): \(SystemError.text(of: error.code))")
    }
  }

  /// Copies a file into it.
  func copy(_ path: String, as name: String) async throws(UserError) {
    try await ImageTools(variables: variables).copy(path, to: self.path(of: name))
  }

  /// Writes its manifest, and gives it its name once all of it is on the disk.
  /// - Parameter keepsNote: the machines stand still on, until the lab is taken down: who takes it back before has them
  ///   go on by the note.
  /// - Returns: bytes of all its files.
  func finish(_ manifest: SavedManifest, keepsNote: Bool = false) async throws(UserError) -> UInt64 {
    var manifest = manifest
    let names: [String]
    do throws(SystemError) {
      names = try folder.names().filter { $0 != FolderMark.file }
    } catch {
      throw UserError(.failed, "cannot read the folder \(folder.path): \(SystemError.text(of: error.code))")
    }
    manifest.files = try await SavedSums.of(names, in: folder, variables)
    try write(encoded(manifest), as: SavedManifest.file)
    let paths = (names + [SavedManifest.file]).map(path(of:)) + [folder.path]
    try await Self.sync(paths, variables)
    do throws(SystemError) {
      // Somebody may have made it meanwhile; an empty one would give way.
      guard try parent.kind(of: name) == nil else {
        throw SystemError(call: "rename", code: existing, context: path)
      }
      try parent.rename(unfinished, to: name)
    } catch {
      throw UserError(.failed, "cannot make the folder \(path): \(SystemError.text(of: error.code))")
    }
    try? await Self.sync([parent.path], variables)
    if !keepsNote { Self.forgetNote(of: lab, in: directories) }
    return manifest.files.reduce(0) { $0 &+ $1.size }
  }

  private var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

  private static func sync(_ paths: [String], _ variables: [String: String]) async throws(UserError) {
    _ = try await HostTool.run(
      "sync", ["--"] + paths, package: "coreutils", HostTool.Terms(timeout: 3600), variables)
  }

  /// Removes what was written.
  func abandon() { Self.removeRemains(of: lab, in: directories) }

  // MARK: - Going on

  /// Writes down that a lab is about to go on from a saved one, until `forgetNote`.
  /// - Parameter folder: absolute path of it.
  static func noteGoingOn(
    from folder: String, of lab: String, in directories: LabDirectories
  ) throws(UserError) {
    let state = try LabFolders.state(of: lab, in: directories)
    try Files.write(encoded(Note(folder: folder, isGoingOn: true)), as: LabFile.saving.rawValue, in: state)
  }

  /// The folder from which somebody was about to have the lab go on when its daemon died; nil = nobody was.
  static func goingOn(_ lab: String, in directories: LabDirectories) -> String? {
    guard let note = Self.note(of: lab, in: directories), note.isGoingOn == true else { return nil }
    return note.folder
  }

  // MARK: - What a process that was killed has left

  private static func note(of lab: String, in directories: LabDirectories) -> Note? {
    guard let bytes = Files.read("\(directories.state(lab))/\(LabFile.saving.rawValue)") else { return nil }
    return try? JSONDecoder().decode(Note.self, from: Data(bytes))
  }

  /// Whether somebody was saving the lab when its daemon died.
  static func isNoted(_ lab: String, in directories: LabDirectories) -> Bool {
    Files.exists("\(directories.state(lab))/\(LabFile.saving.rawValue)")
  }

  /// Removes the folder that was being written, and the note of it.
  /// - Returns: its path, if there was one.
  @discardableResult
  static func removeRemains(of lab: String, in directories: LabDirectories) -> String? {
    defer { forgetNote(of: lab, in: directories) }
    guard let note = Self.note(of: lab, in: directories), note.isGoingOn != true else { return nil }
    var parts = note.folder.split(separator: "/").map(String.init)
    guard let name = parts.popLast(), name.hasPrefix("."), name.hasSuffix(".new"),
      let parent = try? Folder("/" + parts.joined(separator: "/")), let folder = try? parent.folder(name)
    else { return nil }
    let names = (try? folder.names()) ?? []
    // Who was killed between the two has made a folder and not marked it: then nothing is in it.
    guard mark(lab).isIn(folder) || names.allSatisfy(FolderMark.isBegun) else { return nil }
    for entry in names where (try? folder.kind(of: entry)) == .file { _ = try? folder.remove(entry) }
    _ = try? parent.removeFolder(name)
    return note.folder
  }

  static func forgetNote(of lab: String, in directories: LabDirectories) {
    guard let root = try? Folder(directories.stateRoot), let state = try? root.folder(lab),
      FolderMark.lab(lab).isIn(state)
    else { return }
    _ = try? state.remove(LabFile.saving.rawValue)
  }
}

/// EEXIST.
private let existing: CInt = 17

/// Sizes and sums of the files of a saved lab.
enum SavedSums {
  /// Files that are read at one time.
  private static let parallel = 2

  /// In order of names.
  static func of(
    _ names: [String], in folder: Folder, _ variables: [String: String]
  ) async throws(UserError) -> [SavedManifest.File] {
    do {
      return try await withThrowingTaskGroup(of: SavedManifest.File.self) { group in
        var files: [SavedManifest.File] = []
        var left = names[...]
        for name in left.prefix(parallel) { group.addTask { try await sum(name, folder, variables) } }
        left = left.dropFirst(parallel)
        for try await file in group {
          files.append(file)
          if let name = left.popFirst() { group.addTask { try await sum(name, folder, variables) } }
        }
        return files.sorted { $0.name < $1.name }
      }
    } catch {
      throw UserError.wrapping(error, folder.path)
    }
  }

  private static func sum(
    _ name: String, _ folder: Folder, _ variables: [String: String]
  ) async throws(UserError) -> SavedManifest.File {
    let path = folder.path(of: name)
    let tool = SumTool("sha256sum", variables)
    let text = try await HostTool.run(
      tool.program, tool.arguments, package: tool.package, HostTool.Terms(input: path, timeout: 24 * 3600), variables)
    guard let size = (try? Descriptor.openFile(path))?.fileSize else {
      throw UserError(.failed, "cannot read \(path)")
    }
    return SavedManifest.File(name: name, size: size, sha256: String(text.prefix { $0.isHexDigit }).lowercased())
  }
}
