import Topology

/// What has to change on a running lab to make another definition of it true.
///
/// Pure: the same two labs give the same difference. Order is file order, removals first.
struct LabDifference: Sendable, Equatable {
  /// What has to happen to a node that is in both.
  enum NodeChange: Sendable, Equatable {
    /// Only the VLANs of its ports differ.
    case modes
    /// The ports of these NICs lead somewhere else; the node runs on.
    case ports([String])
    /// A machine that runs on gets and loses NICs; `ports` are those of its others that lead somewhere else.
    case nics(added: [String], removed: [String], ports: [String])
    /// It is removed and made again; nothing boots.
    case anew
    /// It is a machine that has to start again.
    case restart
  }

  var addedNodes: [String] = []
  var removedNodes: [String] = []
  var changedNodes: [String: NodeChange] = [:]
  var addedSwitches: [String] = []
  var removedSwitches: [String] = []
  var changedSwitches: [String] = []
  /// Links between switches; a changed one is in both lists, as its ends are made anew.
  var addedTrunks: [String] = []
  var removedTrunks: [String] = []
  /// Ports of nodes that somebody else runs whose front-ends would find other features when they connect again.
  var otherOffers: [String] = []
  /// Nodes that run on with other settings of their kernels.
  var otherSettings: [String] = []
  var steps: [PlanStep] = []

  /// - Throws: for what a running lab cannot change.
  init(from old: CanonicalLab, to new: CanonicalLab) throws(UserError) {
    guard old.workers == new.workers else {
      throw UserError(
        .failed, "lab \(new.name) is running with other `workers`, which cannot change while it runs",
        hint: "take it down with `apus down \(new.name)` first")
    }
    guard old.recorderSize == new.recorderSize else {
      throw UserError(
        .failed, "lab \(new.name) is running with another `recorder`, which cannot change while it runs",
        hint: "take it down with `apus down \(new.name)` first")
    }
    for node in old.nodes where !new.nodes.contains(where: { $0.name == node.name }) {
      removedNodes.append(node.name)
      steps.append(PlanStep(.remove, "node \(node.name)", node.kind))
    }
    compareLinks(old, new)
    for definition in old.switches where !new.switches.contains(where: { $0.name == definition.name }) {
      removedSwitches.append(definition.name)
      steps.append(PlanStep(.remove, "switch \(definition.name)"))
    }
    compareSwitches(old, new)
    compareNodes(old, new)
    compareImpairments(old, new)
    steps += Self.ruleSteps(old, new)
    if old.http != new.http { steps.append(Self.httpStep(old.http, new.http)) }
    let (before, now) = (old.captures ?? [], new.captures ?? [])
    if before != now { steps.append(PlanStep(.change, "captures", "\(before.count) -> \(now.count)")) }
    if old.tests != new.tests { steps.append(PlanStep(.change, "tests", "\(old.tests.count) -> \(new.tests.count)")) }
  }

  /// Nothing is to be done.
  var isEmpty: Bool { steps.isEmpty }

  /// Machines that have to start again, in the words of the plan.
  var restarts: [PlanStep] { steps.filter { $0.action == .restart } }

  // MARK: - Comparing

  private mutating func compareLinks(_ old: CanonicalLab, _ new: CanonicalLab) {
    for link in old.links {
      let now = new.links.first { $0.name == link.name }
      guard now.map({ !Self.joinsTheSame($0, link, old, new) }) ?? true else { continue }
      if link.kind != .wire { removedTrunks.append(link.name) }
      if now == nil { steps.append(PlanStep(.remove, "link \(link.name)", Self.word(link))) }
    }
    for link in new.links {
      let before = old.links.first { $0.name == link.name }
      guard before.map({ !Self.joinsTheSame($0, link, old, new) }) ?? true else { continue }
      if link.kind != .wire { addedTrunks.append(link.name) }
      steps.append(PlanStep(before == nil ? .create : .change, "link \(link.name)", Self.word(link)))
    }
  }

  /// Links whose faults alone differ.
  private mutating func compareImpairments(_ old: CanonicalLab, _ new: CanonicalLab) {
    let before = old.impairments
    for (name, pair) in new.impairments.sorted(by: { $0.key < $1.key }) where before[name] != pair {
      steps.append(PlanStep(.change, "link \(name)", "impairments"))
    }
    for name in before.keys.sorted() where new.impairments[name] == nil {
      steps.append(PlanStep(.change, "link \(name)", "no impairments"))
    }
  }

