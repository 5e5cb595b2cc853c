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

extension HTTPOverride: TextCoded {
  package static let mistake = "neither an address nor off"
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
