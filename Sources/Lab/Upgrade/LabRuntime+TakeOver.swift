import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// The new daemon's part of an upgrade.
extension LabRuntime {
  /// Looks at everything that it will have to do with, while the daemon before this one has the lab.
  /// - Throws: `UserError` if this program cannot go on with it.
  package func prepare(_ handed: HandedLab) async throws(UserError) {
    let lab = handed.lab
    if let complaint = lab.wrongName ?? lab.whatNoFileHas { throw UserError(.failed, complaint) }
    guard served ?? lab.name == lab.name else { throw UserError(.failed, "the lab is \(lab.name)") }
    var environment = environment
    environment.lab = lab.name
    var nodes: [any Node] = []
    for definition in lab.nodes { nodes.append(try NodeRegistry.make(definition, environment)) }
    for node in nodes {
      for nic in node.definition.nics { _ = try node.backend(of: nic) }
    }
    nodesInOrder = nodes
  }

  /// Goes on with a lab in this process, as another daemon hands it over.
  ///
  /// Returns when frames move again. When this throws nothing of the lab was touched.
  package func takeOver(_ handed: HandedLab, from predecessor: Predecessor) async throws(UserError) {
    do {
      try await whole {
        let (handedPlane, descriptors) = try await predecessor.plane()
        try await self.takeOver(handed, handedPlane, descriptors, predecessor)
      }
    } catch {
      throw UserError.wrapping(error, "lab \(handed.lab.name)")
    }
  }

  private func takeOver(
    _ handed: HandedLab, _ handedPlane: HandedPlane, _ descriptors: [Descriptor], _ predecessor: Predecessor
  ) async throws {
    let work = work(handed, handedPlane.nodes)
    current = work.lab
    runTime = handedPlane.runTime
    // Nothing is written down before the lab is this process's.
    let gonePorts = runTime.ports.filter(\.isOfGonePod)
    for port in gonePorts { runTime.forget(port: port.name) }
    coming = [work.lab]
    defer { coming = [] }
    for node in work.nodes {
      if let known = handedPlane.nodes.first(where: { $0.name == node.definition.name }) { await node.learn(known) }
      try await node.learn(work.lab)
    }
    let plane = try Dataplane(
      DataplaneConfiguration(work.lab), inheriting: handedPlane.plane, descriptors: descriptors)
    try await use(plane, work)
    for node in work.nodes { try await makePorts(of: node, node.definition.nics, work) }
    try await makeWires(work)
    // Before their links are set as they were.
    await bringBack(work.progress)
    try await impair(work.lab, only: nil)
    try await captures.inherit(handedPlane.captures, of: work.lab)
    // From here on the other one does not take it back.
    try await predecessor.tellBegun()
    // Not before, as the other one's files are this one's only now; and before any frame moves.
    await captureAgain()
    await plane.begin()
    movingSince = HostClock.monotonic
    for port in gonePorts { logger.notice("port \(port.name): its pod has gone") }
    if !gonePorts.isEmpty { noteRunTime() }
    await knowCarriers(of: plane)
  }

  private func noteRunTime() {
    do throws(UserError) { try writeRunTime() } catch { logger.error("\(error)") }
  }

  private func work(_ handed: HandedLab, _ known: [HandedNode]) -> Work {
    var plan = LabPlan()
    for node in nodesInOrder {
      let name = node.definition.name
      let isRunning = known.first { $0.name == name }?.isRunning ?? false
      plan.nodes[name] = isRunning ? .adopt : .keep
    }
    let logger = logger
    return Work(
      lab: handed.lab, options: BringUpOptions(), plan: plan, nodes: nodesInOrder, isNew: false, isServing: false,
      progress: { logger.debug("\($0)") })
  }

  /// Connects to the nodes, and serves the API over TCP as it was served; returns when all nodes have answered.
  package func takeNodesBack(_ handed: HandedLab, from predecessor: Predecessor) async {
    let begin = ContinuousClock.now
    let work = work(handed, predecessor.nodes)
    do {
      try await whole {
        await self.serveAgain(work.lab)
        if let plane = self.plane { self.watchHeldPorts(plane, isTakenBack: false) }
        await self.startAll(work)
        self.events.labUp(
          steps: work.nodes.count, takenBack: true, seconds: (ContinuousClock.now - begin) / .seconds(1))
      }
    } catch {
      // A `down` came first.
    }
  }

  private func serveAgain(_ lab: CanonicalLab) async {
    do throws(UserError) {
      _ = try await openHTTP(of: lab, isNew: false, BringUpOptions())
      await httpDoor?.settle(isKept: true)
    } catch {
      logger.error("\(error)")
    }
  }

  private func startAll(_ work: Work) async {
    await withTaskGroup(of: Void.self) { group in
      for node in work.nodes where work.action(node) == .adopt {
        let context = context(of: node, work.journal, work.progress)
        group.addTask {
          do {
            try await node.start(context, isRunning: true)
            await self.tellStarted(node, takenBack: true)
          } catch {
            await self.tellLost(node, error)
          }
        }
      }
      await group.waitForAll()
    }
    for node in work.nodes where work.action(node) == .keep {
      if node.interfacesEndWithIt { await loseInterfaces(of: node.definition.name) }
      await node.lookOut(context(of: node, work.journal, work.progress))
    }
  }

  private func tellLost(_ node: any Node, _ error: any Error) {
    logger.warning("node \(node.definition.name) was not found again: \(ErrorWords.of(error))")
    tellFailed(node, error)
  }
}
