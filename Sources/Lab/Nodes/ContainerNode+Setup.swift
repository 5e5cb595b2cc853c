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

  func setKernelSettings() async throws(UserError) {
    guard !isAttached, NetworkNamespace.exists(ownName) else { return }
    try await NodeSetup.writeSettings(of: definition, namespace: ownName)
  }

  /// Runs its lines; who waits for it looks at the time.
  func runLines() async throws {
    try await NodeSetup.runLines(of: definition) { try await self.execute($0) }
    try Task.checkCancellation()
    record?.isSetUp = true
    // Another daemon that takes it back would run them again, if this could not be written.
    try? record?.write(paths)
  }
}
