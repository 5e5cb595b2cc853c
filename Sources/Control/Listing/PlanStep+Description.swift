import Lab

extension PlanStep {
  /// The plan for people: what was done to what, a line each.
  package static func description(_ steps: [PlanStep]) -> [String] {
    guard !steps.isEmpty else { return ["no changes"] }
    let actions = steps.map(\.action.rawValue.count).max() ?? 0
    let subjects = steps.map(\.subject.count).max() ?? 0
    return steps.map { step in
      let action = step.action.rawValue
      let head = "\(action)\(String(repeating: " ", count: actions - action.count))  \(step.subject)"
      guard !step.detail.isEmpty else { return head }
      return "\(head)\(String(repeating: " ", count: subjects - step.subject.count))  \(step.detail)"
    }
  }
}

extension Rendering {
  /// What `up` did.
  package func plan(_ steps: [PlanStep]) throws -> String {
    switch format {
    case .table: PlanStep.description(steps).map { $0 + "\n" }.joined()
    case .json, .jsonl: try text(steps, table: [], columns: [])
    }
  }
}
