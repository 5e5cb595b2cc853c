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
  static let labFile = Content(type: "application/yaml", text: "A lab file.")
}

/// What a route takes as the body of a request.
package protocol BodyKind: Sendable {
  /// One of these; empty = there is no body.
  static var contents: [Content] { get }
  static var isRequired: Bool { get }
  /// Bytes of the largest one that is taken, over TCP too; nil = what the row says.
  static var limit: Int? { get }
}

extension BodyKind {
  package static var limit: Int? { nil }
}

/// What a route answers if all is well.
package protocol ReplyKind: Sendable {
  /// Nil = nothing, status 204.
  static var content: Content? { get }
  /// In the place of it, if the query asks for that.
  static var others: [Content] { get }
}

extension ReplyKind {
  package static var others: [Content] { [] }
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

/// One JSON value, or no body.
package enum Perhaps<Value: Described>: BodyKind {
  package static var contents: [Content] { Single<Value>.contents }
  package static var isRequired: Bool { false }
}

/// One JSON value, or a lab file's text.
package enum Written<Value: Described>: BodyKind {
  package static var contents: [Content] { Single<Value>.contents + [Content.labFile] }
  package static var isRequired: Bool { true }
}

/// A lab file's text.
package enum LabText: BodyKind {
  package static var contents: [Content] { [Content.labFile] }
  package static var isRequired: Bool { true }
}

/// The bytes of a file; or no body.
package enum Bytes<Of: UploadKind>: BodyKind {
  package static var contents: [Content] { Of.types.map { Content(type: $0, text: Of.text) } }
  package static var isRequired: Bool { Of.isRequired }
  package static var limit: Int? { Of.limit }
}

/// What a file is that a client sends.
package protocol UploadKind: Sendable {
  /// Values of `Content-Type`.
  static var types: [String] { get }
  /// What it is, in a sentence.
  static var text: String { get }
  static var isRequired: Bool { get }
  /// Bytes.
  static var limit: Int { get }
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

/// A text for people.
package enum PlainText: ReplyKind {
  static let type = "text/plain; charset=utf-8"
  package static var content: Content? { Content(type: type, text: "A text.") }
}

/// Metrics in a text form.
package enum Metrics: ReplyKind {
  package static var content: Content? { content(.plain) }

  static func content(_ format: MetricsFormat) -> Content {
    Content(type: format.contentType, text: "Counters, gauges and histograms.")
  }
}

/// What goes over a WebSocket: bytes in binary messages, and texts of JSON.
package struct SocketWire: Sendable {
  /// Texts of the client, and of the server.
  let (client, server): (Shape, Shape)
  /// What the bytes are, and how it ends.
  let text: String
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
  /// Other forms of it, for who asks for them by `Accept`, or in the query.
  let otherAnswers: [Content]
  /// It may also answer 204.
  let mayAnswerNothing: Bool
  /// It answers 201 when it has made something.
  let mayMake: Bool
  /// Its answer has an entity tag; if it changes what that is of, it takes `If-Match`.
  let isTagged: Bool
  /// How it may fail, beside bad input and failures of the host.
  let errors: [ExitCode]
  /// What goes over a WebSocket, for a row that turns into one; without an answer it does nothing else.
  var socket: SocketWire?
  /// Who may ask it over TCP.
  let access: RouteAccess
  /// Bytes of the largest body that is taken over TCP.
  let tcpBodyLimit: Int

  /// The name to fill in: `port`.
  var parameter: String? {
    path.split(separator: "/").first { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
  }

  /// What the name must look like; nil = there is nothing of another name.
  var parameterForm: TextForm? { parameter == "mac" ? .station : nil }

  /// Unique in the table: `get_v1_ports_port`.
  package var id: String {
    let words = path.split { "/{}.".contains($0) }
    return ([Substring(method.rawValue.lowercased())] + words).joined(separator: "_")
  }

  /// `GET /v1/ports/{port}`.
  var title: String { "\(method.rawValue) \(path)" }

  /// All forms of the answer.
  var answers: [Content] { (answer.map { [$0] } ?? []) + otherAnswers }

  /// It changes something, and does so only if that is as the client has seen it.
  var takesIfMatch: Bool { isTagged && method != .get }

  /// Statuses of all its answers.
  package var statuses: [Int] {
    let conflict: [ExitCode] = takesIfMatch ? [.different] : []
    let failures = Set(([.badInput, .failed] + errors + conflict).map(\.status) + httpStatuses).sorted()
    if socket != nil { return [101] + (answer == nil ? [] : [200]) + failures + (answer == nil ? [426] : []) }
    return (answer == nil ? [204] : [200] + (mayMake ? [201] : []) + (mayAnswerNothing ? [204] : [])) + failures
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
  package private(set) var row: RouteRow

  /// - Parameters:
  ///   - path: with at most one name to fill in: `/v1/ports/{port}`.
  ///   - text: what it does, in a sentence.
  ///   - errors: how it may fail, beside bad input and failures of the host.
  ///   - mayAnswerNothing: there are requests that it answers by 204.
  ///   - mayMake: it answers 201 when it has made something.
  ///   - isTagged: its answer has an entity tag; if it changes what that is of, it takes `If-Match`.
  ///   - others: forms of the answer for who asks for them by `Accept`.
  ///   - access: who may ask it over TCP.
  ///   - tcpBodyLimit: bytes of the largest body that is taken over TCP.
  init(
    _ method: RouteMethod, _ path: String, _ text: String, errors: [ExitCode] = [], mayAnswerNothing: Bool = false,
    mayMake: Bool = false, isTagged: Bool = false, others: [Content] = [], access: RouteAccess = .token,
    tcpBodyLimit: Int = Answer.tcpBodyLimit
  ) {
    row = RouteRow(
      method: method, path: path, text: text, query: Query.shape.fields, bodies: Body.contents,
      isBodyRequired: Body.isRequired, answer: Reply.content, otherAnswers: Reply.others + others,
      mayAnswerNothing: mayAnswerNothing, mayMake: mayMake, isTagged: isTagged, errors: errors,
      access: access, tcpBodyLimit: Body.limit ?? tcpBodyLimit)
  }

  /// The same row, which a request to upgrade turns into a WebSocket.
  func over(_ socket: SocketWire) -> Self {
    var route = self
    route.row.socket = socket
    return route
  }

  /// Path and query as they stand in the request line.
  /// - Parameter name: what the path's name stands for, where it has one.
  package func target(of name: String = "", _ query: Query = Query()) throws -> String {
    let path = row.parameter.map { row.path.replacing("{\($0)}", with: PercentCoding.escape(name)) } ?? row.path
    let pairs = try QueryText.pairs(query, row.query).map { "\($0.key)=\(PercentCoding.escape($0.text))" }
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
