import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

extension LabRuntime {
  /// What one bring-up works with.
  struct Work: Sendable {
    var lab: CanonicalLab
    var options: BringUpOptions
    var plan: LabPlan
    var nodes: [any Node]
    /// Nothing of the lab was there before.
    var isNew: Bool
    /// The data plane was there before.
    var isServing: Bool
    /// NICs whose ports are made anew under a node that runs on, by node.
    var newPorts: [String: [String]] = [:]
    var journal = Journal()
    /// What it goes on from; nil = it begins.
    var saved: SavedFolder?
    var progress: @Sendable (String) -> Void

    func action(_ node: any Node) -> NodeAction { plan.nodes[node.definition.name] ?? .create }

    /// Nodes all of whose ports are made now: all for a new data plane, else new ones and those whose interfaces were
    /// lost.
    var nodesWithNewPorts: [any Node] {
      nodes.filter {
        !isServing || action($0) == .create || (action($0) == .restart && $0.definition.traits.hasOurInterfaces)
      }
    }

    /// Whether a wire's end is made now.
    func makes(_ node: String, _ nic: String) -> Bool {
      nodesWithNewPorts.contains { $0.definition.name == node } || newPorts[node]?.contains(nic) ?? false
    }
  }

  /// Makes a lab true, whatever is there of it.
  /// - Returns: what was done.
  func carryOut(
    _ lab: CanonicalLab, _ options: BringUpOptions, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    if let current, current.name != lab.name {
      throw UserError(.failed, "this daemon serves lab \(current.name), not \(lab.name)")
    }
    try checkGoingOn(lab.name, options)
    var options = options
    if let path = options.from { options.saved = try await openSaved(path, for: lab) }
    var steps = options.isReset ? await resetOverrides(of: lab.name) : []
    let recorded = try plane == nil ? LabState.read(lab.name, in: directories) : current
    if let recorded { try Planner.checkSource(of: lab, against: recorded) }
    if plane == nil { runTime = recorded == nil ? RunTimeState() : RunTimeState.read(lab.name, in: directories) }
    if let saved = options.saved { runTime = saved.runTime }
    // In one step with what follows: who adds a port from now on is judged by this lab too.
    coming = [lab] + (recorded.map { [$0] } ?? [])
    returned = []
    defer { coming = [] }
    try checkAddedPorts(with: lab)
    let httpSteps = try await openHTTP(of: lab, isNew: recorded == nil, options)
    do {
      steps += try await carryOut(lab, recorded, options, progress)
      try keepHTTP(options, lab.name)
    } catch {
      await httpDoor?.settle(isKept: false)
      // What a change has made anew may have had static entries.
      await bringBack { _ in }
      throw error
    }
    await httpDoor?.settle(isKept: true)
    steps += httpSteps
    await bringBack(forgets: true, progress)
    return steps + returned
  }

  /// The same, once it is known that it can be.
  private func carryOut(
    _ lab: CanonicalLab, _ recorded: CanonicalLab?, _ options: BringUpOptions,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    guard let recorded, let difference = try LabDifference(from: recorded, to: lab).orNothing else {
      return try await makeTrue(lab, recorded, options, progress)
    }
    if let step = difference.restarts.first, !options.allowsRestart {
      throw UserError(
        .failed, "\(step.subject) would have to start again: \(step.detail)",
        hint: "say `apus up --allow-restart` to let it, or take the change back")
    }
    // The daemon had died: first what was up, then the change.
    var steps: [PlanStep] = []
    if plane == nil { steps += try await makeTrue(recorded, recorded, options, progress) }
    try await change(to: lab, from: recorded, by: difference, options, progress)
    return steps + difference.steps
  }

