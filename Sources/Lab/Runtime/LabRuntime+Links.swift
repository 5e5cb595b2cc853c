import Dataplane
import Topology

/// A link as `link list` shows it.
package struct LinkStatus: Sendable, Equatable {
  package var name: String
  /// `vm1.eth0`, or the name of a switch.
  package var ends: [String]
  /// Both ends have carrier.
  package var carrier: Bool
  /// Carrier of each end, as `ends`.
  package var carriers: [Bool]
  /// What impairs it now; first = the first end sends.
  package var impair: ImpairmentPair?
  /// Ends whose carrier was taken away at run time.
  package var down: [String] = []
}

/// What `link set` changes; nil stays as it is.
package struct LinkChange: Sendable, Equatable {
  /// Carrier of the ends that `from` names.
  package var carrier: Bool?
  /// New values as the lab file writes them, by its keys (`delay`: `40ms`); others stay unless `isReplacement`.
  package var impair: [String: String] = [:]
  /// End that the change is for (frames it sends, carrier at it); nil = both.
  package var from: String?
  /// What is not named goes.
  package var isReplacement = false
  /// Everything back to the file.
  package var isReset = false
  /// Everything as this says, whatever was said before; the other keys are not looked at then.
  package var wish: LinkWish?

  package init() {}
}

/// Carrier and faults of links, from the file and at run time.
extension LabRuntime {
  /// A link, however the file declares it.
  struct Link: Sendable, Equatable {
    var name: String
    /// Ports of the data plane at both ends; the second of a NIC on a switch is the switch.
    var first: String
    var second: String
    var kind: Kind

    enum Kind: Sendable { case wire, trunk, nic }
  }

  /// Links of the lab in file order: declared ones, then NICs on switches, which are named as their ports; then the ports
  /// that were added, likewise.
  func linksInOrder() -> [Link] {
    guard let current else { return [] }
    var links: [Link] = []
    for link in current.links {
      switch (link.ends.first, link.ends.last) {
      case (.nic(let nodeA, let nicA)?, .nic(let nodeB, let nicB)?):
        links.append(
          Link(
            name: link.name, first: Names.port(node: nodeA, nic: nicA),
            second: Names.port(node: nodeB, nic: nicB), kind: .wire))
      case (.switchPort(let a)?, .switchPort(let b)?):
        links.append(Link(name: link.name, first: a, second: b, kind: .trunk))
      default: continue
      }
    }
    for node in current.nodes {
      for nic in node.nics {
        guard case .switchPort(let name, _) = nic.attachment else { continue }
        let port = Names.port(node: node.name, nic: nic.name)
        links.append(Link(name: port, first: port, second: name, kind: .nic))
      }
    }
    links += runTime.ports.map { Link(name: $0.name, first: $0.name, second: $0.switchName, kind: .nic) }
    return links
  }

  /// Sets the faults of links as the file and what was said since have them.
  /// - Parameter difference: only links that it touches; nil = all.
  func impair(_ lab: CanonicalLab, only difference: LabDifference?) async throws {
    let declared = lab.impairments
    let touched = difference.map { Set($0.steps.map(\.subject)) }
    let links = linksInOrder()
    events.links(are: Set(links.map(\.name)))
    let absent = await addedPortsNotThere()
    // An added port that comes back later is made as was said of its link.
    for link in links where !absent.contains(link.first) {
      let isTouched = touched.map { touched in
        touched.contains("link \(link.name)") || link.nodes.contains { touched.contains("node \($0)") }
      }
      try await brief { () async throws(UserError) in
        let override = runTime.links[link.name]
        let pair = override?.impair ?? declared[link.name]
        guard isTouched ?? (pair != nil || override != nil) else { return }
        try await impair(link, pair)
        try await setCarriers(link, override?.down ?? [], override)
      }
    }
  }

  private func addedPortsNotThere() async -> Set<String> {
    guard !runTime.ports.isEmpty, let plane else { return [] }
    return Set(runTime.ports.map(\.name)).subtracting(await plane.ports().map(\.name))
  }

  /// Sets the faults of the link that a port has, and its carrier, within the brief lane; for one that was made anew.
  func impairPort(_ port: String) async throws(UserError) {
    guard let link = linksInOrder().first(where: { $0.ports.contains(port) }) else { return }
    let override = runTime.links[link.name]
    guard let pair = override?.impair ?? current?.impairments[link.name] else { return }
    try await impair(link, pair)
  }

