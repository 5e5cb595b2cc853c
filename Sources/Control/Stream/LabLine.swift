import Lab

/// A line of what PUT and DELETE of `/v1/lab` answer.
///
/// The last one is `plan`, `done` or `failed`.
package enum LabLine: Sendable, Equatable {
  /// `{"progress": "vm1 is ready"}`
  case progress(String)
  /// `{"plan": [{"action": "create", "subject": "node vm1", "detail": ""}]}`; empty = no changes.
  case plan([PlanStep])
  /// `{"done": true}`
  case done
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension LabLine: Codable {
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
    } else if let steps = try line.decodeIfPresent([PlanStep].self, forKey: .plan) {
      self = .plan(steps)
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      _ = try line.decode(Bool.self, forKey: .done)
      self = .done
    }
  }
}
