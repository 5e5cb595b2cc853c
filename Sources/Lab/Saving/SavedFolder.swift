import Dataplane
import FoundationEssentials
import LinuxHost
import Topology

/// The folder of a saved lab, as somebody goes on with it: read and checked before anything is made.
struct SavedFolder: Sendable {
  /// As it was opened.
  let folder: Folder
  let manifest: SavedManifest
  let lab: CanonicalLab
  let runTime: RunTimeState
  let nodes: SavedNodes
  let plane: PlaneState

  /// Opens a folder and checks all that is in it.
  ///
  /// - Parameter path: absolute.
  /// - Throws: `UserError` (`badInput`): what is missing, altered, cut, or of a newer form.
  init(_ path: String, _ variables: [String: String]) async throws(UserError) {
    do throws(SystemError) {
      folder = try Folder(path)
    } catch {
      throw UserError(.badInput, "cannot open the saved lab \(path): \(SystemError.text(of: error.code))")
    }
    manifest = try Self.manifest(in: folder)
    try await Self.check(manifest, in: folder, variables)
    let reader = Reader(folder: folder, manifest: manifest)
    lab = try reader.value(of: .lab, as: CanonicalLab.self)
    runTime = try reader.value(of: .runTime, as: RunTimeState.self)
    nodes = try reader.value(of: .nodes, as: SavedNodes.self)
    plane = try reader.value(of: .plane, as: PlaneState.self)
    if let complaint = lab.wrongName ?? lab.whatNoFileHas { throw reader.complaint(.lab, complaint) }
    guard lab.name == manifest.lab else { throw reader.complaint(.lab, "it is that of lab \"\(lab.name)\"") }
    try checkNodes(reader)
  }

  func path(of name: String) -> String { folder.path(of: name) }

  /// What was saved of a machine; nil = it is none of the lab's.
  func machine(_ node: String) -> SavedNodes.Machine? { nodes.machines.first { $0.node == node } }

  // MARK: - Checks

  /// Demands that it is the lab that is wanted.
  func check(for lab: CanonicalLab, in directories: LabDirectories) throws(UserError) {
    guard self.lab.name == lab.name else {
      throw UserError(.badInput, "\(folder.path) is lab \(self.lab.name), and the file describes lab \(lab.name)")
    }
    let differences = try LabComparison.differences(
      LabComparison.Side(lab: self.lab, dataRoot: nodes.dataRoot),
      LabComparison.Side(lab: lab, dataRoot: directories.dataRoot))
    guard differences.isEmpty else {
      throw UserError(
        .badInput, "the file is not the lab that was saved: \(differences.joined(separator: "; "))",
        hint: "go on with the file as it was, and change it then")
    }
  }

  private static func manifest(in folder: Folder) throws(UserError) -> SavedManifest {
    let path = folder.path(of: SavedManifest.file)
    guard let bytes = folder.read(SavedManifest.file, limit: SavedManifest.limit) else {
      throw UserError(
        .badInput, "\(folder.path) is no saved lab: it has no \(SavedManifest.file) that can be read",
        hint: "`apus save` makes one, and writes that file last")
    }
    do {
      let head = try JSONDecoder().decode(SavedManifest.Head.self, from: Data(bytes))
      guard head.format == SavedManifest.format else {
        throw UserError(
          .badInput, "\(path) has form \(head.format), this apus reads form \(SavedManifest.format)",
          hint: head.format > SavedManifest.format ? "a newer apus has saved the lab: go on with that" : nil)
      }
      return try JSONDecoder().decode(SavedManifest.self, from: Data(bytes))
    } catch let error as UserError {
      throw error
    } catch {
      throw UserError(.badInput, "\(path) cannot be read: \(ErrorWords.of(error))")
    }
  }

