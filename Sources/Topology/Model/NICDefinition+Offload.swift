/// As JSON: a boolean where that says it, as versions that knew no `checksum` have it, so that they read what this one has
/// written down.
extension NICDefinition.Offload: Codable {
  /// Takes the words too, and `true` for all that can be left.
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let isOn = try? value.decode(Bool.self) {
      self = isOn ? .on : .off
      return
    }
    let word = try value.decode(String.self)
    guard let level = Self(rawValue: word) else {
      let words = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(word)\" is none of \(words)")
    }
    self = level
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .on: try value.encode(true)
    case .checksum: try value.encode(rawValue)
    case .off: try value.encode(false)
    }
  }
}
