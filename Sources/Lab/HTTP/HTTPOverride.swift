import Topology

/// What `up --http` has said of the API over TCP, in place of the lab file, until `up --reset`.
package enum HTTPOverride: Sendable, Equatable, CustomStringConvertible {
  /// It is not served.
  case off
  /// It is served here; the rest is as in the file.
  case at(HTTPAddress)

  /// Reads `ADDR[:PORT]` or `off`.
  /// - Returns: nil for anything else.
  package init?(_ text: String) {
    if text == "off" {
      self = .off
    } else if let address = HTTPAddress(text) {
      self = .at(address)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .off: "off"
    case .at(let address): address.description
    }
  }
}

extension HTTPOverride: Codable {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    let text = try value.decode(String.self)
    guard let said = HTTPOverride(text) else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(text)\" is neither an address nor off")
    }
    self = said
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(description)
  }
}

extension CanonicalLab {
  /// Where the API is served over TCP, by the file and what was said at run time; nil = nowhere.
  func http(with said: HTTPOverride?) -> HTTPDefinition? {
    switch said {
    case nil: return http
    case .off: return nil
    case .at(let address):
      var definition = http ?? HTTPDefinition()
      definition.listen = address
      return definition
    }
  }
}
