import LinuxHost
import Logging
import Topology

extension LabRuntime {
  func remove(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    guard let lab = current else { return }
    // So that their files are whole before anything goes.
    await captures.endDeclared()
    var failures = await NodeRemoval.stop(nodesInOrder, cleanly: false, progress)
    // The data plane holds the TAPs open and listens on the sockets.
    await closePlane()
    failures += await NodeRemoval.remove(nodesInOrder, progress)
    failures += await removeAddedPorts(of: lab.name, progress)
    // A daemon before this one may have died before it wrote down what it had started.
    let orphans = OrphanMachine.find(in: directories).filter { $0.lab == lab.name }
    failures += await NodeRemoval.end(orphans, progress)
    if failures.isEmpty {
      do {
        for line in try LabFiles.remove(lab.name, in: directories).left { progress("left: \(line)") }
      } catch {
        failures.append(error)
      }
    }
    current = nil
    nodesInOrder = []
    runTime = RunTimeState()
    for failure in failures { logger.error("\(failure)") }
    let all = UserError.all(failures)
    events.labDown(error: all?.message)
    guard let all else { return }
    throw UserError(
      all.code, "lab \(lab.name) is not wholly removed: \(all.message)",
      hint: "run `apus down \(lab.name)` again")
  }
}

/// Ends nodes, side by side.
enum NodeRemoval {
  /// Ends the processes of the nodes.
  /// - Parameter cleanly: systems get the time to shut down; those whose disks outlive the lab always do.
  /// - Returns: what failed.
  static func stop(
    _ nodes: [any Node], cleanly: Bool, _ progress: @escaping @Sendable (String) -> Void
  ) async -> [UserError] {
    await each(nodes) { node in
      let wasRunning = await node.condition().process != nil
      try await node.stop(cleanly: cleanly)
      if !node.boots { node.environment.events.nodeStopped(node.definition.name) }
      if wasRunning { progress("\(node.definition.name): stopped") }
    }
  }

  /// Removes what the nodes have on this host.
  static func remove(_ nodes: [any Node], _ progress: @escaping @Sendable (String) -> Void) async -> [UserError] {
    await each(nodes) { node in
      for line in try await node.remove() { progress("\(line) removed") }
    }
  }

  /// Ends machines that no lab has written down.
  /// - Returns: what failed.
  static func end(_ orphans: [OrphanMachine], _ progress: @Sendable (String) -> Void) async -> [UserError] {
    var failures: [UserError] = []
    for orphan in orphans {
      if await orphan.end() {
        progress("process \(orphan.process.pid) of \(orphan.name) removed")
      } else {
        failures.append(UserError(.failed, "process \(orphan.process.pid), QEMU of \(orphan.name), does not end"))
      }
    }
    return failures
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