  private func impair(_ link: Link, _ pair: ImpairmentPair?) async throws(UserError) {
    guard let plane else { return }
    let (first, second) = (Impairment(pair?.fromFirst), Impairment(pair?.fromSecond))
    try await explained("link \(link.name)") { () async throws(DataplaneError) in
      switch link.kind {
      case .nic: try await plane.setImpairment(port: link.first, fromNode: first, toNode: second)
      case .wire:
        try await plane.setImpairment(port: link.first, fromNode: first, toNode: nil)
        try await plane.setImpairment(port: link.second, fromNode: second, toNode: nil)
      case .trunk:
        try await plane.setImpairment(port: link.ports[0], fromNode: nil, toNode: first)
        try await plane.setImpairment(port: link.ports[1], fromNode: nil, toNode: second)
      }
    }
    events.link(link.name, ends: [link.first, link.second], isImpairedBy: pair)
  }

  // MARK: - At run time

  /// Forgets what was said of the links, ports and stations of a lab.
  /// - Returns: what was done.
  func resetOverrides(of lab: String) async -> [PlanStep] {
    await brief {
      // Said to a daemon that has died: what is brought up again reads what is written down.
      if plane == nil { runTime = RunTimeState.read(lab, in: directories) }
      let ports = await resetPorts(of: lab)
      let names = runTime.links.keys.sorted()
      var change = LinkChange()
      change.isReset = true
      for name in names {
        if linksInOrder().contains(where: { $0.name == name }) { _ = try? await set(name, change) }
        runTime.links[name] = nil
      }
      let http = runTime.http.map { _ in PlanStep(.change, "http", "back to the file") }
      runTime.http = nil
      try? runTime.write(lab, in: directories)
      return (http.map { [$0] } ?? []) + ports + names.map { PlanStep(.change, "link \($0)", "back to the file") }
    }
  }

  /// All links, in file order.
  package func links() async -> [LinkStatus] {
    let up = Set((await withPlane { await $0.ports() } ?? []).filter(\.carrier).map(\.name))
    let declared = current?.impairments ?? [:]
    return linksInOrder().map { link in
      let carriers = link.ports.map { up.contains($0) }
      return LinkStatus(
        name: link.name, ends: [link.first, link.second], carrier: carriers.allSatisfy(\.self),
        carriers: carriers, impair: runTime.links[link.name]?.impair ?? declared[link.name],
        down: runTime.links[link.name].map { link.shownEnds($0.down) } ?? [])
    }
  }

  /// Changes a link until the lab is taken down, or `up --reset`.
  /// - Returns: the link afterwards.
  package func setLink(_ name: String, _ change: LinkChange) async throws -> LinkStatus {
    // What is said last is so in the end.
    try await brief { try await set(name, change) }
  }

  /// The same, within the brief lane.
  private func set(_ name: String, _ change: LinkChange) async throws -> LinkStatus {
    guard let link = PortName.find(name, in: linksInOrder(), by: \.name) else { throw unknownLink(name) }
    var override = runTime.links[link.name] ?? RunTimeState.Link()
    let ends = try link.ends(from: change.from)
    let before = override
    var changed: Set<String> = []
    if change.isReset {
      changed = override.down
      override = RunTimeState.Link()
    }
    if let wish = change.wish {
      changed = Set(link.endNames)
      override = try link.override(wish, file: current?.impairments[link.name])
    }
    if let isUp = change.carrier {
      let named = Set(ends.map { link.endNames[$0] })
      changed.formUnion(named)
      if isUp { override.down.subtract(named) } else { override.down.formUnion(named) }
    }
    if !change.impair.isEmpty || change.isReplacement {
      var pair = override.impair ?? current?.impairments[link.name] ?? ImpairmentPair()
      for end in ends { try pair.change(end, change) }
      override.impair = pair
    }
    try await keep(override, of: link, changed: changed, before: before)
    let after = await links().first { $0.name == link.name }
    guard let after else { throw unknownLink(name) }
    return after
  }

  /// Writes down what is said of a link from now on, and sets it: the carriers that this changes, and faults.
  ///
  /// All is as before if it fails; of this link alone, since nodes may have been stopped or started meanwhile.
  private func keep(
    _ override: RunTimeState.Link, of link: Link, changed: Set<String>, before: RunTimeState.Link
  ) async throws(UserError) {
    try changeRunTime { $0.links[link.name] = override.orNothing }
    do throws(UserError) {
      try await carryOut(override, link, changed)
    } catch {
      runTime.links[link.name] = before.orNothing
      try? writeRunTime()
      try? await carryOut(before, link, changed)
      throw error
    }
  }

  private func carryOut(
    _ override: RunTimeState.Link, _ link: Link, _ changed: Set<String>
  ) async throws(UserError) {
    try await setCarriers(link, changed, override)
    try await impair(link, override.impair ?? current?.impairments[link.name])
  }

