import Dataplane
import Logging
import Topology

/// Nodes whose interfaces, which are ours, go with their process: containers.
extension LabRuntime {
  /// What goes with starting a node.
  func context(
    of node: any Node, _ journal: Journal, _ progress: @escaping @Sendable (String) -> Void
  ) -> StartContext {
    let name = node.definition.name
    var context = StartContext(journal: journal, progress: progress)
    context.sockets = { await self.sockets(of: name) }
    context.waitForPort = { try await self.waitForPort(of: $0, $1) }
    context.onEnd = { await self.loseInterfaces(of: name) }
    context.revive = { try await self.revive(name) }
    return context
  }

  /// Where the sockets of a node's ports are, by NIC.
  private func sockets(of name: String) async -> [String: String] {
    let ports = await withPlane { await $0.ports() } ?? []
    var sockets: [String: String] = [:]
    for port in ports {
      guard case .nic(name, let nic)? = PortName(port.name) else { continue }
      sockets[nic] = port.vhostUser?.socket ?? port.socketPeer?.path
    }
    return sockets
  }

  /// Takes the carrier from all ports of a node whose interfaces are gone.
  func loseInterfaces(of name: String) async {
    await brief {
      guard let plane, let node = nodesInOrder.first(where: { $0.definition.name == name }) else { return }
      for nic in node.definition.nics where nic.attachment != .none {
        try? await plane.setCarrier(port: Names.port(node: name, nic: nic.name), up: false)
      }
    }
  }

  /// Starts a node that has ended again, or takes back one that somebody else has started.
  private func revive(_ name: String) async throws {
    try await interruptibly {
      let node = try await self.node(name)
      guard await node.condition().state != .running else { return }
      try await node.check(isNew: false, starts: true)
      let logger = self.logger
      try await self.startWithInterfaces(node) { logger.info("\($0)") }
    }
  }

  /// Makes a node's interfaces anew and starts it; after an error its ports have no carrier.
  func startWithInterfaces(_ node: any Node, _ progress: @escaping @Sendable (String) -> Void) async throws {
    do {
      let work = try await makeInterfaces(of: node, progress)
      try await node.start(context(of: node, work.journal, progress), isRunning: false)
    } catch {
      await loseInterfaces(of: node.definition.name)
      tellFailed(node, error)
      throw UserError.wrapping(error, "node \(node.definition.name)")
    }
  }

  private func makeInterfaces(
    of node: any Node, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> Work {
    guard let current else { throw Self.noLab }
    var plan = LabPlan()
    for other in nodesInOrder { plan.nodes[other.definition.name] = .keep }
    plan.nodes[node.definition.name] = .restart
    let work = Work(
      lab: current, options: BringUpOptions(), plan: plan, nodes: nodesInOrder, isNew: false, isServing: true,
      progress: progress)
    try await prepareNodes(work)
    try await makePorts(of: node, node.definition.nics, work)
    try await makeWires(work)
    var difference = try LabDifference(from: current, to: current)
    difference.steps.append(PlanStep(.restart, "node \(node.definition.name)"))
    try await impair(current, only: difference)
    try await configureNodes(work)
    await plane?.settleInterfaces()
    // Static entries and settings of the ports that were made anew.
    await bringBack { _ in }
    return work
  }
}
