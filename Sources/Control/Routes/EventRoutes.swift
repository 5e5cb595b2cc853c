import FoundationEssentials
import HTTPTypes
import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let events = Route<EventQuery, NoBody, Lines<EventRow>>(
    .get, "/v1/events",
    "What happens in the lab, as it happens: the last 10,000 events are kept. A line each, or server-sent events where "
      + "`Accept` asks for text/event-stream; those go on behind `Last-Event-ID`.",
    others: [ServerSentEvents.content(of: EventRow.shape)])
}

/// Which events are wanted.
package struct EventQuery: RouteQuery, Equatable {
  package var since: String?
  package var after: Int?
  package var types: [String]?
  package var isFollowing = true
  package var hasWords = false

  package init() {}

  enum CodingKeys: String, CodingKey {
    case since, after, follow
    case hasWords = "words"
    case types = "type"
  }

  package init(from decoder: any Decoder) throws {
    let query = try decoder.container(keyedBy: CodingKeys.self)
    since = try query.decodeIfPresent(String.self, forKey: .since)
    after = try query.decodeIfPresent(Int.self, forKey: .after)
    types = try query.decodeIfPresent([String].self, forKey: .types)
    isFollowing = try query.decodeIfPresent(Bool.self, forKey: .follow) ?? true
    hasWords = try query.decodeIfPresent(Bool.self, forKey: .hasWords) ?? false
  }

  package func encode(to encoder: any Encoder) throws {
    var query = encoder.container(keyedBy: CodingKeys.self)
    try query.encodeIfPresent(since, forKey: .since)
    try query.encodeIfPresent(after, forKey: .after)
    try query.encodeIfPresent(types, forKey: .types)
    // As text: a query leaves out what is false.
    try query.encode(hasWords, forKey: .hasWords)
    if !isFollowing { try query.encode("false", forKey: .follow) }
  }

  package static let shape = Shape.object(
    "EventQuery", "Which events are wanted.",
    [
      Field(
        optional: "since", .text,
        "Begins with what is kept from that time on: ISO 8601, or how long ago, such as 5m. Without it only what comes."
      ),
      Field(optional: "after", .count, "Begins behind the event of that id, as `Last-Event-ID` does."),
      Field(optional: "type", .list(.text), "Types, or their first parts: `node` is all of `node.started` and so on."),
      Field(optional: "follow", .boolean, "False = ends with what is there."),
      Field(optional: "words", .boolean, "With what happened in words, too."),
    ])

  /// Where a reader begins.
  /// - Parameter lastID: of the header `Last-Event-ID`; it goes before all, since browsers repeat the query with it.
  /// - Throws: `UserError` (`badInput`) for a time or an id that is none.
  package func start(lastID: String? = nil, now: Date = Date()) throws(UserError) -> EventHub.Start {
    if let lastID, !lastID.isEmpty {
      guard let id = Int(lastID), id >= 0 else {
        throw UserError(.badInput, "Last-Event-ID must be the id of an event, found \"\(lastID)\"")
      }
      return .after(id)
    }
    if let after { return .after(after) }
    return try since.map { text throws(UserError) in .since(try Self.time(text, now: now)) } ?? .now
  }

  /// A time as ISO 8601 has it, or so long ago.
  package static func time(_ text: String, now: Date = Date()) throws(UserError) -> Date {
    if let seconds = Units.seconds(text), seconds < 1e10 { return now - seconds }
    let plain = Date.ISO8601FormatStyle()
    if let date = (try? Date(text, strategy: EventRow.format)) ?? (try? Date(text, strategy: plain)) { return date }
    throw UserError(
      .badInput, "since: \"\(text)\" is no time",
      hint: "say how long ago (30s, 5m, 2h), or when (2026-05-04T12:00:00Z)")
  }
}

/// What happens in the lab.
struct EventRoutes: Routes {
  /// Time after which a reader of server-sent events to whom nothing happened is told that.
  static let keepAlive = Duration.seconds(15)

  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.events.responds { call in
        let headers = call.request.headers
        let start = try call.query.start(lastID: headers.lastEventID)
        let filter = try EventFilter(call.query.types ?? [])
        let hasWords = call.query.hasWords
        let isSSE = ServerSentEvents.areAsked(for: headers)
        // Here, before the answer begins: who has its head misses nothing from then on.
        let events = service.events.subscribe(
          start, filter, isFollowing: call.query.isFollowing, patience: isSSE ? Self.keepAlive : nil)
        guard isSSE else {
          return Answer.asking(to: call.opener) { () -> EventRow? in
            guard case .event(let event)? = await events.next() else { return nil }
            return EventRow(event, hasWords: hasWords)
          }
        }
        return ServerSentEvents.answer(to: call.opener) {
          switch await events.next() {
          case .event(let event): ServerSentEvents.Piece.value(EventRow(event, hasWords: hasWords), id: "\(event.id)")
          case .nothing: .silence
          case nil: nil
          }
        }
      }
    ]
  }
}
