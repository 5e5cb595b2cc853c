import Dataplane
import Topology

extension LabRuntime {
  /// All nodes in file order.
  package func nodes() async -> [NodeStatus] {
    let environment = environment
    let started = await startedPorts()
    var rows: [NodeStatus] = []
    for node in nodesInOrder {
      let definition = node.definition
      var condition = await node.condition()
      if starting.contains(definition.name), !node.boots || condition.state == .stopped {
        // What is not made yet has not failed.
        (condition.state, condition.isReady, condition.error) = (.starting, false, nil)
      }
      let ports = definition.nics.filter { $0.attachment != .none }
        .map { Names.port(node: definition.name, nic: $0.name) }
      // Only its ports tell how a node is that somebody else starts.
      let isReady =
        condition.isReady && ports.first.map(started.contains) ?? true
        && (!definition.traits.isForeign || started.isSuperset(of: ports))
      rows.append(
        NodeStatus(
          lab: environment.lab, node: definition.name, kind: definition.kind, image: definition.image,
          state: runTime.stopped.contains(definition.name) ? .stopped : condition.state,
          ready: isReady && !runTime.stopped.contains(definition.name), pid: condition.process,
          addresses: definition.nics.flatMap(\.addresses).map(\.address), console: condition.console,
          since: NodeRecord.read(environment.paths(of: definition.name))?.since, error: condition.error,
          models: definition.models))
    }
    return rows
  }

  /// Runs a command in a node.
  /// - Throws: `UserError` for an unknown node, one of a kind without commands, or one that does not run.
  package func execute(node name: String, _ request: CommandRequest) async throws -> StartedCommand {
    let node = try self.node(name)
    guard !request.command.isEmpty else { throw UserError(.badInput, "no command given") }
    guard node.definition.traits.executes else {
      let kinds = NodeKind.words("and") { $0.executes }
      throw UserError(
        .badInput, "node \(name) is of kind \(node.definition.kind): commands can be run in nodes of kinds \(kinds)")
    }
    return try await node.execute(request)
  }

  /// Starts a node that has ended or was stopped; its links were there all the time.
  package func start(node name: String, progress: @escaping @Sendable (String) -> Void) async throws {
    let waiting = tellOfMigration(progress)
    defer { waiting.cancel() }
    do {
      try await interruptibly { try await self.startAlone(name, progress) }
    } catch {
      throw UserError.wrapping(error, "node \(name)")
    }
  }

  private func startAlone(_ name: String, _ progress: @escaping @Sendable (String) -> Void) async throws {
    let node = try node(name)
    guard node.boots else {
      try await setStopped(node.definition, false)
      tellStarted(node)
      return progress("\(name): started")
    }
    guard await node.condition().state != .running else { return progress("\(name): runs already") }
    try await node.check(isNew: false, starts: true)
    guard !node.interfacesEndWithIt else { return try await startWithInterfaces(node, progress) }
    let journal = Journal()
    do {
      try await node.start(context(of: node, journal, progress), isRunning: false)
    } catch {
      tellFailed(node, error)
      // In a task of its own, since this one may have been interrupted.
      let left = await Task { await rollBack(journal) }.value
      throw UserError.wrapping(error, "node \(name)").leaving(left, of: current?.name ?? "")
    }
  }

  /// Stops a node: the process of a machine ends, other nodes lose the carrier of all their ports.
  ///
  /// The links stay.
  package func stop(node name: String, progress: @escaping @Sendable (String) -> Void) async throws {
    interruptMigration(of: name)
    let waiting = tellOfMigration(progress)
    defer { waiting.cancel() }
    try await whole {
      let node = try self.node(name)
      if node.boots {
        try await node.stop(cleanly: true)
        if node.interfacesEndWithIt { await loseInterfaces(of: name) }
      } else {
        try await setStopped(node.definition, true)
        events.nodeStopped(name)
      }
      progress("\(name): stopped")
    }
  }

  /// Takes the carrier from all ports of a node that is no process, or gives it back.
  private func setStopped(_ node: NodeDefinition, _ isStopped: Bool) async throws {
    try await brief { () async throws(UserError) in
      try changeRunTime { runTime in
        if isStopped { runTime.stopped.insert(node.name) } else { runTime.stopped.remove(node.name) }
      }
      guard let plane else { return }
      for nic in node.nics where nic.attachment != .none {
        let port = Names.port(node: node.name, nic: nic.name)
        // What `link set` took away stays away.
        guard isStopped || !isSetDown(port) else { continue }
        try await explained("port \(port)") { () async throws(DataplaneError) in
          try await plane.setCarrier(port: port, up: !isStopped)
        }
      }
    }
  }

  /// Path of the socket of a VM's serial console.
  /// - Throws: `UserError` (`notFound`) for no node, and for one without a console.
  package func consolePath(node name: String) throws -> String {
    let node = try self.node(name)
    guard let path = node.consoleSocket else {
      throw UserError(.notFound, "node \(name) is of kind \(node.definition.kind): it has no console")
    }
    return path
  }

  /// Connects a client to the serial console of a VM, which one client at a time may have.
  /// - Parameter steals: another one loses it.
  package func console(node name: String, steals: Bool) async throws -> ConsoleSession {
    let node = try self.node(name)
    return try consoles.open(name, steals: steals) { () throws(UserError) in try node.openConsole() }
  }

  /// Path of the log of a node's console.
  /// - Throws: `UserError` (`notFound`) for no node, and for one without a console.
  package func logPath(node name: String) async throws -> String {
    let node = try self.node(name)
    guard let path = try await node.writtenLog() else {
      throw UserError(.notFound, "node \(name) is of kind \(node.definition.kind): it has no log")
    }
    return path
  }

  func node(_ name: String) throws(UserError) -> any Node {
    if let node = nodesInOrder.first(where: { $0.definition.name == name }) { return node }
    guard let current else { throw Self.noLab }
    let names = nodesInOrder.map(\.definition.name)
    throw UserError(
      .notFound, "lab \(current.name) has no node \"\(name)\"",
      hint: names.isEmpty ? "it has no nodes" : "nodes: \(Self.shown(names))")
  }

  /// Names of the ports whose own end is there; what is at the other end of a wire is another node's matter.
  func startedPorts() async -> Set<String> {
    Set((await withPlane { await $0.ports() } ?? []).filter(\.hasEnd).map(\.name))
  }
}
