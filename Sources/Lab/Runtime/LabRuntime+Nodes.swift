import Dataplane
import Topology

extension LabRuntime {
  /// All nodes in file order.
  package func nodes() async -> [NodeStatus] {
    let environment = environment
    let connected = await connectedPorts()
    var rows: [NodeStatus] = []
    for node in nodesInOrder {
      let definition = node.definition
      let condition = await node.condition()
      let ports = definition.nics.filter { $0.attachment != .none }
        .map { NICDefinition.portName(node: definition.name, nic: $0.name) }
      // Only its ports tell how a node is that somebody else starts.
      let isReady = condition.isReady && (definition.kind != ExternalNode.kind || connected.isSuperset(of: ports))
      rows.append(
        NodeStatus(
          lab: environment.lab, node: definition.name, kind: definition.kind, image: definition.image,
          state: condition.state, ready: isReady, pid: condition.process,
          addresses: definition.nics.flatMap(\.addresses).map(\.address), console: condition.console,
          since: NodeRecord.read(environment.paths(of: definition.name))?.since, error: condition.error))
    }
    return rows
  }

  /// Runs a command in a node.
  /// - Returns: its output as it comes, then its exit status; who drops the stream ends the command.
  /// - Throws: `UserError` for an unknown node, one of a kind without commands, or one that does not run.
  package func execute(
    node name: String, command: [String]
  ) async throws -> AsyncThrowingStream<ExecuteEvent, any Error> {
    let node = try self.node(name)
    guard !command.isEmpty else { throw UserError(.badInput, "no command given") }
    guard node.canExecute else {
      throw UserError(
        .failed, "node \(name) is of kind \(node.definition.kind): commands can be run in nodes of kinds vm and netns")
    }
    return try await node.execute(command)
  }

  /// Path of the socket of a VM's serial console.
  package func consolePath(node name: String) throws -> String {
    let node = try self.node(name)
    guard node.definition.kind == VMNode.kind else {
      throw UserError(.failed, "node \(name) is of kind \(node.definition.kind): it has no console")
    }
    return environment.paths(of: name).consoleSocket
  }

  /// Path of the log of a VM's serial console.
  package func logPath(node name: String) throws -> String {
    let node = try self.node(name)
    guard node.definition.kind == VMNode.kind else {
      throw UserError(.failed, "node \(name) is of kind \(node.definition.kind): it has no log")
    }
    return environment.paths(of: name).consoleLog
  }

  func node(_ name: String) throws(UserError) -> any Node {
    if let node = nodesInOrder.first(where: { $0.definition.name == name }) { return node }
    let names = nodesInOrder.map(\.definition.name).joined(separator: ", ")
    throw UserError(
      .notFound, "lab \(current?.name ?? "") has no node \"\(name)\"",
      hint: names.isEmpty ? "no lab is up" : "nodes: \(names)")
  }

  /// Names of the ports with carrier.
  private func connectedPorts() async -> Set<String> {
    Set((await plane?.ports() ?? []).filter(\.carrier).map(\.name))
  }
}