  /// Observes, plans, and does it; rolls back on any error.
  /// - Parameter recorded: the same lab, if it is up, or was when its daemon died.
  private func makeTrue(
    _ lab: CanonicalLab, _ recorded: CanonicalLab?, _ options: BringUpOptions,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    let work = try await plan(lab, recorded, options, progress)
    if work.plan.steps.isEmpty { return [] }
    starting = Set(work.nodes.filter { [.create, .restart].contains(work.action($0)) }.map(\.definition.name))
    defer { starting = [] }
    do {
      try await make(work)
    } catch {
      let reason = UserError.wrapping(error, "lab \(lab.name)")
      // In a task of its own: the way back is to be gone to its end also when this task was cancelled.
      let left = await Task { await undo(work, reason) }.value
      throw reason.leaving(left, of: lab.name)
    }
    return work.plan.steps
  }

  private func plan(
    _ lab: CanonicalLab, _ recorded: CanonicalLab?, _ options: BringUpOptions,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) -> Work {
    let isServing = plane != nil
    var environment = environment
    environment.lab = lab.name
    var nodes = nodesInOrder
    if !isServing {
      nodes = []
      for definition in lab.nodes { nodes.append(try NodeRegistry.make(definition, environment)) }
    }
    let presences = nodes.map { ($0.definition.name, recorded == nil ? .absent : $0.presence()) }
    let observed = LabObservation(
      recorded: recorded, isServing: isServing, nodes: Dictionary(presences, uniquingKeysWith: { first, _ in first }))
    let plan = try Planner.plan(lab, observed: observed)
    for node in nodes {
      switch plan.nodes[node.definition.name] {
      case .create, .restart: try await node.check(isNew: recorded == nil, starts: true)
      case .keep, .adopt, nil: continue
      }
    }
    return Work(
      lab: lab, options: options, plan: plan, nodes: nodes, isNew: recorded == nil, isServing: isServing,
      saved: options.saved, progress: progress)
  }

  private func make(_ work: Work) async throws {
    current = work.lab
    nodesInOrder = work.nodes
    try LabFolders.make(work.lab.name, in: directories)
    // Written first: whatever happens from here on, `down` knows what may be there.
    try LabState.write(work.lab, in: directories)
    if work.saved != nil { try writeRunTime() }
    for node in work.lab.nodes { LabFolders.adopt(environment.paths(of: node.name)) }
    for node in work.nodes { try await node.learn(work.lab) }
    if !work.isServing { try await openPlane(work) }
    try await prepareNodes(work)
    for node in work.nodesWithNewPorts { try await makePorts(of: node, node.definition.nics, work) }
    try await makeWires(work)
    try await impair(work.lab, only: nil)
    let isTakenBack = !work.isServing && !work.isNew
    try await declareCaptures(of: work.lab, work.journal, old: isTakenBack ? .isKept : .isReplaced)
    if let plane, isTakenBack {
      takenBack = .now
      watchTakeover(plane, work.nodes)
    }
    if let plane, !work.isServing { watchHeldPorts(plane, isTakenBack: isTakenBack) }
    try await configureNodes(work)
    await bringBack(work.progress)
    await plane?.settleInterfaces()
    if let saved = work.saved { try await goOn(from: saved, work) } else { try await startNodes(work) }
    if isTakenBack, let folder = UnfinishedSave.removeRemains(of: work.lab.name, in: directories) {
      work.progress("note: \(folder), a saved lab that was not whole, is removed")
    }
  }

  private func openPlane(_ work: Work) async throws {
    try await use(try Dataplane(DataplaneConfiguration(work.lab)), work)
  }

  /// Makes switches and trunks in a data plane that has none, and lets everybody in.
  func use(_ plane: Dataplane, _ work: Work) async throws {
    self.plane = plane
    gate.open(plane)
    eventWatch = followEvents(of: plane)
    work.journal.note("data plane") { await self.closePlane() }
    for definition in work.lab.switches {
      try await explained("switch \(definition.name)") { () async throws(DataplaneError) in
        try await plane.addSwitch(SwitchConfiguration(definition))
      }
      work.progress("switch \(definition.name)")
    }
    for link in work.lab.links { try await makeTrunk(link, work) }
  }

