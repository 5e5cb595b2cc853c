import FoundationEssentials
import Lab

/// An event as the API tells it, and a line of `apus events`.
package struct EventRow: Described, Equatable {
  package var id: Int
  /// ISO 8601 in UTC, to the millisecond.
  package var time: String
  package var type: String
  package var lab: String
  package var subject: String
  package var detail: [String: JSONValue]
  /// What happened, to be put behind the subject; nil where nobody has asked for it.
  package var words: String?

  package init(_ event: LabEvent, hasWords: Bool = false) {
    words = hasWords ? event.words : nil
    id = event.id
    time = event.time.formatted(Self.format)
    type = event.type.rawValue
    lab = event.lab
    subject = event.subject
    detail = event.detail.mapValues { JSONValue($0) }
  }

  /// When it happened.
  package var date: Date? { try? Date(time, strategy: Self.format) }

  static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  package static let shape = Shape.object(
    "Event", "Something that happened.",
    [
      Field("id", .count, "Rises from event to event, also from one daemon to the next; for `Last-Event-ID`."),
      Field("time", .text, "ISO 8601, to the millisecond; never before that of an earlier event."),
      Field("type", .choice(LabEventType.allCases.map(\.rawValue)), "What happened."),
      Field("lab", .text, "The lab's name."),
      Field("subject", .text, "What it happened to: a lab, node, port, link, switch, capture or test."),
      Field("detail", .map(.anything), "By type; of `lost`, `count` is how many events before this are missing."),
      Field(optional: "words", .text, "What happened, to be put behind the subject; for who asks by `words=true`."),
    ])
}

extension JSONValue {
  fileprivate init(_ value: EventValue) {
    switch value {
    case .text(let text): self = .text(text)
    case .integer(let number): self = .integer(number)
    case .number(let number): self = .number(number)
    case .boolean(let value): self = .boolean(value)
    case .list(let items): self = .list(items.map { JSONValue($0) })
    case .map(let members): self = .object(members.mapValues { JSONValue($0) })
    }
  }
}
