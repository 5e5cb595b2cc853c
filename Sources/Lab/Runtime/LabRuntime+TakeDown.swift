import Logging
import Topology

extension LabRuntime {
  func remove(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    guard let lab = current else { return }
    var failures = await NodeRemoval.stop(nodesInOrder, progress)
    // The data plane holds the TAPs open and listens on the sockets.
    await closePlane()
    failures += await NodeRemoval.remove(nodesInOrder, progress)
    if failures.isEmpty {
      do {
        try LabFiles.remove(lab.name, in: directories)
      } catch {
        failures.append(error)
      }
    }
    current = nil
    nodesInOrder = []
    overrides = [:]
    stopped = []
    guard let first = failures.first else { return }
    for failure in failures { logger.error("\(failure)") }
    throw UserError(
      first.code, "lab \(lab.name) is not wholly removed: \(first.message)",
      hint: "run `apus down \(lab.name)` again")
  }
}

/// Ends nodes, side by side.
enum NodeRemoval {
  /// Ends the processes of the nodes.
  /// - Returns: what failed.
  static func stop(_ nodes: [any Node], _ progress: @escaping @Sendable (String) -> Void) async -> [UserError] {
    await each(nodes) { node in
      let wasRunning = await node.condition().process != nil
      try await node.stop()
      if wasRunning { progress("\(node.definition.name): stopped") }
    }
  }

  /// Removes what the nodes have on this host.
  static func remove(_ nodes: [any Node], _ progress: @escaping @Sendable (String) -> Void) async -> [UserError] {
    await each(nodes) { node in
      for line in try await node.remove() { progress("\(line) removed") }
    }
  }

  private static func each(
    _ nodes: [any Node], _ body: @escaping @Sendable (any Node) async throws -> Void
  ) async -> [UserError] {
    await withTaskGroup(of: UserError?.self) { group in
      for node in nodes {
        group.addTask {
          do {
            try await body(node)
            return nil
          } catch {
            return UserError.wrapping(error, "node \(node.definition.name)")
          }
        }
      }
      return await group.reduce(into: []) { failures, failure in failures += failure.map { [$0] } ?? [] }
    }
  }
}

/// The folders of a lab.
enum LabFiles {
  /// Removes them; `lab.json` last, so that a removal that was cut short can be done again.
  /// - Returns: whether there was anything.
  @discardableResult
  static func remove(_ lab: String, in directories: LabDirectories) throws(UserError) -> Bool {
    let folder = directories.state(lab)
    let wasThere = Files.exists(folder) || Files.exists(directories.data(lab))
    try Files.remove(directories.data(lab))
    for name in Files.names(in: folder) where name != "lab.json" { try Files.remove("\(folder)/\(name)") }
    try Files.remove(folder)
    return wasThere
  }
}