  /// Looks at sizes first, which costs nothing.
  private static func check(
    _ manifest: SavedManifest, in folder: Folder, _ variables: [String: String]
  ) async throws(UserError) {
    var names: Set<String> = []
    for file in manifest.files {
      let path = folder.path(of: file.name)
      guard !file.name.contains("/"), names.insert(file.name).inserted else {
        throw UserError(.badInput, "\(folder.path(of: SavedManifest.file)) names \"\(file.name)\" twice, or no file")
      }
      guard (try? folder.kind(of: file.name)) == .file, let size = (try? Descriptor.openFile(path))?.fileSize else {
        throw UserError(.badInput, "\(path) of the saved lab is missing")
      }
      guard size == file.size else {
        throw UserError(
          .badInput, "\(path) has \(size) bytes, not \(file.size): it was \(size < file.size ? "cut" : "altered")")
      }
    }
    let found = try await SavedSums.of(manifest.files.map(\.name), in: folder, variables)
    let wanted = Dictionary(manifest.files.map { ($0.name, $0.sha256) }, uniquingKeysWith: { first, _ in first })
    for file in found where file.sha256 != wanted[file.name] {
      throw UserError(
        .badInput,
        "\(folder.path(of: file.name)) was altered: its SHA-256 is \(file.sha256.prefix(12))…, "
          + "not \(wanted[file.name]?.prefix(12) ?? "")…")
    }
  }

  /// What nodes need is there, and is of nodes of the lab.
  private func checkNodes(_ reader: Reader) throws(UserError) {
    var names: Set<String> = []
    for machine in nodes.machines {
      let definition = lab.nodes.first { $0.name == machine.node }
      guard definition?.traits.isMachine == true, names.insert(machine.node).inserted else {
        throw reader.complaint(.nodes, "it has a machine \"\(machine.node)\", which the lab has not")
      }
      // It becomes a part of one of QEMU's words.
      guard (machine.board ?? "").allSatisfy({ $0.isLetter || $0.isNumber || ".-_".contains($0) }) else {
        throw reader.complaint(.nodes, "its machine \(machine.node) has a board that is none")
      }
      var files = machine.disks.indices.map { SavedFile.disk($0 + 1, of: machine.node) }
      if machine.isRunning { files.append(SavedFile.memory(of: machine.node)) }
      for file in files { try reader.demand(file) }
    }
    for definition in lab.nodes where definition.traits.isMachine && !names.contains(definition.name) {
      throw reader.complaint(.nodes, "it lacks the machine \"\(definition.name)\"")
    }
    let known = Set(SavedFile.copied.map(\.rawValue))
    for (node, files) in nodes.copies {
      guard lab.nodes.contains(where: { $0.name == node }), known.isSuperset(of: files) else {
        throw reader.complaint(.nodes, "it has copies of a node \"\(ShownText.line(node))\", which cannot be")
      }
      for file in files { try reader.demand(SavedFile.copy(file, of: node)) }
    }
  }

  /// Reads the files that the manifest lists.
  private struct Reader {
    let folder: Folder
    let manifest: SavedManifest

    func complaint(_ file: SavedFile, _ reason: String) -> UserError {
      UserError(.badInput, "\(folder.path(of: file.rawValue)) of the saved lab cannot be: \(reason)")
    }

    func demand(_ name: String) throws(UserError) {
      guard !manifest.files.contains(where: { $0.name == name }) else { return }
      throw UserError(.badInput, "\(folder.path(of: SavedManifest.file)) does not list \(name), which the lab needs")
    }

    func value<Value: Decodable>(of file: SavedFile, as type: Value.Type) throws(UserError) -> Value {
      try demand(file.rawValue)
      guard let bytes = folder.read(file.rawValue, limit: 1 << 30) else { throw complaint(file, "it cannot be read") }
      do {
        return try JSONDecoder().decode(type, from: Data(bytes))
      } catch {
        throw complaint(file, ErrorWords.of(error))
      }
    }
  }
}

/// Saved labs, for who has to know before anything is done whether one can go on.
package enum SavedLabs {
  /// Checks the folder of a saved lab, and that it is the lab that is wanted.
  ///
  /// - Parameter path: absolute.
  /// - Throws: `UserError`: what is missing, altered, or of another lab.
  package static func check(
    _ path: String, for lab: CanonicalLab, in directories: LabDirectories,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) async throws(UserError) {
    try await SavedFolder(path, environment).check(for: lab, in: directories)
  }
}
