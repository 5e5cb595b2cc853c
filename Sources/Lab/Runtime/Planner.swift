import Topology

/// What of a node is there before `up` does anything.
enum NodePresence: Sendable, Equatable {
  /// Never made, or removed.
  case absent
  /// Runs; the text says how it was recognised (`pid 1234`).
  case running(String)
  /// Was made, but its process, namespace or interface is gone.
  case ended
}

/// What is true on this host before `up` does anything.
struct LabObservation: Sendable {
  /// `lab.json`, if there is one.
  var recorded: CanonicalLab?
  /// This process holds the lab's data plane already.
  var isServing = false
  var nodes: [String: NodePresence] = [:]
}

/// What `up` has to do with one node.
enum NodeAction: Sendable, Equatable {
  case keep, create, adopt, restart
}

/// What `up` has to do.
struct LabPlan: Sendable, Equatable {
  var steps: [PlanStep] = []
  var nodes: [String: NodeAction] = [:]
}

/// Decides what makes a lab true.
///
/// Pure: the same lab and observation give the same plan.
enum Planner {
  /// - Throws: when the lab runs from another file or with another definition.
  static func plan(_ lab: CanonicalLab, observed: LabObservation) throws(UserError) -> LabPlan {
    var plan = LabPlan()
    let isNew = observed.recorded == nil
    if let recorded = observed.recorded {
      try compare(lab, with: recorded)
    }
    if !observed.isServing {
      let action = isNew ? PlanStep.Action.create : .adopt
      plan.steps += lab.switches.map { PlanStep(action, "switch \($0.name)") }
    }
    for node in lab.nodes {
      let presence = observed.nodes[node.name] ?? .absent
      let action = isNew ? .create : action(for: presence, isServing: observed.isServing)
      plan.nodes[node.name] = action
      if let step = step(action, node, presence) { plan.steps.append(step) }
    }
    if !observed.isServing {
      let action = isNew ? PlanStep.Action.create : .adopt
      plan.steps += lab.links.map { PlanStep(action, "link \($0.name)", $0.kind == .wire ? "wire" : "trunk") }
    }
    if let recorded = observed.recorded, recorded.tests != lab.tests {
      plan.steps.append(PlanStep(.change, "tests", "\(recorded.tests.count) -> \(lab.tests.count)"))
    }
    return plan
  }

  private static func compare(_ lab: CanonicalLab, with recorded: CanonicalLab) throws(UserError) {
    guard lab.source == recorded.source else {
      throw UserError(
        .failed, "lab \(lab.name) is running from another file: \(recorded.source)",
        hint: "take it down with `apus down \(lab.name)` first, or give this lab another name")
    }
    guard definition(of: lab) == definition(of: recorded) else {
      throw UserError(
        .failed, "lab \(lab.name) is running with another definition; \(difference(lab, recorded)) changed",
        hint: "take it down with `apus down \(lab.name)` first")
    }
  }

  /// The lab without what may change while it runs: where it came from, and its tests.
  private static func definition(of lab: CanonicalLab) -> CanonicalLab {
    var lab = lab
    lab.directory = ""
    lab.source = ""
    lab.tests = []
    return lab
  }

  /// The first things that differ, for the error's text.
  private static func difference(_ lab: CanonicalLab, _ recorded: CanonicalLab) -> String {
    func names<T: Equatable>(_ kind: String, _ now: [T], _ before: [T], _ name: (T) -> String) -> [String] {
      let old = Dictionary(before.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
      let new = Dictionary(now.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
      return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted().map { "\(kind) \($0)" }
    }
    var changed = names("node", lab.nodes, recorded.nodes, \.name)
    changed += names("switch", lab.switches, recorded.switches, \.name)
    changed += names("link", lab.links, recorded.links, \.name)
    changed += names("VLAN", lab.vlans, recorded.vlans) { "\($0.id)" }
    if lab.workers != recorded.workers { changed.append("workers") }
    if changed.isEmpty { return "the order of nodes, switches or links" }
    return changed.count > 4
      ? "\(changed.prefix(3).joined(separator: ", ")) and \(changed.count - 3) more"
      : changed.joined(separator: ", ")
  }

  private static func action(for presence: NodePresence, isServing: Bool) -> NodeAction {
    switch presence {
    case .absent: isServing ? .restart : .create
    case .running: isServing ? .keep : .adopt
    case .ended: .restart
    }
  }

  private static func step(_ action: NodeAction, _ node: NodeDefinition, _ presence: NodePresence) -> PlanStep? {
    let kind = node.image.map { "\(node.kind), image \($0)" } ?? node.kind
    switch action {
    case .keep: return nil
    case .create: return PlanStep(.create, "node \(node.name)", kind)
    case .restart: return PlanStep(.restart, "node \(node.name)", "\(kind), had ended")
    case .adopt:
      if case .running(let detail) = presence, !detail.isEmpty {
        return PlanStep(.adopt, "node \(node.name)", "\(kind), \(detail)")
      }
      return PlanStep(.adopt, "node \(node.name)", kind)
    }
  }
}
