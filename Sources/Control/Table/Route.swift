import Lab

/// The routes of the API, as static members beside what serves them; `Control/Routes`.
///
/// A route is one row: method, path, query, body, answer, errors, sentence. The router takes requests by it, the client
/// asks by it, `/openapi.json` tells it, and a test demands an example of each.
package enum API {}

/// Methods of HTTP that the API has.
package enum RouteMethod: String, Sendable, CaseIterable {
  case get = "GET"
  /// Makes something so; the same once more changes nothing.
  case put = "PUT"
  case post = "POST"
  case patch = "PATCH"
  /// Once more it changes nothing.
  case delete = "DELETE"
}

/// The query of a route: its shape is an object whose keys have texts, numbers, truths, or lists of them.
package protocol RouteQuery: Described {
  /// Nothing is asked for in particular.
  init()
}

/// The query of a route that has none.
package struct NoQuery: RouteQuery {
  package static let shape = Shape.object("NoQuery", "Nothing.", [])
  package init() {}
}

/// What comes or goes as the body of a request or an answer.
package struct Content: Sendable {
  /// As `Content-Type` has it.
  var type: String
  /// Of the value, or of each line; nil = it is no JSON.
  var shape: Shape?
  /// What it is, in a sentence; the shape's own when empty.
  var text = ""

  static let jsonType = "application/json"
  /// Values of JSON, a line each, as they come.
  static let linesType = "application/x-ndjson"
}

/// What a route takes as the body of a request.
package protocol BodyKind: Sendable {
  /// One of these; empty = there is no body.
  static var contents: [Content] { get }
  static var isRequired: Bool { get }
}

/// What a route answers if all is well.
package protocol ReplyKind: Sendable {
  /// Nil = nothing, status 204.
  static var content: Content? { get }
}

/// No body is read.
package enum NoBody: BodyKind {
  package static var contents: [Content] { [] }
  package static var isRequired: Bool { false }
}

/// One JSON value, as a body or an answer.
package enum Single<Value: Described>: BodyKind, ReplyKind {
  package static var contents: [Content] { [Content(type: Content.jsonType, shape: Value.shape)] }
  package static var isRequired: Bool { true }
  package static var content: Content? { contents.first }
}

/// One JSON value, or lines of which it is the first and that go on while the answer comes.
package enum Followed<First: Described, Line: Described>: BodyKind {
  package static var contents: [Content] {
    let both = EitherShape(name: "", text: "", shapes: [First.shape, Line.shape])
    return [
      Content(type: Content.jsonType, shape: First.shape),
      Content(type: Content.linesType, shape: .either(both), text: "The first line is what JSON alone would be."),
    ]
  }
  package static var isRequired: Bool { true }
}

/// Lines that go on while the answer comes; or no body.
package enum LinesIn<Line: Described>: BodyKind {
  package static var contents: [Content] { [Content(type: Content.linesType, shape: Line.shape)] }
  package static var isRequired: Bool { false }
}

/// JSON values, a line each, as they come.
package enum Lines<Line: Described>: ReplyKind {
  package static var content: Content? { Content(type: Content.linesType, shape: Line.shape) }
}

/// It is done; there is nothing to tell.
package enum Nothing: ReplyKind {
  package static var content: Content? { nil }
}

/// Blocks of pcapng, as they come.
package enum Pcapng: ReplyKind {
  static let type = "application/x-pcapng"
  package static var content: Content? { Content(type: type, text: "A capture file.") }
}

/// Metrics in the text form of OpenMetrics 1.0.
package enum OpenMetrics: ReplyKind {
  package static var content: Content? { Content(type: OpenMetricsText.contentType, text: "Counters and gauges.") }
}

/// A row of the table, whatever its types are.
package struct RouteRow: Sendable {
  package let method: RouteMethod
  /// With at most one name to fill in: `/v1/ports/{port}`.
  package let path: String
  /// What it does, in a sentence.
  package let text: String
  /// Keys that the query may have.
  package let query: [Field]
  let bodies: [Content]
  let isBodyRequired: Bool
  /// Nil = 204.
  let answer: Content?
  /// Other forms of it, for who asks for them by `Accept`.
  let otherAnswers: [Content]
  /// It may also answer 204.
  let mayAnswerNothing: Bool
  /// How it may fail, beside bad input and failures of the host.
  let errors: [ExitCode]
  /// Who may ask it over TCP.
  let access: RouteAccess

  /// The name to fill in: `port`.
  var parameter: String? {
    path.split(separator: "/").first { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
  }

  /// Unique in the table: `get_v1_ports_port`.
  package var id: String {
    let words = path.split { "/{}.".contains($0) }
    return ([Substring(method.rawValue.lowercased())] + words).joined(separator: "_")
  }

  /// `GET /v1/ports/{port}`.
  var title: String { "\(method.rawValue) \(path)" }

  /// Statuses of all its answers.
  package var statuses: [Int] {
    (answer == nil ? [204] : mayAnswerNothing ? [200, 204] : [200])
      + Set(([.badInput, .failed] + errors).map(\.status)).sorted()
  }

  /// Whether it is what a path asks for, whatever the method.
  func matches(_ asked: String) -> Bool {
    let (parts, wanted) = (asked.split(separator: "/"), path.split(separator: "/"))
    return parts.count == wanted.count && zip(parts, wanted).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
  }
}

/// Who may ask a row over TCP; on the control socket everybody may who can open it.
package enum RouteAccess: Sendable {
  /// Whoever has the token or a session.
  case token
  /// Everybody.
  case everyone
  /// Everybody if the lab file says `metrics: open`.
  case metrics
  /// Nobody: it names a path of this host.
  case socket
}

/// A row of the table, by whose types server and client speak.
package struct Route<Query: RouteQuery, Body: BodyKind, Reply: ReplyKind>: Sendable {
  package let row: RouteRow

  /// - Parameters:
  ///   - path: with at most one name to fill in: `/v1/ports/{port}`.
  ///   - text: what it does, in a sentence.
  ///   - errors: how it may fail, beside bad input and failures of the host.
  ///   - mayAnswerNothing: there are requests that it answers by 204.
  ///   - others: forms of the answer for who asks for them by `Accept`.
  ///   - access: who may ask it over TCP.
  init(
    _ method: RouteMethod, _ path: String, _ text: String, errors: [ExitCode] = [], mayAnswerNothing: Bool = false,
    others: [Content] = [], access: RouteAccess = .token
  ) {
    row = RouteRow(
      method: method, path: path, text: text, query: Query.shape.fields, bodies: Body.contents,
      isBodyRequired: Body.isRequired, answer: Reply.content, otherAnswers: others,
      mayAnswerNothing: mayAnswerNothing, errors: errors, access: access)
  }

  /// Path and query as they stand in the request line.
  /// - Parameter name: what the path's name stands for, where it has one.
  package func target(of name: String = "", _ query: Query = Query()) throws -> String {
    let path = row.parameter.map { row.path.replacing("{\($0)}", with: PercentCoding.escape(name)) } ?? row.path
    let pairs = try QueryText.pairs(query).map { "\($0.key)=\(PercentCoding.escape($0.text))" }
    return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
  }
}

extension ExitCode {
  /// The HTTP status that goes with it.
  package var status: Int {
    switch self {
    case .badInput: 400
    case .notFound: 404
    case .different: 409
    case .unreachable: 503
    case .done, .failed: 500
    }
  }
}
