import FoundationEssentials
import Lab

/// A line of what `POST /v1/nodes/NODE/exec` answers.
///
/// The last one is `exit` or `failed`.
package enum ExecuteLine: Sendable, Equatable {
  /// `{"out": BASE64}`, or `{"err": BASE64}`, or `{"exit": 0}`.
  case event(ExecuteEvent)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension ExecuteLine: Codable {
  private enum CodingKeys: String, CodingKey { case out, err, exit, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .event(.output(let bytes)): try line.encode(Data(bytes), forKey: .out)
    case .event(.error(let bytes)): try line.encode(Data(bytes), forKey: .err)
    case .event(.exit(let status)): try line.encode(status, forKey: .exit)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .out) {
      self = .event(.output([UInt8](bytes)))
    } else if let bytes = try line.decodeIfPresent(Data.self, forKey: .err) {
      self = .event(.error([UInt8](bytes)))
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .event(.exit(try line.decode(Int32.self, forKey: .exit)))
    }
  }
}
