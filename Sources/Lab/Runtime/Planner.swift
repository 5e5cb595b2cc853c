import Topology

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
  /// The definition is that of the lab that is there, if one is: differences are `LabDifference`.
  /// - Throws: when the lab runs from another file.
  static func plan(_ lab: CanonicalLab, observed: LabObservation) throws(UserError) -> LabPlan {
    var plan = LabPlan()
    let isNew = observed.recorded == nil
    if let recorded = observed.recorded {
      try checkSource(of: lab, against: recorded)
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
    return plan
  }

  /// - Throws: when the lab of that name came from another file.
  static func checkSource(of lab: CanonicalLab, against recorded: CanonicalLab) throws(UserError) {
    guard lab.source != recorded.source else { return }
    throw UserError(
      .failed, "lab \(lab.name) is running from another file: \(recorded.source)",
      hint: "take it down with `apus down \(lab.name)` first, say `apus up --replace`, or give this lab another name")
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
