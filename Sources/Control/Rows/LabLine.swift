import Lab

/// One thing that `up` did.
package struct PlanRow: Described, Equatable {
  package var action: String
  /// `node vm1`, `switch sw1`, `link trunk1`, `tests`.
  package var subject: String
  package var detail: String

  package init(_ step: PlanStep) {
    action = step.action.rawValue
    subject = step.subject
    detail = step.detail
  }

  package static let shape = Shape.object(
    "PlanStep", "One thing that `up` did.",
    [
      Field(
        "action", .choice(PlanStep.Action.allCases.map(\.rawValue)),
        "What was done; `drift`: said at run time, and left so."),
      Field("subject", .text, "To what: `node vm1`."),
      Field("detail", .text, "More about it; may be empty."),
    ])
}

extension PlanRow {
  /// The plan for people: what was done to what, a line each.
  package static func description(_ steps: [PlanRow]) -> [String] {
    guard !steps.isEmpty else { return ["no changes"] }
    let actions = steps.map(\.action.count).max() ?? 0
    let subjects = steps.map(\.subject.count).max() ?? 0
    return steps.map { step in
      let head = "\(step.action)\(String(repeating: " ", count: actions - step.action.count))  \(step.subject)"
      guard !step.detail.isEmpty else { return head }
      return "\(head)\(String(repeating: " ", count: subjects - step.subject.count))  \(step.detail)"
    }
  }
}

extension PlanRow {
  /// The plan with one step for many that are alike: `create  600 nodes`.
  package static func folded(_ steps: [PlanRow]) -> [PlanRow] {
    var groups: [(key: String, steps: [PlanRow])] = []
    for step in steps {
      let key = "\(step.action) \(step.kind)"
      if let index = groups.firstIndex(where: { $0.key == key }) {
        groups[index].steps.append(step)
      } else {
        groups.append((key, [step]))
      }
    }
    return groups.flatMap { group in
      guard group.steps.count > 3, let first = group.steps.first else { return group.steps }
      var row = first
      row.subject = Figure.count(group.steps.count, first.kind, first.kind == "switch" ? "switches" : "\(first.kind)s")
      row.detail = ""
      return [row]
    }
  }

  /// `node` of `node vm1`.
  private var kind: String { String(subject.prefix { $0 != " " }) }

  init(action: String, subject: String, detail: String) {
    self.action = action
    self.subject = subject
    self.detail = detail
  }
}

extension Rendering {
  /// What `up` did.
  package func plan(_ steps: [PlanRow]) throws -> String {
    switch format {
    case .table: PlanRow.description(steps).map { $0 + "\n" }.joined()
    case .json, .jsonl: try text(steps, table: [], columns: [])
    }
  }
}

/// A line of what PUT and DELETE of `/v1/lab`, and start and stop of a node, answer.
///
/// The last one is `plan`, `done` or `failed`.
package enum LabLine: Sendable, Equatable {
  /// `{"progress": "vm1 is ready"}`
  case progress(String)
  /// `{"plan": [{"action": "create", "subject": "node vm1", "detail": ""}]}`; empty = no changes.
  case plan([PlanRow])
  /// `{"done": true}`
  case done
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension LabLine: Described {
  private enum CodingKeys: String, CodingKey { case progress, plan, done, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .progress(let text): try line.encode(text, forKey: .progress)
    case .plan(let steps): try line.encode(steps, forKey: .plan)
    case .done: try line.encode(true, forKey: .done)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try line.decodeIfPresent(String.self, forKey: .progress) {
      self = .progress(text)
    } else if let steps = try line.decodeIfPresent([PlanRow].self, forKey: .plan) {
      self = .plan(steps)
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      _ = try line.decode(Bool.self, forKey: .done)
      self = .done
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "LabLine", text: "What is done, as it is done; the last line is how it ended.",
      shapes: [
        .object("Progress", "What was done.", [Field("progress", .text, "In words.")]),
        .object("Plan", "The end of `up`.", [Field("plan", .list(PlanRow.shape), "All of it; empty = no changes.")]),
        .object("Done", "The end.", [Field("done", .boolean, "True.")]),
        ErrorBody.line,
      ]))
}

extension ErrorBody {
  /// The last line of a stream that failed.
  static let line = Shape.object(
    "Failure", "The end: why it failed.", [Field("error", ErrorBody.shape, "What is wrong.")])
}
