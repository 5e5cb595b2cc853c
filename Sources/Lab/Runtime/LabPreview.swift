import FoundationEssentials
import Topology

/// What `up` would do, found out without doing anything.
package enum LabPreview {
  /// - Parameter isServing: a daemon of the lab answers.
  /// - Parameter isReset: what was said at run time is taken back, as `up --reset` does.
  /// - Parameter http: what `up --http` says.
  /// - Returns: the plan, and what differs from the file by what was said at run time; empty = no changes.
  /// - Throws: `UserError` for what `up` would refuse.
  package static func steps(
    _ lab: CanonicalLab, directories: LabDirectories, isServing: Bool,
    isReset: Bool = false, http: HTTPOverride? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> [PlanStep] {
    if let complaint = lab.wrongName ?? lab.whatNoFileHas { throw UserError(.badInput, complaint) }
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
    guard let recorded else { return steps + LabDifference.httpSteps(lab, http, isNew: true, isServing: isServing) }
    let said = RunTimeState.read(lab.name, in: directories)
    let folder = directories.state(lab.name)
    if !isReset, let conflict = said.conflict(with: lab, folder: folder) { throw conflict }
    let before = isReset ? nil : said.http
    let httpSteps = LabDifference.httpSteps(lab, http, before: before, isNew: false, isServing: isServing)
    return steps + (try LabDifference(from: recorded, to: lab)).steps + httpSteps
      + drift(said, isReset: isReset, http: http)
  }

  /// What was said at run time and differs from the file; `up --reset` takes it back.
  private static func drift(_ said: RunTimeState, isReset: Bool, http: HTTPOverride?) -> [PlanStep] {
    let door = (isReset || http == nil ? said.http : nil).map { said in
      PlanStep(isReset ? .change : .drift, "http", isReset ? "back to the file" : said.description)
    }
    let links = said.links.sorted { $0.key < $1.key }.map { name, link in
      let down = link.down.sorted().map { "carrier of \($0) down" }
      let parts = down + (link.impair == nil ? [] : ["other impairments"])
      return PlanStep(isReset ? .change : .drift, "link \(name)", parts.joined(separator: ", "))
    }
    let added = said.ports.map { port in
      isReset
        ? PlanStep(.remove, "port \(port.name)", port.words) : PlanStep(.drift, "port \(port.name)", port.wholeWords)
    }
    let settings = said.settings.sorted { $0.key < $1.key }.map { name, port in
      PlanStep(isReset ? .change : .drift, "port \(name)", isReset ? "back to the file" : port.words)
    }
    let stations = said.stations.map { PlanStep(isReset ? .remove : .drift, "fdb \($0.switchName)", $0.words) }
    return (door.map { [$0] } ?? []) + links + added + settings + stations
      + said.stopped.sorted().map { PlanStep(.drift, "node \($0)", "stopped") }
  }
}
