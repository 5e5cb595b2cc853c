import Hummingbird
import Lab
import NIOCore

/// The lines of a request's body, as they come; used by one task at a time.
///
/// What is not asked for stays with the client. A task that waits here must have ended before the answer does: the
/// server reads on in the same body.
final class RequestLines: @unchecked Sendable {
  /// Type of a body that is lines; it may go on while the answer comes.
  static let type = "application/x-ndjson"

  private var chunks: RequestBody.AsyncIterator
  private var splitter = LineSplitter()
  /// Lines that are there, the first at the end.
  private var waiting: [[UInt8]] = []

  init(_ request: Request) { chunks = request.body.makeAsyncIterator() }

  /// The next line; nil at the end.
  /// - Throws: `UserError` for a line that is no such value, or too long; errors of the connection.
  func next<Line: Decodable>(_ type: Line.Type) async throws -> Line? {
    guard let line = try await line() else { return nil }
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
  var hasLines: Bool { headers[.contentType]?.hasPrefix(RequestLines.type) == true }
}