  private static func joinsTheSame(
    _ one: LinkDefinition, _ other: LinkDefinition, _ old: CanonicalLab, _ new: CanonicalLab
  ) -> Bool {
    guard one.kind == other.kind, one.ends == other.ends else { return false }
    return one.kind == .wire || one.ends.allSatisfy { old.isVLANAware($0.text) == new.isVLANAware($0.text) }
  }

  private static func word(_ link: LinkDefinition) -> String { link.kind == .wire ? "wire" : "trunk" }

  private mutating func compareSwitches(_ old: CanonicalLab, _ new: CanonicalLab) {
    for definition in new.switches {
      guard let before = old.switches.first(where: { $0.name == definition.name }) else {
        addedSwitches.append(definition.name)
        steps.append(PlanStep(.create, "switch \(definition.name)"))
        continue
      }
      guard before != definition else { continue }
      changedSwitches.append(definition.name)
      steps.append(PlanStep(.change, "switch \(definition.name)", Self.changes(before, definition)))
    }
  }

  private static func changes(_ old: SwitchDefinition, _ new: SwitchDefinition) -> String {
    var parts: [String] = []
    if old.isVLANAware != new.isVLANAware {
      parts.append("vlan-aware \(old.isVLANAware ? "on -> off" : "off -> on")")
    }
    if (old.aging, old.linkLocal) != (new.aging, new.linkLocal) { parts.append("aging or link-local") }
    if old.fdbSize != new.fdbSize { parts.append("fdb-size \(old.fdbSize) -> \(new.fdbSize)") }
    if old.fdbPerPort != new.fdbPerPort { parts.append("fdb-per-port \(old.fdbPerPort) -> \(new.fdbPerPort)") }
    return parts.joined(separator: ", ")
  }

  private mutating func compareNodes(_ old: CanonicalLab, _ new: CanonicalLab) {
    for node in new.nodes {
      let kind = node.image.map { "\(node.kind), image \($0)" } ?? node.kind
      guard let before = old.nodes.first(where: { $0.name == node.name }) else {
        addedNodes.append(node.name)
        steps.append(PlanStep(.create, "node \(node.name)", kind))
        continue
      }
      let rewired = Self.rewired(node, before, old, new)
      let offloads = node.kind == before.kind ? Self.otherOffloads(node, before) : []
      if node.traits.isForeign { otherOffers += offloads.map { Names.port(node: node.name, nic: $0) } }
      let reopened = node.traits.hasOurInterfaces ? offloads : []
      let isTheSame =
        before.attachments == node.attachments && before.ready == node.ready && before.after == node.after
        && before.setup == node.setup && Self.otherBuffers(node, before).isEmpty
      guard Self.detached(before) != Self.detached(node) || !isTheSame || !(rewired + reopened).isEmpty else {
        continue
      }
      let isAttachedFirst = rewired.allSatisfy { Self.ledNowhere($0, of: before, in: old) }
      let change = Self.change(node, before, rewired, reopened: reopened, isAttachedFirst: isAttachedFirst)
      changedNodes[node.name] = change
      switch change {
      case .modes, .ports, .nics:
        if before.setup != node.setup { otherSettings.append(node.name) }
        let detail = Self.detail(of: change, node, before, rewired, reopened: reopened)
        steps.append(PlanStep(.change, "node \(node.name)", detail))
      case .anew:
        steps.append(PlanStep(.change, "node \(node.name)", "\(kind), made anew\(Self.setupWords(node, before))"))
      case .restart: steps.append(PlanStep(.restart, "node \(node.name)", "\(kind), \(Self.reason(node, before))"))
      }
    }
  }

  /// NICs that lead elsewhere, by their own words or since the wire they name does.
  private static func rewired(
    _ node: NodeDefinition, _ before: NodeDefinition, _ old: CanonicalLab, _ new: CanonicalLab
  ) -> [String] {
    node.nics.filter { nic in
      guard let was = before.nics.first(where: { $0.name == nic.name }) else { return true }
      if case .wire(let link) = nic.attachment, was.attachment == nic.attachment {
        let (now, then) = (new.links.first { $0.name == link }, old.links.first { $0.name == link })
        return now?.ends != then?.ends
      }
      if case .switchPort(let one, _) = nic.attachment, case .switchPort(let other, _) = was.attachment {
        return one != other
      }
      return nic.attachment != was.attachment
    }.map(\.name)
  }

  /// Whether a NIC led nowhere: what a change that failed half-way has left.
  private static func ledNowhere(_ nic: String, of node: NodeDefinition, in lab: CanonicalLab) -> Bool {
    switch node.nics.first(where: { $0.name == nic })?.attachment {
    case .none?: true
    case .wire(let link): !lab.links.contains { $0.name == link }
    case .switchPort, nil: false
    }
  }

