import Dataplane
import Logging
import Topology

/// Changing a lab that is up: what stays keeps forwarding.
extension LabRuntime {
  /// Makes another definition of the running lab true.
  ///
  /// - Throws: `UserError`; before anything was changed, or with what is new removed again. What the change removes or
  ///   makes anew is gone then: the lab is a smaller one, which another `up` makes whole.
  func change(
    to lab: CanonicalLab, from recorded: CanonicalLab, by difference: LabDifference, _ options: BringUpOptions,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws {
    guard !difference.isOnlyWords else { return try await changeWords(to: lab, from: recorded) }
    try await refuseOtherOffers(difference)
    let work = try await changeWork(lab, difference, options, progress)
    let rest = recorded.without(difference)
    let old = nodesInOrder
    try await makeWay(work, from: recorded, difference)
    current = rest
    nodesInOrder = old.filter { node in rest.nodes.contains { $0.name == node.definition.name } }
    try LabState.write(rest, in: directories)
    starting = Set(work.nodes.filter { [.create, .restart].contains(work.action($0)) }.map(\.definition.name))
    defer { starting = [] }
    do {
      current = work.lab
      nodesInOrder = work.nodes
      try LabState.write(work.lab, in: directories)
      for node in work.nodes { try await node.learn(work.lab) }
      try await makeChange(work, difference)
    } catch {
      let reason = UserError.wrapping(error, "lab \(work.lab.name)")
      let left = await Task { await self.settle(on: rest, difference, work) }.value
      throw reason.leaving(left, of: work.lab.name)
    }
  }

  /// A front-end whose device has lost features cannot go on with it: QEMU then connects again and again, for ever.
  ///
  /// One that was connected to the daemon before this one is waited for, as long as it may take to come back.
  private func refuseOtherOffers(_ difference: LabDifference) async throws {
    guard let plane, !difference.otherOffers.isEmpty else { return }
    let end = takenBack.map { $0 + TakeoverWatch.length } ?? ContinuousClock.now
    var connected: PortStatus?
    while true {
      connected = await plane.ports().first {
        difference.otherOffers.contains($0.name) && $0.vhostUser?.isConnected == true
      }
      guard connected == nil, ContinuousClock.now < end else { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    guard let port = connected else { return }
    throw UserError(
      .failed,
      "port \(port.name): its `offload` cannot change while a front-end is connected, which has taken up "
        + "what was offered before",
      hint: "stop what uses \(port.vhostUser?.socket ?? "its socket"), say `apus up` again, and then start it again")
  }

  /// Only the tests, captures, or the API over TCP differ.
  private func changeWords(to lab: CanonicalLab, from recorded: CanonicalLab) async throws {
    let journal = Journal()
    do {
      try await declareCaptures(of: lab, journal, old: .isReplaced)
      try LabState.write(lab, in: directories)
      current = lab
    } catch {
      let left = await Task { await rollBack(journal) }.value
      throw UserError.wrapping(error, "lab \(lab.name)").leaving(left, of: lab.name)
    }
  }

  /// The nodes as they are to be, and what is to be done with each.
  private func changeWork(
    _ lab: CanonicalLab, _ difference: LabDifference, _ options: BringUpOptions,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> Work {
    var plan = LabPlan()
    var nodes: [any Node] = []
    var newPorts: [String: [String]] = [:]
    var environment = environment
    environment.lab = lab.name
    for definition in lab.nodes {
      let old = nodesInOrder.first { $0.definition.name == definition.name }
      let change = difference.changedNodes[definition.name]
      if let old, change == nil {
        nodes.append(old)
        plan.nodes[definition.name] = .keep
        continue
      }
      let node = try NodeRegistry.make(definition, environment)
      nodes.append(node)
      if let old { await node.setFarEnds(down: await old.farDownNICs) }
      switch change {
      case nil, .anew, .restart: plan.nodes[definition.name] = .create
      case .modes, .ports, .nics:
        // A machine is taken back as after a crash of the daemon: its process goes on, what it is told is new.
        let isRunning = if case .running = node.presence() { true } else { false }
        plan.nodes[definition.name] = node.survives && isRunning ? .adopt : .keep
      }
      switch change {
      case .ports(let nics): newPorts[definition.name] = nics
      case .nics(let added, _, let ports): newPorts[definition.name] = ports + added
      case .modes, .anew, .restart, nil: break
      }
      try await node.check(isNew: old == nil, starts: plan.nodes[definition.name] == .create)
    }
    plan.steps = difference.steps
    return Work(
      lab: lab, options: options, plan: plan, nodes: nodes, isNew: false, isServing: true, newPorts: newPorts,
      progress: progress)
  }

  /// After an error in the second half: what was new goes, what stayed is the lab.
  /// - Returns: what could not be removed, and why.
  private func settle(on rest: CanonicalLab, _ difference: LabDifference, _ work: Work) async -> [String] {
    let left = await rollBack(work.journal)
    let nodes = await nodes(of: rest, work)
    current = rest
    nodesInOrder = nodes
    await captures.follow(rest)
    do {
      try await setBack(to: rest, difference)
    } catch {
      logger.error("\(error)")
    }
    do {
      try LabState.write(rest, in: directories)
    } catch {
      logger.error("\(error)")
    }
    return left
  }

  /// Gives what stayed the settings that it had before a change.
  private func setBack(to rest: CanonicalLab, _ difference: LabDifference) async throws {
    for definition in rest.switches where difference.changedSwitches.contains(definition.name) {
      try await explained("switch \(definition.name)") { () async throws(DataplaneError) in
        try await self.plane?.changeSwitch(SwitchConfiguration(definition))
      }
    }
    try await setModes(of: rest.nodes, difference)
    try await setRules(of: rest)
    await brief { await fitAddedPorts(to: rest) { _ in } }
    try await impair(rest, only: difference)
    for node in nodesInOrder where difference.otherSettings.contains(node.definition.name) {
      try await node.setKernelSettings(nil)
    }
  }

  /// The nodes of what is left, each with what it still has.
  private func nodes(of rest: CanonicalLab, _ work: Work) async -> [any Node] {
    var nodes: [any Node] = []
    for definition in rest.nodes {
      guard let node = work.nodes.first(where: { $0.definition.name == definition.name }) else { continue }
      nodes.append(node.definition == definition ? node : await other(than: node, definition))
    }
    return nodes
  }

  /// The same node by another definition; a machine that runs is taken back by it.
  private func other(than node: any Node, _ definition: NodeDefinition) async -> any Node {
    do {
      var environment = environment
      environment.lab = current?.name ?? environment.lab
      let other = try NodeRegistry.make(definition, environment)
      guard node.survives, case .running = other.presence() else { return other }
      await node.detach()
      await other.setFarEnds(down: await node.farDownNICs)
      for nic in definition.nics where isSetDown(Names.port(node: definition.name, nic: nic.name)) {
        _ = try await other.setCarrier(of: nic.name, up: false)
      }
      try await other.start(context(of: other, Journal()) { _ in }, isRunning: true)
      return other
    } catch {
      logger.error("\(error)")
      return node
    }
  }

  // MARK: - First half: what is in the way goes

  private func makeWay(_ work: Work, from recorded: CanonicalLab, _ difference: LabDifference) async throws {
    let gone = nodesInOrder.filter { node in
      let name = node.definition.name
      return difference.removedNodes.contains(name) || [.anew, .restart].contains(difference.changedNodes[name])
    }
    // First, since a guest may refuse, and then everything is to stay as it was.
    for node in nodesInOrder {
      guard case .nics(_, let removed, _) = difference.changedNodes[node.definition.name] else { continue }
      try await node.unplug(removed)
    }
    let restarting = gone.filter { difference.changedNodes[$0.definition.name] == .restart }
    var failures = await NodeRemoval.stop(restarting, cleanly: true, work.progress)
    failures += await NodeRemoval.stop(gone, cleanly: false, work.progress)
    for node in gone {
      await removePorts(of: node.definition, node.definition.nics.map(\.name))
      // What is made anew runs.
      runTime.stopped.remove(node.definition.name)
    }
    failures += await NodeRemoval.remove(gone, work.progress)
    for node in nodesInOrder {
      let name = node.definition.name
      switch difference.changedNodes[name] {
      case .ports(let nics):
        await node.detach()
        await removePorts(of: node.definition, nics)
      case .nics(_, let removed, let nics):
        await node.detach()
        await removePorts(of: node.definition, removed + nics)
      case .modes: await node.detach()
      case .anew, .restart, nil: continue
      }
    }
    for name in difference.removedNodes {
      do throws(UserError) {
        for line in try LabFiles.remove(node: environment.paths(of: name)).left { work.progress("left: \(line)") }
      } catch {
        failures.append(error)
      }
    }
    try await removeTrunksAndSwitches(recorded, difference, work)
    if let failure = UserError.all(failures) { throw failure }
  }

  private func removePorts(of node: NodeDefinition, _ nics: [String]) async {
    for nic in nics { try? await plane?.removePort(Names.port(node: node.name, nic: nic)) }
  }

  private func removeTrunksAndSwitches(
    _ recorded: CanonicalLab, _ difference: LabDifference, _ work: Work
  ) async throws {
    for link in recorded.links where difference.removedTrunks.contains(link.name) {
      for case .switchPort(let end) in link.ends {
        try? await plane?.removePort(PortName.end(switch: end, link: link.name).description)
      }
    }
    for name in difference.removedSwitches {
      try await explained("switch \(name)") { () async throws(DataplaneError) in
        try await self.plane?.removeSwitch(name)
      }
      work.progress("switch \(name) removed")
    }
  }

  // MARK: - Second half: what is new comes

  private func makeChange(_ work: Work, _ difference: LabDifference) async throws {
    try await makeSwitches(work, difference)
    for link in work.lab.links where difference.addedTrunks.contains(link.name) { try await makeTrunk(link, work) }
    try await prepareNodes(work)
    for node in work.nodesWithNewPorts { try await makePorts(of: node, node.definition.nics, work) }
    for node in work.nodes {
      guard let nics = work.newPorts[node.definition.name] else { continue }
      try await makePorts(of: node, node.definition.nics.filter { nics.contains($0.name) }, work)
    }
    try await setModes(of: work.lab.nodes, difference)
    try await setRules(of: work.lab)
    try await makeWires(work)
    try await impair(work.lab, only: difference)
    try await declareCaptures(of: work.lab, work.journal, old: .isReplaced)
    try await configureNodes(work)
    await bringBack(work.progress)
    await plane?.settleInterfaces()
    try await startNodes(work)
    await tellMachines()
    for node in work.nodes where difference.otherSettings.contains(node.definition.name) {
      try await node.setKernelSettings(work.journal)
    }
    for node in work.nodes {
      guard case .nics(let added, _, _) = difference.changedNodes[node.definition.name] else { continue }
      try await node.plug(node.definition.nics.filter { added.contains($0.name) })
    }
  }

  private func makeSwitches(_ work: Work, _ difference: LabDifference) async throws {
    guard let plane else { return }
    for definition in work.lab.switches {
      let isNew = difference.addedSwitches.contains(definition.name)
      guard isNew || difference.changedSwitches.contains(definition.name) else { continue }
      let configuration = SwitchConfiguration(definition)
      try await explained("switch \(definition.name)") { () async throws(DataplaneError) in
        if isNew { try await plane.addSwitch(configuration) } else { try await plane.changeSwitch(configuration) }
      }
      work.progress("switch \(definition.name)")
      guard isNew else { continue }
      work.journal.note("switch \(definition.name)") { try await plane.removeSwitch(definition.name) }
    }
  }

  /// What can be set of ports that stay: their VLANs, and the room for frames while their machines move.
  private func setModes(of nodes: [NodeDefinition], _ difference: LabDifference) async throws {
    guard let plane else { return }
    for node in nodes where difference.changedNodes[node.name] != nil {
      for nic in node.nics {
        let name = Names.port(node: node.name, nic: nic.name)
        try await explained("port \(name)") { () async throws(DataplaneError) in
          try await plane.setMigrationBuffer(port: name, nic.migrationBuffer)
        }
        guard case .switchPort(_, let mode) = nic.attachment else { continue }
        try await explained("port \(name)") { () async throws(DataplaneError) in
          try await plane.setMode(port: name, self.mode(of: name, mode))
        }
      }
    }
  }
}

extension LabDifference {
  /// Only the tests, captures, or the API over TCP differ: nothing of the lab itself changes.
  fileprivate var isOnlyWords: Bool { steps.allSatisfy { ["tests", "captures", "http"].contains($0.subject) } }
}
