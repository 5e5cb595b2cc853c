import Hummingbird
import Lab
import NIOCore

/// A row of the table with what answers its requests.
struct ServedRoute: Sendable {
  let row: RouteRow
  let respond: @Sendable (Request, ControlContext) async throws -> Response
}

/// The routes of one subject, with what serves them.
protocol Routes: Sendable {
  var routes: [ServedRoute] { get }
}

/// A request whose path and query are right.
struct Call<Query: RouteQuery, Body: BodyKind>: Sendable {
  let request: Request
  let query: Query
  /// What stands in the path at its name, percent-decoded; empty for a path without one.
  let name: String
  /// The client's connection; closed when it goes away.
  let channel: any Channel
  /// What the client has seen of what it changes.
  let condition: Precondition
  /// Who may ask over TCP; nil = it was asked on the control socket.
  let access: HTTPAccess?
  /// Bytes of the largest body that is taken over TCP.
  let bodyLimit: Int
  /// For an answer that goes on until somebody ends it.
  let opener: StreamOpener
  /// Where the body is read; nil = on the threads of the process.
  let executor: PoliteExecutor?

  /// It was asked over TCP: nothing of it may name a path of this host.
  var isTCP: Bool { access != nil }
}

extension Call {
  /// The body.
  /// - Throws: `UserError` for one that is none, has keys that are not known, or is too large.
  func body<Value: Described>() async throws -> Value where Body == Single<Value> {
    try await decoded(Value.self)
  }

  /// The body as a value, whatever the row says.
  /// - Throws: as `body`.
  func decoded<Value: Described>(_ type: Value.Type) async throws -> Value {
    try await politely { try await request.decoded(type, isTCP: isTCP, limit: isTCP ? bodyLimit : nil) }
  }

  /// Reads a body, or what it says, where that takes no time from the workers if it came over TCP.
  ///
  /// Nothing may be started there.
  func politely<Value>(_ read: () async throws -> Value) async throws -> Value {
    try await withTaskExecutorPreference(executor) { try await read() }
  }

  /// The body, if there is one.
  func body<Value: Described>() async throws -> Value? where Body == Perhaps<Value> {
    try await politely {
      let bytes = try await request.bytes(isTCP: isTCP, limit: isTCP ? bodyLimit : nil)
      return bytes.isEmpty ? nil : try request.decoded(Value.self, bytes, isTCP: isTCP)
    }
  }
}

extension Route {
  /// Serves it by making the whole response.
  func responds(_ make: @escaping @Sendable (Call<Query, Body>) async throws -> Response) -> ServedRoute {
    let row = row
    return ServedRoute(row: row) { request, context in
      let pairs = try QueryText.pairs(of: request.uri.query ?? "")
      let object = try QueryText.object(pairs, row.query, of: row.title)
      if context.isTCP { try HostPaths.refuse(object, row.query, of: "the query") }
      let name = try row.parameter.map { try context.parameter($0) } ?? ""
      if let form = row.parameterForm, !form.holds(name) {
        throw UserError(.badInput, "\(row.parameter ?? "") in the path must be \(form.words), found \"\(name)\"")
      }
      let query = try JSON.decode(Query.self, from: JSON.bytes(object))
      let condition = try Precondition(request, isTaken: row.takesIfMatch)
      return try await make(
        Call(
          request: request, query: query, name: name, channel: context.channel, condition: condition,
          access: context.access, bodyLimit: row.tcpBodyLimit, opener: context.opener, executor: context.executor))
    }
  }

  /// Serves it by doing what it asks for.
  func does(_ work: @escaping @Sendable (Call<Query, Body>) async throws -> Void) -> ServedRoute
  where Reply == Nothing {
    responds { call in
      try await work(call)
      return Response(status: .noContent)
    }
  }

  /// Serves it by a value.
  func answers<Value>(_ make: @escaping @Sendable (Call<Query, Body>) async throws -> Value) -> ServedRoute
  where Reply == Single<Value> {
    responds { call in try Answer.json(try await make(call)) }
  }

  /// Serves it by a value and the tag of what it is of.
  func answersTagged<Value>(
    _ make: @escaping @Sendable (Call<Query, Body>) async throws -> (Value, EntityTag)
  ) -> ServedRoute where Reply == Single<Value> {
    responds { call in
      let (value, tag) = try await make(call)
      var response = try Answer.json(value)
      response.headers[.eTag] = tag.text
      return response
    }
  }
}

extension ControlRouter {
  /// Serves the routes.
  func add(_ routes: [ServedRoute]) {
    for route in routes {
      let method = HTTPRequest.Method(rawValue: route.row.method.rawValue) ?? .get
      on(RouterPath(route.row.path), method: method) { request, context in
        var context = context
        context.credential = try context.access?.admit(request, to: route.row)
        guard context.isTCP, method != .get else { return try await route.respond(request, context) }
        // What changes a lab starts processes, which are to have the priority of the daemon.
        return try await withTaskExecutorPreference(globalConcurrentExecutor) {
          [context] in try await route.respond(request, context)
        }
      }
    }
  }
}

/// The router of the API.
typealias ControlRouter = Router<ControlContext>

extension Request {
  /// The body as JSON.
  /// - Parameters:
  ///   - isTCP: it came over TCP, so nothing in it may name a path of this host.
  ///   - limit: bytes of a body over TCP, which is not read beyond it; nil = it came on the control socket.
  /// - Throws: `UserError` for a body that is none, or has keys that are not known; `HTTPRefusal` for one that is too large,
  ///   or names a path.
  func decoded<Value: Described>(_ type: Value.Type, isTCP: Bool = false, limit: Int? = nil) async throws -> Value {
    try decoded(type, try await bytes(isTCP: isTCP, limit: limit), isTCP: isTCP)
  }

  /// The body, whole.
  /// - Throws: `HTTPRefusal` for one that is too large.
  func bytes(isTCP: Bool = false, limit: Int? = nil) async throws -> [UInt8] {
    let most = limit ?? Answer.bodyLimit
    let tooLarge = HTTPRefusal(
      .contentTooLarge, "the body is over \(most) bytes",
      hint: isTCP ? "the control socket takes up to \(Answer.bodyLimit)" : nil, ends: isTCP)
    if isTCP, let said = headers[.contentLength].flatMap({ Int($0) }), said > most { throw tooLarge }
    var bytes: [UInt8] = []
    var size = 0
    for try await chunk in body {
      size += chunk.readableBytes
      // What is over the limit is read and forgotten, within reason: a client that cannot send cannot hear why. Over TCP
      // the connection is closed in a way that lets it.
      guard size <= (isTCP ? most : 4 * most) else { break }
      if size <= most { bytes.append(contentsOf: chunk.readableBytesView) }
    }
    guard size <= most else { throw tooLarge }
    return bytes
  }

  /// A body as JSON.
  func decoded<Value: Described>(_ type: Value.Type, _ bytes: [UInt8], isTCP: Bool) throws -> Value {
    do {
      // The type's own coding passes over what it does not know: a key that is spelt wrong would do nothing, and say
      // nothing.
      let value = try JSON.decode(JSONValue.self, from: bytes)
      try Value.shape.check(value)
      if isTCP { try HostPaths.refuse(value, Value.shape) }
      return try JSON.decode(type, from: bytes)
    } catch let error as HTTPRefusal {
      throw error
    } catch {
      throw UserError(
        .badInput, "the body is not the JSON that \(uri.path) takes: \(ErrorWords.of(error))",
        hint: "GET /openapi.json describes it")
    }
  }
}