  /// - Parameters:
  ///   - reopened: NICs whose interfaces, which are ours, are to be opened in another way.
  ///   - isAttachedFirst: all that are rewired led nowhere, so an interface of ours has nothing to lose by it.
  private static func change(
    _ node: NodeDefinition, _ before: NodeDefinition, _ rewired: [String], reopened: [String], isAttachedFirst: Bool
  ) -> NodeChange {
    let (now, then) = insides(node, before)
    let isTheSameInside = now == then
    if isTheSameInside, rewired.isEmpty, reopened.isEmpty { return .modes }
    if isTheSameInside, rewired.isEmpty || (isAttachedFirst && node.traits.hasOurInterfaces) {
      return .ports(node.nics.map(\.name).filter { rewired.contains($0) || reopened.contains($0) })
    }
    guard let kind = NodeRegistry.implementation(of: node.kind), node.kind == before.kind else { return .anew }
    if isTheSameInside, kind.rewires != .nothing { return .ports(rewired) }
    guard kind.boots(node) else { return .anew }
    return (kind.rewires == .nics ? otherNICs(node, before, rewired) : nil) ?? .restart
  }

  /// The change of a machine that differs in nothing but its NICs; nil when it has to start again for it.
  ///
  /// New NICs are found last on the machine's bus, so they must come last in the file too.
  private static func otherNICs(
    _ node: NodeDefinition, _ before: NodeDefinition, _ rewired: [String]
  ) -> NodeChange? {
    var (now, then) = insides(node, before)
    let (new, old) = (now.nics, then.nics)
    let kept = new.filter { nic in old.contains { $0.name == nic.name } }
    let added = new.filter { nic in !old.contains { $0.name == nic.name } }
    guard kept + added == new, old.filter({ nic in kept.contains { $0.name == nic.name } }) == kept else { return nil }
    // The built-in guest's small kernel has no drivers for them.
    let lacksDrivers = node.disk == nil && !before.needsAllDrivers
    guard !(lacksDrivers && added.contains { $0.model.isEmulated }) else { return nil }
    (now.nics, then.nics) = ([], [])
    guard now == then else { return nil }
    let keptNames = Set(kept.map(\.name))
    return .nics(
      added: added.map(\.name), removed: old.map(\.name).filter { !keptNames.contains($0) },
      ports: rewired.filter { keptNames.contains($0) })
  }

  /// NICs that are in both and leave something else to the switch.
  private static func otherOffloads(_ node: NodeDefinition, _ before: NodeDefinition) -> [String] {
    node.nics.filter { nic in before.nics.contains { $0.name == nic.name && $0.offload != nic.offload } }.map(\.name)
  }

  /// NICs that are in both and have other room for frames while their machine moves.
  private static func otherBuffers(_ node: NodeDefinition, _ before: NodeDefinition) -> [String] {
    node.nics.filter { nic in
      before.nics.contains { $0.name == nic.name && $0.migrationBuffer != nic.migrationBuffer }
    }.map(\.name)
  }

  /// The node without what is outside of it: where its NICs lead, how we open its interfaces, what it is waited for.
  static func detached(_ node: NodeDefinition) -> NodeDefinition {
    var node = node
    for index in node.nics.indices {
      node.nics[index].attachment = .none
      node.nics[index].impair = nil
      node.nics[index].rules = RulesDefinition()
      node.nics[index].migrationBuffer = NICDefinition.usualMigrationBuffer
      if node.traits.hasOurInterfaces { node.nics[index].offload = .on }
    }
    (node.ready, node.after) = (nil, nil)
    return node
  }

  /// What changes of a node that runs on, in words.
  private static func detail(
    of change: NodeChange, _ node: NodeDefinition, _ before: NodeDefinition, _ rewired: [String], reopened: [String]
  ) -> String {
    var (added, removed): ([String], [String]) = ([], [])
    if case .nics(let new, let old, _) = change { (added, removed) = (new, old) }
    let moved = rewired.filter { !added.contains($0) }
    let lists = [(added, "plugged in"), (removed, "unplugged"), (moved, "attached elsewhere")]
    var parts = lists.filter { !$0.0.isEmpty }.map { "\($0.0.joined(separator: ", ")) \($0.1)" }
    if !reopened.isEmpty { parts.append("offload of \(reopened.joined(separator: ", "))") }
    if hasOtherVLANs(node, before) { parts.append("VLANs of its ports") }
    let buffers = otherBuffers(node, before)
    if !buffers.isEmpty { parts.append("migration-buffer of \(buffers.joined(separator: ", "))") }
    if let settings = settingWords(node, before) { parts.append(settings) }
    if node.ready != before.ready || node.after != before.after { parts.append("when it is ready") }
    return parts.joined(separator: ", ")
  }

