import Hummingbird
import NIOCore

/// The answers that routes give.
enum Answer {
  /// Bytes of the largest body a request may have: a lab of thousands of nodes fits.
  static let bodyLimit = 16 << 20

  /// One JSON value and a line feed.
  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    var body = ByteBuffer(bytes: try JSON.bytes(value))
    body.writeInteger(UInt8(ascii: "\n"))
    return Response(
      status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
  }

  static func error(_ body: ErrorBody) -> Response {
    let status = HTTPResponse.Status(code: body.status)
    return (try? json(body, status: status)) ?? Response(status: status)
  }

  /// A stream of JSON values, a line each, written as they come.
  ///
  /// - Parameters:
  ///   - channel: the client's connection; if given, `produce` is cancelled when it closes, otherwise it runs to its
  ///     end all the same.
  ///   - afterwards: runs once the last line is written, or could not be.
  static func lines<Line: Encodable & Sendable>(
    endingWith channel: (any Channel)? = nil, afterwards: @escaping @Sendable () async -> Void = {},
    _ produce: @escaping @Sendable (AsyncStream<Line>.Continuation) async -> Void
  ) -> Response {
    let body = ResponseBody { writer in
      let (stream, continuation) = AsyncStream<Line>.makeStream()
      let producer = Task {
        await produce(continuation)
        continuation.finish()
      }
      channel?.closeFuture.whenComplete { _ in producer.cancel() }
      let failure = await write(stream, to: &writer)
      await producer.value
      await afterwards()
      if let failure { throw failure }
    }
    return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
  }

  /// Writes all lines and the end of the body; after an error the rest is read and forgotten.
  private static func write<Line: Encodable & Sendable>(
    _ lines: AsyncStream<Line>, to writer: inout any ResponseBodyWriter
  ) async -> (any Error)? {
    var failure: (any Error)?
    for await line in lines {
      guard failure == nil else { continue }
      do {
        var buffer = ByteBuffer(bytes: try JSON.bytes(line))
        buffer.writeInteger(UInt8(ascii: "\n"))
        try await writer.write(buffer)
      } catch {
        failure = error
      }
    }
    guard failure == nil else { return failure }
    do {
      try await writer.finish(nil)
      return nil
    } catch {
      return error
    }
  }
}
