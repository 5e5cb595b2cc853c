import FoundationEssentials
import Lab

/// A line that follows a request, to a command or a console; the end of the body is the end of the input.
package enum InputLine: Sendable, Equatable {
  /// `{"in": BASE64}`
  case input([UInt8])
  /// `{"size": {"rows": 24, "columns": 80}}`
  case size(TerminalSize)
}

extension InputLine: Codable {
  private enum CodingKeys: String, CodingKey {
    case input = "in"
    case size
  }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .input(let bytes): try line.encode(Data(bytes), forKey: .input)
    case .size(let size): try line.encode(size, forKey: .size)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .input) {
      self = .input([UInt8](bytes))
    } else {
      self = .size(try line.decode(TerminalSize.self, forKey: .size))
    }
  }
}
