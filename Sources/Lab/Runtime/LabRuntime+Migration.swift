import Dataplane
import Topology

/// Machines that go on in another QEMU.
extension LabRuntime {
  /// Moves a machine into another QEMU of this host, with its ports, while its guest runs.
  ///
  /// Who is cancelled wants it no more; so does who stops the node or takes the lab down. Then, and after every other
  /// error, the machine goes on where it was.
  /// - Throws: `UserError` for an unknown node, one of another kind, or one that does not run or is on its way already.
  package func migrate(
    node name: String, _ wish: MigrationWish, tell: @escaping @Sendable (MigrationNews) -> Void
  ) async throws -> MigrationOutcome {
    let node = try node(name)
    guard wish.host == nil else {
      throw UserError(
        .badInput, "lab \(current?.name ?? "") has no hosts: its machines migrate on this one",
        hint: "leave `--to` out")
    }
    guard node.migrates else {
      let kinds = NodeRegistry.implementations.filter { $0.migrates }.map { $0.kind.word }.joined(separator: ", ")
      throw UserError(
        .badInput, "node \(name) is of kind \(node.definition.kind): nodes of kind \(kinds) can be migrated")
    }
    guard migrations[name] == nil else { throw UserError(.failed, "node \(name) is being migrated already") }
    let task = Task { try await self.interruptibly { try await self.carryOut(name, wish, tell) } }
    migrations[name] = task
    defer { migrations[name] = nil }
    do {
      return try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch {
      throw UserError.wrapping(error, "node \(name)")
    }
  }

  /// Tells who waits at the door, after a moment, for which migration that is; until it is cancelled.
  func tellOfMigration(_ progress: @escaping @Sendable (String) -> Void) -> Task<Void, Never> {
    Task {
      while (try? await Task.sleep(for: Self.shortWait)) != nil {
        // Who is through the door is alone there.
        guard let node = self.moving else { continue }
        return progress("note: waits for the migration of \(node)")
      }
    }
  }

  /// How long somebody may wait without being told why.
  private static let shortWait = Duration.seconds(2)

  /// Has a move of a node end at once, if there is one: the node is wanted in another way.
  func interruptMigration(of name: String) { migrations[name]?.cancel() }

  private func carryOut(
    _ name: String, _ wish: MigrationWish, _ tell: @escaping @Sendable (MigrationNews) -> Void
  ) async throws -> MigrationOutcome {
    // Another `up` may have come first.
    let node = try node(name)
    guard let plane else { throw Self.noLab }
    let help = migrationHelp(for: node, plane, tell)
    moving = name
    defer { moving = nil }
    events.nodeMigrating(name)
    do {
      let outcome = try await node.migrate(wish, help)
      events.nodeMigrated(outcome)
      return outcome
    } catch {
      events.nodeNotMigrated(name, reason: Self.reason(error, name))
      guard error is CancellationError else { throw error }
      throw UserError(.failed, "node \(name): called back, it goes on where it was")
    }
  }

  /// Why a machine was not migrated, to be put behind words that say that it was not.
  private static func reason(_ error: any Error, _ node: String) -> String {
    if error is CancellationError { return "it was called back" }
    let prefix = "node \(node): "
    let message = UserError.wrapping(error, "node \(node)").message
    let text = message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
    for outcome in [MachineMove.outcomes.goesOn, MachineMove.outcomes.ended] where text.hasPrefix(outcome) {
      return String(text.dropFirst(outcome.count))
    }
    return text
  }

  private func migrationHelp(
    for node: any Node, _ plane: Dataplane, _ tell: @escaping @Sendable (MigrationNews) -> Void
  ) -> MigrationHelp {
    let name = node.definition.name
    let consoles = consoles
    @Sendable func port(_ nic: NICDefinition) -> String { Names.port(node: name, nic: nic.name) }
    return MigrationHelp(
      tell: tell,
      addStandby: { nic, path in try await self.addStandby(plane, nic, of: node, at: path) },
      promote: { nic in try await self.promoteStandby(plane, port(nic)) },
      removeStandby: { nic in try? await plane.removeStandby(port: port(nic)) },
      hold: { nics, holds in
        let ports = nics.map(port)
        // A port that went meanwhile has nothing to hold.
        if holds { try? await plane.holdFrames(ports: ports) } else { try? await plane.releaseFrames(ports: ports) }
      },
      console: { consoles.socket(of: name) })
  }

  private func promoteStandby(_ plane: Dataplane, _ port: String) async throws(UserError) {
    try await explained("port \(port)") { () async throws(DataplaneError) in try await plane.promoteStandby(port: port)
    }
  }

  /// Has the port of a NIC take a second QEMU in, by all that is said of the port now.
  private func addStandby(
    _ plane: Dataplane, _ nic: NICDefinition, of node: any Node, at path: String
  ) async throws(UserError) {
    let configuration = try configuration(nic, of: node)
    try await explained("port \(configuration.name)") { () async throws(DataplaneError) in
      switch configuration.backend {
      case .vhostUser(var socket):
        socket.path = path
        try await plane.addStandby(port: configuration.name, socket: socket)
      case .stream(var peer):
        peer.path = path
        try await plane.addStandby(port: configuration.name, peer: peer)
      case .tap, .dgram, .nic: break
      }
    }
  }
}
