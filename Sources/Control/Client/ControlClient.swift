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
  /// - Throws: `UserError`: the daemon's own, or `unreachable`, also when there is no answer in half a minute.
  package func get<Value: Decodable & Sendable>(
    _ path: String, query: [String: String?] = [:], as type: Value.Type
  ) async throws -> Value {
    if let value = try await get(path, query: query, as: type, within: Self.answerTimeout) { return value }
    throw UserError(
      .unreachable, "the daemon on \(socket) has not answered for \(Int(Self.answerTimeout)) s",
      hint: "was it stopped? `kill -CONT` lets it go on; `apus down` ends it and removes the lab")
  }

  /// One JSON value from a daemon that may have stopped.
  /// - Returns: nil when the answer is not there after `seconds`.
  /// - Throws: `UserError`: the daemon's own, or `unreachable`.
  package func get<Value: Decodable & Sendable>(
    _ path: String, query: [String: String?] = [:], as type: Value.Type, within seconds: Double
  ) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await value(path, query, Value.self) }
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

  private func value<Value: Decodable>(
    _ path: String, _ query: [String: String?], _ type: Value.Type
  ) async throws -> Value {
    var bytes: [UInt8] = []
    try await exchange(.GET, path, query: query) { chunk in
      guard bytes.count + chunk.count <= Self.answerLimit else {
        throw UserError(.failed, "the daemon's answer to \(path) is over \(Self.answerLimit) bytes")
      }
      bytes += chunk
    }
    return try Self.decode(type, bytes, path)
  }

  /// Asks for something to be removed; the answer has no body.
  package func delete(_ path: String, query: [String: String?] = [:]) async throws {
    try await exchange(.DELETE, path, query: query) { _ in }
  }

  /// Bytes as they come.
  /// - Parameter onChunk: takes a piece; the next waits until it returns.
  package func download(
    _ path: String, query: [String: String?] = [:], onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    try await exchange(.GET, path, query: query, onChunk: onChunk)
  }

  /// A stream of JSON values, a line each.
  /// - Parameters:
  ///   - method: `PUT`, `POST` or `DELETE`.
  ///   - onLine: takes a line as soon as it is there; the next waits until it returns.
  package func stream<Line: Decodable>(
    _ method: Method, _ path: String, query: [String: String?] = [:], body: (any Encodable & Sendable)? = nil,
    as type: Line.Type, onLine: (Line) async throws -> Void
  ) async throws {
    try await stream(
      method, path, query: query, upload: .whole(try body.map { try JSON.bytes($0) } ?? []), as: type, onLine: onLine)
  }

  /// A stream of JSON values, a line each, asked for with a stream.
  package func stream<Line: Decodable>(
    _ method: Method, _ path: String, query: [String: String?] = [:], upload: Upload, as type: Line.Type,
    onLine: (Line) async throws -> Void
  ) async throws {
    var splitter = LineSplitter()
    try await exchange(method.http, path, query: query, upload) { chunk in
      for line in try splitter.add(chunk) { try await onLine(try Self.decode(type, line, path)) }
    }
    if let line = splitter.finish() { try await onLine(try Self.decode(type, line, path)) }
  }

  /// What a stream may be asked with.
  package enum Method: Sendable {
    case put, post, delete

    fileprivate var http: HTTPMethod {
      switch self {
      case .put: .PUT
      case .post: .POST
      case .delete: .DELETE
      }
    }
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], _ path: String) throws -> Value {
    do {
      return try JSON.decode(type, from: bytes)
    } catch {
      throw UserError(
        .failed, "the daemon's answer to \(path) is not understood: \(ErrorWords.of(error))",
        hint: "is the daemon of another version? `apus down` and `apus up` start it anew")
    }
  }
}

extension ControlClient {
  private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

  /// Sends one request and takes its answer chunk by chunk.
  private func exchange(
    _ method: HTTPMethod, _ path: String, query: [String: String?], _ upload: Upload = .whole([]),
    onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    let connection = try await connect()
    let target = ControlPath.target(path, query: query)
    do {
      try await connection.executeThenClose { inbound, outbound in
        // Beside the answer, which may come meanwhile. A daemon that refuses a request may close before it has read all
        // of it: then its answer tells why.
        let sender = Task { try await upload.send(method, target, outbound) }
        defer { sender.cancel() }
        try await Self.receive(inbound, onChunk)
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

  private static func receive(
    _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ onChunk: ([UInt8]) async throws -> Void
  ) async throws {
    var refusal: (status: HTTPResponseStatus, body: [UInt8])?
    for try await part in inbound {
      switch part {
      case .head(let head):
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
        if let body = try? JSON.decode(ErrorBody.self, from: refusal.body) { throw body.userError }
        throw UserError(.failed, "the daemon answered \(refusal.status)")
      }
    }
    throw UserError(.unreachable, "the daemon broke off its answer", hint: "see its log, apus.log")
  }
}