  /// Whether a NIC that stays on its switch gets other VLANs there.
  private static func hasOtherVLANs(_ node: NodeDefinition, _ before: NodeDefinition) -> Bool {
    node.nics.contains { nic in
      guard case .switchPort(let name, let mode) = nic.attachment,
        case .switchPort(let oldName, let oldMode) = before.nics.first(where: { $0.name == nic.name })?.attachment
      else { return false }
      return name == oldName && mode != oldMode
    }
  }

  private static func reason(_ node: NodeDefinition, _ before: NodeDefinition) -> String {
    if node.kind != before.kind { return "was \(before.kind)" }
    if node.image != before.image { return "another image" }
    if node.disk != before.disk || node.emptyDisk != before.emptyDisk { return "another disk" }
    if node.firmware != before.firmware { return "firmware \(before.firmware) -> \(node.firmware)" }
    if node.boot != before.boot { return "another `boot`" }
    if node.container != before.container { return "another command, environment or engine" }
    if node.appliance != before.appliance { return "something else of its appliance" }
    if let reason = setupReason(node, before) { return reason }
    if node.cloudInit != before.cloudInit { return "another cloud-init" }
    if node.cpus != before.cpus { return "cpus \(before.cpus) -> \(node.cpus)" }
    if node.memory != before.memory { return "memory \(before.memory >> 20)M -> \(node.memory >> 20)M" }
    if node.nics.map(\.name) != before.nics.map(\.name) { return "other NICs" }
    if let models = otherModels(node, before) { return models }
    let offloads = otherOffloads(node, before)
    return offloads.isEmpty ? "settings of its NICs" : "offload of \(offloads.joined(separator: ", "))"
  }

  /// `eth0 virtio -> e1000`; nil when each NIC is of the model that it was of.
  private static func otherModels(_ node: NodeDefinition, _ before: NodeDefinition) -> String? {
    let changes = zip(before.nics, node.nics).filter { $0.model != $1.model }
    let words = changes.map { "\($1.name) \($0.model.rawValue) -> \($1.model.rawValue)" }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}

extension CanonicalLab {
  /// What is left of this lab once the first half of a change is done: without what is removed or made anew.
  ///
  /// True on its own, so that `down` and another `up` find their way from here.
  func without(_ difference: LabDifference) -> CanonicalLab {
    var lab = self
    let gone = lab.nodes.map(\.name).filter { name in
      difference.removedNodes.contains(name) || [.anew, .restart].contains(difference.changedNodes[name])
    }
    lab.nodes.removeAll { gone.contains($0.name) }
    for index in lab.nodes.indices {
      let nics: [String]
      switch difference.changedNodes[lab.nodes[index].name] {
      case .ports(let ports): nics = ports
      case .nics(_, let removed, let ports):
        nics = ports
        lab.nodes[index].nics.removeAll { removed.contains($0.name) }
      case .modes, .anew, .restart, nil: continue
      }
      for nic in lab.nodes[index].nics.indices where nics.contains(lab.nodes[index].nics[nic].name) {
        lab.nodes[index].nics[nic].attachment = .none
      }
    }
    let attached = Set(
      lab.nodes.flatMap { node in
        node.nics.filter { $0.attachment != .none }.map { Names.port(node: node.name, nic: $0.name) }
      })
    lab.links.removeAll { link in
      guard link.kind == .wire else { return difference.removedTrunks.contains(link.name) }
      return !link.ends.allSatisfy { end in
        guard case .nic(let node, let nic) = end else { return false }
        return attached.contains(Names.port(node: node, nic: nic))
      }
    }
    lab.switches.removeAll { difference.removedSwitches.contains($0.name) }
    return lab
  }
}

extension CanonicalLab {
  /// The impaired links by name; a NIC on a switch is a link named as its port.
  var impairments: [String: ImpairmentPair] {
    var pairs: [String: ImpairmentPair] = [:]
    for link in links { pairs[link.name] = link.impair }
    for node in nodes {
      for nic in node.nics { pairs[Names.port(node: node.name, nic: nic.name)] = nic.impair }
    }
    return pairs
  }
}

extension NodeDefinition {
  fileprivate var attachments: [Attachment] { nics.map(\.attachment) }
}
