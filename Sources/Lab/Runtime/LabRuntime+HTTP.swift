import Topology

/// The API over TCP, as a part of what an `up` makes true.
extension LabRuntime {
  /// Opens what an `up` wants, beside what is open until it is over.
  /// - Returns: what that changes, beside what is a change of the file.
  func openHTTP(of lab: CanonicalLab, isNew: Bool, _ options: BringUpOptions) async throws(UserError) -> [PlanStep] {
    let before = runTime.http
    let wanted = lab.http(with: options.http ?? before)
    guard let httpDoor else {
      guard options.http == nil else { throw UserError(.failed, "this daemon serves no API over TCP") }
      return []
    }
    let hasOtherToken = try await httpDoor.open(wanted, token: options.httpToken)
    let steps = LabDifference.httpSteps(lab, options.http, before: before, isNew: isNew, isServing: plane != nil)
    return steps.isEmpty && hasOtherToken ? [PlanStep(.change, "http", "another token")] : steps
  }

  /// Writes down what an `up` that is done has said.
  func keepHTTP(_ options: BringUpOptions, _ lab: String) throws(UserError) {
    guard let said = options.http, runTime.http != said else { return }
    runTime.http = said
    try runTime.write(lab, in: directories)
  }
}

extension LabDifference {
  /// What `up --http` changes, and for a daemon that has just begun, what it serves.
  /// - Parameters:
  ///   - said: what it says now; nil = nothing.
  ///   - before: what it has said before.
  static func httpSteps(
    _ lab: CanonicalLab, _ said: HTTPOverride?, before: HTTPOverride? = nil, isNew: Bool, isServing: Bool
  ) -> [PlanStep] {
    let wanted = lab.http(with: said ?? before)
    guard !isServing else {
      guard let said, said != before else { return [] }
      return [PlanStep(.change, "http", said.description)]
    }
    return wanted.map { [PlanStep(isNew ? .create : .adopt, "http", $0.listen.description)] } ?? []
  }

  /// What the file changes.
  static func httpStep(_ old: HTTPDefinition?, _ new: HTTPDefinition?) -> PlanStep {
    switch (old, new) {
    case (let old?, let new?): PlanStep(.change, "http", new.changes(from: old))
    case (nil, let new?): PlanStep(.create, "http", new.listen.description)
    case (_, nil): PlanStep(.remove, "http", "")
    }
  }
}
