import FoundationEssentials
import Lab

/// A line of what `POST /v1/nodes/NODE/console` answers; the last one is `end`.
package enum ConsoleLine: Sendable, Equatable {
  /// First `{"begun": true}`, then `{"out": BASE64}`, `{"lost": 4096}`, `{"end": "taken"}` (or `closed`, `left`)
  case event(ConsoleEvent)
}

extension ConsoleLine: Codable {
  private enum CodingKeys: String, CodingKey { case begun, out, lost, end }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .event(.begun): try line.encode(true, forKey: .begun)
    case .event(.output(let bytes)): try line.encode(Data(bytes), forKey: .out)
    case .event(.lost(let count)): try line.encode(count, forKey: .lost)
    case .event(.ended(let end)): try line.encode(end, forKey: .end)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .out) {
      self = .event(.output([UInt8](bytes)))
    } else if let count = try line.decodeIfPresent(Int.self, forKey: .lost) {
      self = .event(.lost(count))
    } else if line.contains(.begun) {
      self = .event(.begun)
    } else {
      self = .event(.ended(try line.decode(ConsoleEnd.self, forKey: .end)))
    }
  }
}