  func makeTrunk(_ link: LinkDefinition, _ work: Work) async throws {
    guard let plane, case .trunk(let mode) = link.kind, case .switchPort(let a) = link.ends.first,
      case .switchPort(let b) = link.ends.last
    else { return }
    let ends = [a, b].map { name in
      let port = PortName.end(switch: name, link: link.name).description
      return PatchEnd(port, on: name, self.mode(of: port, work.lab.mode(mode, at: name)))
    }
    try await explained("link \(link.name)") { () async throws(DataplaneError) in
      try await plane.addPatch(ends[0], ends[1])
    }
    for end in ends { work.journal.note("port \(end.name)") { try await plane.removePort(end.name) } }
    work.progress("link \(link.name): trunk \(a) - \(b)")
  }

  func prepareNodes(_ work: Work) async throws {
    for node in work.nodesWithNewPorts {
      try Task.checkCancellation()
      let name = node.definition.name
      if work.isServing {
        for nic in node.definition.nics {
          try? await plane?.removePort(Names.port(node: name, nic: nic.name))
        }
      }
      if [.create, .restart].contains(work.action(node)) { try await node.fetch(work.progress) }
      try await node.prepare(work.journal)
    }
  }

  /// Makes the ports of some NICs of a node.
  func makePorts(of node: any Node, _ nics: [NICDefinition], _ work: Work) async throws {
    guard let plane else { return }
    for nic in nics {
      try Task.checkCancellation()
      let configuration = try await brief { () async throws(UserError) in
        let wanted = try self.configuration(nic, of: node)
        try await explained("port \(wanted.name)") { () async throws(DataplaneError) in
          try await plane.addPort(wanted)
        }
        return wanted
      }
      let name = configuration.name
      work.journal.note("port \(name)") { try await plane.removePort(name) }
      switch configuration.backend {
      case .vhostUser(let socket):
        work.progress("port \(name) \(socket.role == .listen ? "listening" : "connecting to \(socket.path)")")
      case .stream(let peer):
        work.progress("port \(name) \(peer.role == .listen ? "listening" : "connecting to \(peer.path)")")
      case .tap, .nic, .dgram: work.progress("port \(name) open")
      }
    }
  }

  func makeWires(_ work: Work) async throws {
    guard let plane else { return }
    for link in work.lab.links where link.kind == .wire {
      guard case .nic(let nodeA, let nicA) = link.ends.first, case .nic(let nodeB, let nicB) = link.ends.last,
        work.makes(nodeA, nicA) || work.makes(nodeB, nicB)
      else { continue }
      let ends = (Names.port(node: nodeA, nic: nicA), Names.port(node: nodeB, nic: nicB))
      try await explained("link \(link.name)") { () async throws(DataplaneError) in
        try await plane.connectWire(ends.0, ends.1)
      }
      work.progress("link \(link.name): wire \(ends.0) - \(ends.1)")
    }
  }

  /// Gives the interfaces that the new ports have made their addresses and routes.
  func configureNodes(_ work: Work) async throws {
    for node in work.nodesWithNewPorts {
      try Task.checkCancellation()
      let isThere = [.adopt, .keep].contains(work.action(node))
      for line in try await node.configure(isThere: isThere) { work.progress("\(node.definition.name): \(line)") }
    }
  }

