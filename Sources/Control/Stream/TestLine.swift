import Lab

/// A line of what `POST /v1/tests` answers: results as they come, `failed` only as the last one.
package enum TestLine: Sendable, Equatable {
  /// `{"test": "ping vm1 -> vm2", "passed": true, "seconds": 0.1, "detail": ""}`
  case result(TestResult)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension TestLine: Codable {
  private enum CodingKeys: String, CodingKey { case error }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .result(let result): try result.encode(to: encoder)
    case .failed(let error):
      var line = encoder.container(keyedBy: CodingKeys.self)
      try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .result(try TestResult(from: decoder))
    }
  }
}
