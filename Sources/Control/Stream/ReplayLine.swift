import Lab

/// The one line that `POST /v1/replay` answers, at its end.
package enum ReplayLine: Codable, Sendable, Equatable {
  /// `{"done": {"sent": 10, ...}}`
  case done(ReplayRow)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)

  private enum CodingKeys: String, CodingKey { case done, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .done(let row): try line.encode(row, forKey: .done)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .done(try line.decode(ReplayRow.self, forKey: .done))
    }
  }
}
