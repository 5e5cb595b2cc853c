import FoundationEssentials
import LinuxHost
import Logging
import Synchronization
import Topology

/// What became of what was left of a lab.
package struct CleanupReport: Sendable, Equatable {
  /// What was removed, a line each; empty when there was nothing.
  package var removed: [String] = []
  /// What lies where the lab's files are and is not the lab's: it stays.
  package var left: [String] = []
}

/// Removes what a lab has left on this host: `down` without a daemon, after a crash, twice.
package enum LabCleanup {
  /// Ends the lab's processes, removes its namespaces, TAPs, sockets and files, by what is written down of it.
  ///
  /// A folder without the lab's mark is not looked into.
  /// - Throws: `UserError` for a name that no lab can have, with `badInput`; for all that could not be removed, after
  ///   everything else has been.
  package static func remove(lab name: String, directories: LabDirectories) async throws -> CleanupReport {
    // The name becomes a path.
    if let (message, hint) = Names.complaint(about: name, as: "lab") { throw UserError(.badInput, message, hint: hint) }
    var report = CleanupReport()
    var failures = await removeLost(name, directories, &report)
    let orphans = OrphanMachine.find(in: directories).filter { $0.lab == name }
    let environment = NodeEnvironment(
      lab: name, directories: directories, variables: ProcessInfo.processInfo.environment,
      logger: Logger(label: "apus.cleanup"))
    // A file that cannot be read does not keep the rest from being removed.
    let isOurs = FolderMark.lab(name).isOn(name, under: directories.stateRoot)
    let lab = isOurs ? try? LabState.read(name, in: directories) : nil
    for node in lab?.nodes ?? [] { LabFolders.adopt(environment.paths(of: node.name)) }
    let nodes = (isOurs ? nodes(of: lab, environment) : []) + (await containers(beside: lab, environment))
    let removed = Mutex<[String]>([])
    failures += await NodeRemoval.remove(nodes) { line in removed.withLock { $0.append(line) } }
    failures += await NodeRemoval.end(orphans) { line in removed.withLock { $0.append(line) } }
    let added = isOurs ? RunTimeState.read(name, in: directories).ports : []
    failures += await AddedPort.remove(added, AddedPortHome(lab: name, directories: directories)) { line in
      removed.withLock { $0.append(line) }
    }
    for socket in staleSockets(of: lab) {
      do throws(UserError) {
        if try Files.remove(socket) { removed.withLock { $0.append("socket \(socket) removed") } }
      } catch {
        failures.append(error)
      }
    }
    if isOurs, let folder = UnfinishedSave.removeRemains(of: name, in: directories) {
      removed.withLock { $0.append("unfinished saved lab \(folder) removed") }
    }
    // By what is written down, another `down` finds what is left.
    if let failure = UserError.all(failures) { throw failure }
    let files = try LabFiles.remove(name, in: directories)
    report.removed += removed.withLock { $0 }
    if files.isSomething { report.removed.append("files of lab \(name) removed") }
    report.left = files.left
    if !isOurs, Files.exists(directories.labFile(name)), let command = LabFolders.adoption(of: name, in: directories) {
      throw UserError(
        .failed,
        "\(directories.state(name)) looks like the folder of a lab and has no mark of one: nothing of it was removed",
        hint: "if it is what an earlier Apus left of lab \(name): \(command), then `apus down \(name)` again")
    }
    return report
  }

  /// Has a daemon whose folder was removed take the lab down; it alone still knows what the lab has.
  /// - Returns: what failed.
  private static func removeLost(
    _ name: String, _ directories: LabDirectories, _ report: inout CleanupReport
  ) async -> [UserError] {
    var failures: [UserError] = []
    for daemon in await LabDaemon.lost(name, in: directories) {
      do {
        try await daemon.takeLabDown()
        report.removed.append("lab \(name) taken down by its daemon, process \(daemon.pid)")
      } catch {
        failures.append(UserError.wrapping(error, "lab \(name)"))
      }
    }
    return failures
  }

  /// The nodes that are written down, and those that have only a folder.
  private static func nodes(of lab: CanonicalLab?, _ environment: NodeEnvironment) -> [any Node] {
    var nodes = (lab?.nodes ?? []).compactMap { try? NodeRegistry.make($0, environment) }
    nodes += (lab?.nodes ?? []).filter { $0.ready?.tcp != nil }.map { PortProbe.node(for: $0.name, environment) }
    let known = Set(nodes.map(\.definition.name))
    for folder in Files.names(in: environment.directories.state(environment.lab)) where !known.contains(folder) {
      let paths = environment.paths(of: folder)
      guard Names.valid(folder), LabFolders.findState(paths) != nil, let record = NodeRecord.read(paths) else {
        continue
      }
      for kind in kinds(of: record) {
        nodes.append(kind.init(NodeDefinition(name: folder, kind: kind.kind.word), environment))
      }
    }
    return nodes
  }

  /// The kinds that a node may be of whose definition is lost: each removes what it would have made under its name.
  ///
  /// A process that lives and is no machine's may be that of a container which somebody else runs: no other kind may end it,
  /// or whoever is in the namespace that has the node's name.
  private static func kinds(of record: NodeRecord) -> [any Node.Type] {
    guard let process = record.process, process.isAlive else { return NodeRegistry.implementations }
    let program = HostFacts.text(ofFile: "/proc/\(process.pid)/comm") ?? ""
    return program.hasPrefix("qemu-system") ? [VMNode.self] : [ContainerNode.self]
  }

  /// Containers of which only the data folder tells, as after a reboot: engines keep them.
  private static func containers(beside lab: CanonicalLab?, _ environment: NodeEnvironment) async -> [any Node] {
    let (name, directories) = (environment.lab, environment.directories)
    guard FolderMark.lab(name).isOn(name, under: directories.dataRoot) else { return [] }
    let known = Set((lab?.nodes ?? []).map(\.name))
    let left = Files.names(in: directories.data(name)).filter { node in
      Names.valid(node) && !known.contains(node) && Files.exists(environment.paths(of: node).hosts)
    }
    guard !left.isEmpty else { return [] }
    return await OrphanContainer.find(in: directories, environment.variables)
      .filter { $0.lab == name && left.contains($0.node.definition.name) }.map(\.node)
  }

  /// Sockets outside the lab's folder on which this product listened and nobody does now.
  private static func staleSockets(of lab: CanonicalLab?) -> [String] {
    let nics = (lab?.nodes ?? []).flatMap(\.nics)
    return nics.compactMap { nic in
      guard let path = nic.socket, nic.role == .listen, Files.isSocket(path) else { return nil }
      return UnixSocket.isStale(path: path, isStream: nic.transport != .dgram) ? path : nil
    }
  }
}