  /// - Parameter resumed: those that were read from files already: others find them ready.
  func startNodes(_ work: Work, resumed: Set<String> = []) async throws {
    let due = work.nodes.filter { work.action($0) != .keep && !resumed.contains($0.definition.name) }
    for node in due where work.action(node) != .adopt && !node.boots {
      var record = NodeRecord(process: nil)
      if node.definition.setup != nil { record.isSetUp = false }
      try record.write(environment.paths(of: node.definition.name))
    }
    let order = StartOrder(work.nodes.map(\.definition.name))
    for node in work.nodes where work.action(node) == .keep || resumed.contains(node.definition.name) {
      await order.note(node.definition.name, .ready)
    }
    let queue = BootQueue(limit: work.options.parallel)
    let awaited = Set(work.lab.nodes.flatMap { $0.after ?? [] }.map(\.node))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for node in due {
        group.addTask { try await self.start(node, work, order, queue) }
        guard node.definition.traits.isForeign, awaited.contains(node.definition.name) else { continue }
        group.addTask { try await self.waitForFrontEnds(of: node.definition, order) }
      }
      try await group.waitForAll()
    }
  }

  /// Starts one node when its turn has come; a machine that boots takes a place in the queue.
  private func start(_ node: any Node, _ work: Work, _ order: StartOrder, _ queue: BootQueue) async throws {
    let (name, action) = (node.definition.name, work.action(node))
    var context = context(of: node, work.journal, work.progress)
    context.wasSaving = action == .adopt && UnfinishedSave.isNoted(work.lab.name, in: directories)
    context.onStarted = { Task { await order.note(name, .started) } }
    let boots = action != .adopt && node.boots
    if boots {
      try await order.wait(for: node.definition.after ?? [])
      try await queue.enter()
    }
    do {
      try await node.start(context, isRunning: action == .adopt)
      if boots { await queue.leave() }
    } catch {
      if boots { await queue.leave() }
      tellFailed(node, error)
      throw error
    }
    starting.remove(name)
    tellStarted(node, takenBack: action == .adopt)
    // Only its ports tell how a node is that somebody else starts.
    await order.note(name, node.definition.traits.isForeign ? .started : .ready)
  }

  /// After an error: back to what was there before.
  /// - Returns: what could not be removed, and why.
  private func undo(_ work: Work, _ reason: UserError) async -> [String] {
    if !work.isServing {
      for node in work.nodes where work.action(node) == .adopt { await node.detach() }
    }
    var left = await rollBack(work.journal)
    if work.isServing { return left }
    await closePlane()
    if work.isNew { events.labDown(error: "it did not come up: \(reason.message)") }
    current = nil
    nodesInOrder = []
    if work.isNew {
      // Somebody may have added one meanwhile.
      left += await removeAddedPorts(of: work.lab.name) { _ in }.map(\.message)
      runTime = RunTimeState()
    }
    // By what is written down, `down` finds what is left.
    guard work.isNew, left.isEmpty else { return left }
    do {
      // Those by which this daemon is being talked to go with it.
      let kept: Set = [LabFile.control.rawValue, LabFile.pid.rawValue]
      left = try LabFiles.remove(work.lab.name, in: directories, keeping: kept).left
    } catch {
      left = [error.message]
    }
    return left
  }

  /// - Returns: what could not be removed, and why.
  func rollBack(_ journal: Journal) async -> [String] {
    let left = await journal.rollBack()
    for failure in left { logger.error("left behind after the error: \(failure)") }
    return left
  }

  /// Runs a call to the data plane; its error says for what it was.
  func explained(
    _ subject: String, _ body: () async throws(DataplaneError) -> Void
  ) async throws(UserError) {
    do {
      try await body()
    } catch {
      let reason = error.description
      let message = reason.hasPrefix("\(subject): ") ? reason : "\(subject): \(reason)"
      throw UserError(.failed, message, hint: error.advice)
    }
  }
}

extension LabDifference {
  /// Nil if nothing is to be done.
  fileprivate var orNothing: LabDifference? { isEmpty ? nil : self }
}

extension DataplaneError {
  /// What to do about it, where that is known.
  fileprivate var advice: String? {
    guard case .host(let text) = self else { return nil }
    if text.contains("/dev/net/tun") { return "load the module with `modprobe tun`, or make the device node" }
    if text.contains("EADDRINUSE") { return "another program listens there; stop it, or give the NIC another socket" }
    if text.contains("EPERM") || text.contains("EACCES") { return "run as root" }
    return nil
  }
}