  /// Sets the carrier at some ends of a link as it is then said to be.
  private func setCarriers(
    _ link: Link, _ ends: Set<String>, _ override: RunTimeState.Link?
  ) async throws(UserError) {
    for (end, port) in zip(link.endNames, link.endPorts) where ends.contains(end) {
      try await setCarrier(link, port, override.map { !link.isDown(port, $0) } ?? true)
    }
  }

  /// A machine of ours sees its carrier go; for others, carrier down ends the session of a vhost-user port and refuses
  /// another, and a TAP loses its carrier.
  private func setCarrier(_ link: Link, _ port: String, _ isUp: Bool) async throws(UserError) {
    guard let plane else { return }
    let name = PortName(port)
    let node = nodesInOrder.first { $0.definition.name == name?.node }
    // What `stop` has stopped stays so.
    let isWanted = isUp && !runTime.stopped.contains(node?.definition.name ?? "")
    try await explained("link \(link.name)") { () async throws(DataplaneError) in
      try await plane.setCarrier(port: port, up: isWanted)
    }
    if let node, case .nic(_, let nic)? = name { _ = try await node.setCarrier(of: nic, up: isWanted) }
  }

  /// Writes down what was said at run time.
  func writeRunTime() throws(UserError) {
    guard let current else { return }
    try runTime.write(current.name, in: directories)
  }

  /// Changes what is said at run time, and writes it down first: what cannot be kept is not done.
  /// - Throws: `UserError` when it cannot be written (the disk is full); everything is as it was.
  func changeRunTime(_ body: (inout RunTimeState) -> Void) throws(UserError) {
    let before = runTime
    body(&runTime)
    do {
      try writeRunTime()
    } catch {
      runTime = before
      throw UserError(error.code, error.message, hint: "nothing was changed")
    }
  }

  private func unknownLink(_ name: String) -> UserError {
    guard let current else { return Self.noLab }
    let names = linksInOrder().map(\.name)
    return UserError(
      .notFound, "lab \(current.name) has no link \"\(name)\"",
      hint: names.isEmpty ? "it has no links" : "links: \(Self.shown(names))")
  }
}

extension LabRuntime.Link {
  /// Ports of the data plane that the ends are.
  var ports: [String] {
    switch kind {
    case .wire: [first, second]
    case .nic: [first]
    case .trunk: [first, second].map { PortName.end(switch: $0, link: name).description }
    }
  }

  /// What its ends are called when their carrier is set; a NIC's switch is one.
  var endNames: [String] { kind == .nic ? [first, second] : ports }

  /// The ports that they are: a cable has one carrier, at the switch as at the NIC.
  var endPorts: [String] { kind == .nic ? [first, first] : ports }

  /// A port's carrier was taken away at run time.
  func isDown(_ port: String, _ said: RunTimeState.Link) -> Bool {
    kind == .nic ? !said.down.isEmpty : said.down.contains(port)
  }

  /// Names of the nodes at the ends.
  var nodes: [String] {
    ports.compactMap { PortName($0)?.node }
  }

  /// Positions of the ends that a change is for.
  func ends(from end: String?) throws(UserError) -> [Int] {
    guard let end else { return [0, 1] }
    let names = [first, second]
    let asked = PortName.dotted(end)
    if let position = names.firstIndex(of: asked) { return [position] }
    let nodes = names.map { PortName($0)?.node ?? $0 }
    if let position = nodes.firstIndex(of: asked), nodes.filter({ $0 == asked }).count == 1 { return [position] }
    throw UserError(.badInput, "link \(name) has no end \"\(end)\"", hint: "ends: \(first), \(second)")
  }
}

extension RunTimeState.Link {
  /// Nil if nothing is said.
  fileprivate var orNothing: Self? { self == Self() ? nil : self }
}

extension ImpairmentPair {
  mutating func change(_ end: Int, _ change: LinkChange) throws(UserError) {
    var definition = (end == 0 ? fromFirst : fromSecond) ?? ImpairmentDefinition()
    if change.isReplacement { definition = ImpairmentDefinition() }
    for (name, text) in change.impair {
      guard let key = ImpairmentKey(rawValue: name) else {
        let known = ImpairmentKey.allCases.map(\.rawValue).joined(separator: ", ")
        throw UserError(.badInput, "unknown impairment \"\(name)\"", hint: "known: \(known)")
      }
      do {
        try definition.set(key, to: text)
      } catch {
        switch error {
        case .type(let wanted): throw UserError(.badInput, "\(name): \"\(text)\" is not \(wanted)")
        case .range(let limits): throw UserError(.badInput, "\(name): \"\(text)\" is outside \(limits)")
        }
      }
    }
    if let contradiction = definition.contradiction { throw UserError(.badInput, contradiction.message) }
    let result = definition == ImpairmentDefinition() ? nil : definition
    if end == 0 { fromFirst = result } else { fromSecond = result }
  }
}
