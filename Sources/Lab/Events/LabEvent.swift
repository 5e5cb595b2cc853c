import FoundationEssentials

/// What can happen in a lab.
package enum LabEventType: String, Sendable, CaseIterable {
  case labUp = "lab.up"
  case labDown = "lab.down"
  case labSaved = "lab.saved"
  case nodeStarted = "node.started"
  case nodeReady = "node.ready"
  case nodeStopped = "node.stopped"
  case nodeFailed = "node.failed"
  case nodeMigrating = "node.migrating"
  case nodeMigrated = "node.migrated"
  case nodeNotMigrated = "node.not-migrated"
  case portUp = "port.up"
  case portDown = "port.down"
  case portFault = "port.fault"
  case linkCarrier = "link.carrier"
  case linkImpaired = "link.impaired"
  case fdbMoved = "fdb.moved"
  case fdbEvicted = "fdb.evicted"
  case fdbFull = "fdb.full"
  case captureStarted = "capture.started"
  case captureEnded = "capture.ended"
  case testResult = "test.result"
  /// So many events came faster than this reader took them, or than they could be noted.
  case lost
}

/// A value of an event's detail, as JSON has them.
package enum EventValue: Sendable, Equatable {
  case text(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case list([EventValue])
  case map([String: EventValue])
}

extension EventValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }

  /// A counter of the data plane.
  init(_ count: UInt64) { self = .integer(Int(clamping: count)) }

  /// Items of a list that are kept.
  private static let longestList = 64

  /// As it is kept: texts and lists may come from anywhere, and ten thousand events are kept.
  var bounded: EventValue {
    switch self {
    case .text(let text): .text(Self.bounded(text))
    case .list(let items): .list(items.prefix(Self.longestList).map(\.bounded))
    case .map(let values): .map(values.mapValues(\.bounded))
    case .integer, .number, .boolean: self
    }
  }

  /// A text, or the beginning of one that is longer than 1024 bytes.
  static func bounded(_ text: String) -> String {
    // By scalars: a character has as many as one likes.
    text.utf8.count > 1024 ? "\(String(text.unicodeScalars.prefix(256)))…" : text
  }
}

/// Something that happened.
package struct LabEvent: Sendable, Equatable {
  /// Rises by one from event to event while a daemon lives; a later daemon begins higher (`EventHub`).
  package var id: Int
  /// Never before that of an earlier event.
  package var time: Date
  package var type: LabEventType
  /// Name of the lab.
  package var lab: String
  /// Name of what it happened to: the lab, a node, port, link or switch, a capture's id, a test as the file words it.
  package var subject: String
  /// Keys by type; docs/user-guide.md has them.
  package var detail: [String: EventValue]

  package init(
    id: Int, time: Date, type: LabEventType, lab: String, subject: String, detail: [String: EventValue] = [:]
  ) {
    (self.id, self.time, self.type) = (id, time, type)
    (self.lab, self.subject, self.detail) = (lab, subject, detail)
  }
}

/// Which types of events a reader wants.
package struct EventFilter: Sendable, Equatable {
  /// Whole types (`node.ready`), or their first parts (`node`); empty = all.
  private let words: [String]
  private let types: Set<LabEventType>

  /// - Throws: `UserError` (`badInput`) for a word that is neither a type nor the first part of one.
  package init(_ words: [String] = []) throws(UserError) {
    for word in words where !LabEventType.allCases.contains(where: { Self.matches($0, word) }) {
      let known = LabEventType.allCases.map(\.rawValue).joined(separator: ", ")
      throw UserError(
        .badInput, "there are no events of type \"\(word)\"",
        hint: "types: \(known); their first parts alone are taken too")
    }
    self.words = words
    types = Set(LabEventType.allCases.filter { type in words.contains { Self.matches(type, $0) } })
  }

  private init() { (words, types) = ([], []) }

  /// Everything.
  package static let all = EventFilter()

  /// What was lost is told to everybody: nobody knows whether it was wanted.
  func passes(_ type: LabEventType) -> Bool { words.isEmpty || type == .lost || types.contains(type) }

  private static func matches(_ type: LabEventType, _ word: String) -> Bool {
    type.rawValue == word || type.rawValue.hasPrefix("\(word).")
  }
}
