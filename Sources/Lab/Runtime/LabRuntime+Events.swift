import Dataplane
import Topology

/// What the runtime sees happen.
extension LabRuntime {
  /// Tells what happens in a data plane, until it has ended and all was told.
  func followEvents(of plane: Dataplane) -> Task<Void, Never> {
    let heard = plane.events.subscribe(fromStart: true)
    return Task { [events, weak self] in
      for await heard in heard {
        switch heard {
        case .element(let event):
          guard let port = events.note(event) else { continue }
          await self?.tellLinks(of: [port])
          await self?.tellForeign(port)
        case .lost(let count):
          events.hub.note(.lost, detail: ["count": .integer(count)])
          // What was lost may have been carriers: what is told last is to be true.
          await self?.tellCarriers(of: plane)
        }
      }
    }
  }

  /// Tells which ports are up now, where another thing was told.
  private func tellCarriers(of plane: Dataplane) async {
    guard let ports = await withPlane({ $0 === plane ? await $0.ports() : nil }) ?? nil else { return }
    tellLinks(of: events.ports(areUp: Set(ports.filter(\.carrier).map(\.name))))
  }

  /// Tells what ports whose carriers have changed make of their links.
  private func tellLinks(of ports: [String]) {
    guard !ports.isEmpty else { return }
    for link in linksInOrder() where link.ports.contains(where: ports.contains) { events.mayBeUp(told(link)) }
  }

  private func told(_ link: Link) -> LabEvents.Link {
    LabEvents.Link(name: link.name, ends: [link.first, link.second], ports: link.ports)
  }

  /// Carriers are as they were in the daemon before this one: nobody is told.
  func knowCarriers(of plane: Dataplane) async {
    let up = Set(await plane.ports().filter(\.carrier).map(\.name))
    events.know(portsUp: up, linksInOrder().map(told))
  }

  /// Tells that something was done for the lab that is up; what was only seen to differ was not.
  func tellUp(_ steps: [PlanStep], since begin: ContinuousClock.Instant) {
    let count = steps.count { $0.action != .drift }
    guard count > 0 else { return }
    let isTakenBack = takenBack.map { $0 > begin } ?? false
    events.labUp(steps: count, takenBack: isTakenBack, seconds: (ContinuousClock.now - begin) / .seconds(1))
  }

  /// Tells that a node whose life is no process of its own is there.
  func tellStarted(_ node: any Node, takenBack: Bool = false) {
    guard !node.boots else { return }
    let definition = node.definition
    events.nodeStarted(definition.name, takenBack: takenBack)
    if !definition.traits.isForeign { events.nodeReady(definition.name) }
  }

  /// Tells that a node could not be started, unless nobody wants it any more.
  func tellFailed(_ node: any Node, _ error: any Error) {
    guard !(error is CancellationError), !Task.isCancelled else { return }
    events.nodeFailed(node.definition.name, reason: UserError.wrapping(error, "").message)
  }

  /// Tells of a node that somebody else starts whether all its ports are there, which is all that is known of it.
  func tellForeign(_ port: String) async {
    guard let name = PortName(port)?.node,
      let node = nodesInOrder.first(where: { $0.definition.name == name })?.definition, node.traits.isForeign
    else { return }
    let ports = node.nics.filter { $0.attachment != .none }.map { Names.port(node: name, nic: $0.name) }
    if await startedPorts().isSuperset(of: ports) {
      events.nodeReady(name)
    } else {
      events.nodeUnready(name)
    }
  }
}
