/// How many workers a lab has.
package enum WorkerCount: Sendable, Equatable {
  case exactly(Int)
  /// One for each processor that the daemon may use, `mostByItself` at most.
  case auto

  /// What the lab file calls it.
  package static let autoWord = "auto"
  package static let mostByItself = 4

  /// How many that are where the daemon may use so many processors; nil = not known, which counts as one.
  package func number(processors: Int?) -> Int {
    switch self {
    case .exactly(let count): count
    case .auto: min(max(processors ?? 1, 1), Self.mostByItself)
    }
  }
}

extension WorkerCount: ExpressibleByIntegerLiteral {
  package init(integerLiteral value: Int) { self = .exactly(value) }
}

/// As JSON and YAML: a number, as versions that knew no `auto` have it, or the word.
extension WorkerCount: Codable {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let count = try? value.decode(Int.self) {
      self = .exactly(count)
      return
    }
    let word = try value.decode(String.self)
    guard word == Self.autoWord else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(word)\" is neither a number nor auto")
    }
    self = .auto
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .exactly(let count): try value.encode(count)
    case .auto: try value.encode(Self.autoWord)
    }
  }
}
