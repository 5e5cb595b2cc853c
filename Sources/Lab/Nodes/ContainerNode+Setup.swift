import FoundationEssentials
import LinuxHost
import Topology

/// What a container that we have made is told beside its network.
extension ContainerNode {
  /// Puts its files into it; its program does not run.
  func copyFiles() async throws(UserError) {
    let files = try NodeSetup.files(of: definition)
    guard !files.isEmpty else { return }
    let folder = try LabFolders.makeData(paths)
    let name = NodeFile.files.rawValue
    let archive = ContainerFiles.archive(files, time: Int(Date().timeIntervalSince1970))
    try Files.write(archive, as: name, in: folder)
    defer { _ = try? folder.remove(name) }
    // As the archive has it, not as the user that the program runs as.
    let owner = settings.engine == .podman ? ["--archive=false"] : []
    do {
      try await engine.run(
        ["cp"] + owner + ["-", "\(ownName):/"], input: folder.path(of: name), limit: ContainerEngine.changeLimit)
    } catch {
      throw UserError(error.code, "cannot put files into container \(ownName): \(error.message)", hint: error.hint)
    }
  }

  /// Whether it has to be told still, by what is written down.
  var isToBeSetUp: Bool { (record ?? NodeRecord.read(paths))?.isSetUp == false }

  func setKernelSettings(_ journal: Journal?) async throws(UserError) {
    guard !isAttached, NetworkNamespace.exists(ownName) else { return }
    try await NodeSetup.writeSettings(of: definition, namespace: ownName, journal)
  }

  /// Runs its lines; who waits for it looks at the time.
  func runLines() async throws {
    if let failure = record?.setupFailure { throw UserError(.failed, failure) }
    do {
      try await NodeSetup.runLines(
        of: definition, after: record?.begunLines ?? 0, onBegin: { await self.note(begunLines: $0) }
      ) { try await self.execute($0) }
      try Task.checkCancellation()
    } catch let error as UserError {
      // Of a run that has ended meanwhile there is nothing to be told.
      guard !Task.isCancelled else { throw error }
      record?.setupFailure = error.message
      try? record?.write(paths)
      throw error
    }
    record?.isSetUp = true
    // Another daemon that takes it back knows by the lines that were begun, if this could not be written.
    try? record?.write(paths)
  }

  private func note(begunLines: Int) {
    guard !Task.isCancelled else { return }
    record?.begunLines = begunLines
    // Another daemon that takes it back would run them again, if this could not be written.
    try? record?.write(paths)
  }
}
