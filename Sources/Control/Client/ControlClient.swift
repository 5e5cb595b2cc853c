import Glibc
import Lab
import NIOCore
import NIOHTTP1
import NIOPosix

/// Speaks to the daemon of one lab through its control socket, over one connection a request.
package struct ControlClient: Sendable {
  /// Bytes of the largest answer that is taken whole.
  static let answerLimit = 64 << 20

  /// One thread for all requests of the process.
  private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  package let socket: String

  package init(socket: String) { self.socket = socket }

  /// Seconds that a daemon may take for one value; all of them are of this moment and ready.
  private static let answerTimeout = 30.0

  /// One JSON value.
  /// - Parameter name: what the path's name stands for, where the route has one.
  /// - Throws: `UserError`: the daemon's own, or `unreachable`, also when there is no answer in half a minute.
  package func ask<Query, Value>(
    _ route: Route<Query, NoBody, Single<Value>>, of name: String = "", query: Query = Query()
  ) async throws -> Value {
    if let value = try await ask(route, of: name, query: query, within: Self.answerTimeout) { return value }
    throw UserError(
      .unreachable, "the daemon on \(socket) has not answered for \(Int(Self.answerTimeout)) s",
      hint: "was it stopped? `kill -CONT` lets it go on; `apus down` ends it and removes the lab")
  }

  /// One JSON value from a daemon that may have stopped.
  /// - Returns: nil when the answer is not there after `seconds`.
  /// - Throws: `UserError`: the daemon's own, or `unreachable`.
  package func ask<Query, Value>(
    _ route: Route<Query, NoBody, Single<Value>>, of name: String = "", query: Query = Query(), within seconds: Double
  ) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await whole(route, name, query, .whole([])) }
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        return nil
      }
      // Cancelled, a request closes its connection.
      defer { group.cancelAll() }
      guard let first = try await group.next() else { return nil }
      return first
    }
  }

  /// One JSON value for another; the daemon may take its time.
  package func ask<Query, Body, Value>(
    _ route: Route<Query, Single<Body>, Single<Value>>, of name: String = "", query: Query = Query(), _ body: Body
  ) async throws -> Value {
    try await whole(route, name, query, .whole(try JSON.bytes(body)))
  }

  private func whole<Query, Body, Value>(
    _ route: Route<Query, Body, Single<Value>>, _ name: String, _ query: Query, _ upload: Upload
  ) async throws -> Value {
    var bytes: [UInt8] = []
    try await exchange(route, name, query, upload) { chunk in
      guard bytes.count + chunk.count <= Self.answerLimit else {
        throw UserError(.failed, "the daemon's answer to \(route.row.title) is over \(Self.answerLimit) bytes")
      }
      bytes += chunk
    }
    return try Self.decode(Value.self, bytes, route.row)
  }

  /// Asks for something to be done; the answer has no body.
  package func tell<Query>(
    _ route: Route<Query, NoBody, Nothing>, of name: String = "", query: Query = Query()
  ) async throws {
    try await exchange(route, name, query, .whole([])) { _ in }
  }

  /// The same, said with a JSON value.
  package func tell<Query, Body>(
    _ route: Route<Query, Single<Body>, Nothing>, of name: String = "", query: Query = Query(), _ body: Body
  ) async throws {
    try await exchange(route, name, query, .whole(try JSON.bytes(body))) { _ in }
  }

  /// Bytes as they come.
  /// - Parameter onChunk: takes a piece; the next waits until it returns.
  package func download<Query, Reply>(
    _ route: Route<Query, NoBody, Reply>, query: Query = Query(), onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    try await exchange(route, "", query, .whole([]), onChunk: onChunk)
  }

  /// A stream of JSON values, a line each.
  /// - Parameter onLine: takes a line as soon as it is there; the next waits until it returns.
  package func stream<Query, Line>(
    _ route: Route<Query, NoBody, Lines<Line>>, of name: String = "", query: Query = Query(),
    onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, query, .whole([]), onLine)
  }

  /// A stream that is asked for with a JSON value.
  package func stream<Query, Body, Line>(
    _ route: Route<Query, Single<Body>, Lines<Line>>, of name: String = "", query: Query = Query(), _ body: Body,
    onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, query, .whole(try JSON.bytes(body)), onLine)
  }

  /// A stream that is asked for with a JSON value, in the place of which other things may stand.
  package func stream<Query, Body, Line>(
    _ route: Route<Query, Written<Body>, Lines<Line>>, of name: String = "", query: Query = Query(), _ body: Body,
    onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, query, .whole(try JSON.bytes(body)), onLine)
  }

  /// A stream that may be asked for with a JSON value.
  package func stream<Query, Body, Line>(
    _ route: Route<Query, Perhaps<Body>, Lines<Line>>, of name: String = "", query: Query = Query(),
    _ body: Body? = nil, onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, query, .whole(try body.map { try JSON.bytes($0) } ?? []), onLine)
  }

  /// A stream that is asked for with a JSON value, and lines behind it.
  package func stream<Query, First, Input, Line>(
    _ route: Route<Query, Followed<First, Input>, Lines<Line>>, of name: String, _ upload: Upload,
    onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, Query(), upload, onLine)
  }

  /// A stream that is asked for with a stream.
  package func stream<Query, Input, Line>(
    _ route: Route<Query, LinesIn<Input>, Lines<Line>>, of name: String, query: Query = Query(), _ upload: Upload,
    onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(route, name, query, upload, onLine)
  }

  private func stream<Query, Body, Line>(
    _ route: Route<Query, Body, Lines<Line>>, _ name: String, _ query: Query, _ upload: Upload,
    _ onLine: (Line) async throws -> Void
  ) async throws {
    var splitter = LineSplitter()
    try await exchange(route, name, query, upload) { chunk in
      for line in try splitter.add(chunk) { try await onLine(try Self.decode(Line.self, line, route.row)) }
    }
    if let line = splitter.finish() { try await onLine(try Self.decode(Line.self, line, route.row)) }
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], _ row: RouteRow) throws -> Value {
    do {
      return try JSON.decode(type, from: bytes)
    } catch {
      throw UserError(
        .failed, "the daemon's answer to \(row.title) is not understood: \(ErrorWords.of(error))",
        hint: VersionMismatch.hint)
    }
  }
}

