import FoundationEssentials
import Topology

/// What `up` would do, found out without doing anything.
package enum LabPreview {
  /// - Parameter isServing: a daemon of the lab answers.
  /// - Returns: the plan; empty = no changes.
  /// - Throws: `UserError` for what `up` would refuse.
  package static func steps(
    _ lab: CanonicalLab, directories: LabDirectories, isServing: Bool,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> [PlanStep] {
    let recorded = try LabState.read(lab.name, in: directories)
    if let recorded { try Planner.checkSource(of: lab, against: recorded) }
    let known = recorded ?? lab
    let surroundings = NodeEnvironment(lab: lab.name, directories: directories, variables: environment)
    var presences: [String: NodePresence] = [:]
    for definition in known.nodes {
      let node = try NodeRegistry.make(definition, surroundings)
      presences[definition.name] = recorded == nil ? .absent : node.presence()
    }
    let observed = LabObservation(recorded: recorded, isServing: isServing, nodes: presences)
    let steps = try Planner.plan(known, observed: observed).steps
    guard let recorded else { return steps }
    return steps + (try LabDifference(from: recorded, to: lab)).steps
  }
}
