import Hummingbird
import Lab
import NIOCore

/// The lines of a request's body, as they come; used by one task at a time.
///
/// What is not asked for stays with the client. A task that waits here must have ended before the answer does: the
/// server reads on in the same body.
final class RequestLines: @unchecked Sendable {
  private var chunks: RequestBody.AsyncIterator
  private var splitter = LineSplitter()
  /// Lines that are there, the first at the end.
  private var waiting: [[UInt8]] = []

  /// The lines came over TCP: they are shorter there, and name no path of this host.
  private let isTCP: Bool
  /// Where they are read; nil = on the threads of the process.
  private let executor: PoliteExecutor?

  init<Query: RouteQuery, Body: BodyKind>(_ call: Call<Query, Body>) {
    chunks = call.request.body.makeAsyncIterator()
    (isTCP, executor) = (call.isTCP, call.executor)
    if isTCP { splitter.limit = Answer.tcpBodyLimit }
  }

  /// The first line, of which every key must be known; nil if there is none.
  /// - Throws: as `next`.
  func first<Line: Described>(_ type: Line.Type) async throws -> Line? {
    try await withTaskExecutorPreference(executor) { try await readFirst(type) }
  }

  private func readFirst<Line: Described>(_ type: Line.Type) async throws -> Line? {
    guard let line = try await line() else { return nil }
    let value = try decoded(JSONValue.self, line)
    do throws(ShapeFault) {
      try type.shape.check(value)
    } catch {
      throw UserError(.badInput, "the first line of the body is not what is taken here: \(error)")
    }
    if isTCP { try HostPaths.refuse(value, type.shape) }
    return try decoded(type, line)
  }

  /// The next line; nil at the end.
  /// - Throws: `UserError` for a line that is no such value, or too long; errors of the connection.
  func next<Line: Decodable>(_ type: Line.Type) async throws -> Line? {
    try await withTaskExecutorPreference(executor) {
      guard let line = try await line() else { return nil }
      return try decoded(type, line)
    }
  }

  private func decoded<Line: Decodable>(_ type: Line.Type, _ line: [UInt8]) throws -> Line {
    do {
      return try JSON.decode(type, from: line)
    } catch let error as DecodingError {
      throw UserError(.badInput, "a line of the body is not what is taken here: \(error.reason)")
    } catch {
      throw UserError(.badInput, "a line of the body is not what is taken here: \(error)")
    }
  }

  private func line() async throws -> [UInt8]? {
    while waiting.isEmpty {
      guard let chunk = try await chunks.next() else { return splitter.finish() }
      do throws(LineTooLong) {
        waiting = try splitter.add(chunk.readableBytesView).reversed()
      } catch {
        throw UserError(.badInput, "\(error)")
      }
    }
    return waiting.popLast()
  }
}

extension Request {
  /// The body is lines that may go on while the answer comes.
  var hasLines: Bool { headers[.contentType]?.hasPrefix(Content.linesType) == true }
}

/// Cuts a stream of bytes into lines, wherever its chunks happen to end.
struct LineSplitter {
  /// Bytes of the longest line taken.
  static let limit = 16 << 20

  var limit = Self.limit

  private var rest: [UInt8] = []

  /// Takes a chunk.
  /// - Returns: the lines it completes, without their line feeds; empty lines are left out.
  /// - Throws: when a line is longer than `limit`.
  mutating func add(_ chunk: some Sequence<UInt8>) throws(LineTooLong) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in chunk {
      if byte == UInt8(ascii: "\n") {
        if !rest.isEmpty { lines.append(rest) }
        rest = []
      } else {
        rest.append(byte)
        guard rest.count <= limit else { throw LineTooLong(count: rest.count, limit: limit) }
      }
    }
    return lines
  }

  /// What came after the last line feed.
  mutating func finish() -> [UInt8]? {
    defer { rest = [] }
    return rest.isEmpty ? nil : rest
  }
}

/// A line of a stream that has no end in sight.
struct LineTooLong: Error, CustomStringConvertible {
  var count: Int
  var limit: Int
  var description: String { "a line of \(count) bytes, at most \(limit) are taken" }
}