extension ControlClient {
  private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

  /// Sends one request and takes its answer chunk by chunk.
  private func exchange<Query, Body, Reply>(
    _ route: Route<Query, Body, Reply>, _ name: String, _ query: Query, _ upload: Upload,
    onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    try await exchange(route.row.method, try route.target(of: name, query), upload, onChunk: onChunk)
  }

  /// What an answer says before its body.
  struct Head {
    var status: Int
    /// `Content-Type`.
    var type: String?
    /// `ETag`.
    var tag: String?
  }

  /// - Parameters:
  ///   - target: path and query.
  ///   - fields: further ones of the head, by their names.
  ///   - onHead: takes the answer's before anything of it.
  func exchange(
    _ method: RouteMethod, _ target: String, _ upload: Upload, fields: [(String, String)] = [],
    onHead: (Head) -> Void = { _ in }, onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    let method = HTTPMethod(rawValue: method.rawValue)
    let connection = try await connect()
    do {
      try await connection.executeThenClose { inbound, outbound in
        // Beside the answer, which may come meanwhile. A daemon that refuses a request may close before it has read all
        // of it: then its answer tells why.
        let sender = Task { try await upload.send(method, target, fields, outbound) }
        defer { sender.cancel() }
        try await Self.receive(inbound, onHead, onChunk)
      }
    } catch let error where error is IOError || error is ChannelError || error is HTTPParserError {
      throw UserError(
        .unreachable, "the daemon broke off its answer: \(ErrorWords.ofConnection(error))",
        hint: "see its log, apus.log")
    }
  }

  private func connect() async throws -> Connection {
    do {
      return try await ClientBootstrap(group: Self.group).connect(unixDomainSocketPath: socket) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          return try Connection(wrappingChannelSynchronously: channel)
        }
      }
    } catch {
      throw UserError(
        .unreachable, "no daemon answers on \(socket): \(Self.reason(error))",
        hint: "`apus up FILE` starts it again over the running nodes, `apus down` removes what is left")
    }
  }

  private static func reason(_ error: any Error) -> String {
    switch (error as? IOError)?.errnoCode {
    case ENOENT: "there is no such socket"
    case ECONNREFUSED: "the socket is there, but nobody listens"
    case EACCES, EPERM: "this user may not use it"
    default: ErrorWords.ofConnection(error)
    }
  }

  /// A daemon that does not know what this command asks of it is most likely another version.
  private static func explained(_ error: UserError) -> UserError {
    let isStrange = ["no resource ", "unknown query key ", "the body is not the JSON that "].contains {
      error.message.hasPrefix($0)
    }
    // Who uses a command has written neither path nor key: what the daemon says of them is not all that there is to know.
    guard isStrange, error.hint != VersionMismatch.hint else { return error }
    let hint = error.hint.map { "\($0); \(VersionMismatch.hint)" } ?? VersionMismatch.hint
    return UserError(error.code, error.message, hint: hint)
  }

  private static func receive(
    _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ onHead: (Head) -> Void,
    _ onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    var refusal: (status: HTTPResponseStatus, body: [UInt8])?
    for try await part in inbound {
      switch part {
      case .head(let head):
        onHead(
          Head(
            status: Int(head.status.code), type: head.headers.first(name: "content-type"),
            tag: head.headers.first(name: "etag")))
        if head.status.code >= 300 { refusal = (head.status, []) }
      case .body(let buffer):
        let chunk = [UInt8](buffer.readableBytesView)
        if refusal != nil, (refusal?.body.count ?? 0) + chunk.count <= 1 << 20 {
          refusal?.body += chunk
        } else if refusal == nil {
          try await onChunk(chunk)
        }
      case .end:
        guard let refusal else { return }
        if let body = ErrorAnswer.error(in: refusal.body) { throw explained(body.userError) }
        throw UserError(.failed, "the daemon answered \(refusal.status)")
      }
    }
    throw UserError(.unreachable, "the daemon broke off its answer", hint: "see its log, apus.log")
  }
}
