import Hummingbird
import NIOCore

/// The answers that routes give.
enum Answer {
  /// Bytes of the largest body a request may have: a lab of thousands of nodes fits.
  static let bodyLimit = 16 << 20

  /// The same over TCP, where a row says nothing else.
  static let tcpBodyLimit = 1 << 20

  /// One JSON value and a line feed.
  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    var body = ByteBuffer(bytes: try JSON.bytes(value))
    body.writeInteger(UInt8(ascii: "\n"))
    return Response(
      status: status, headers: [.contentType: Content.jsonType], body: ResponseBody(byteBuffer: body))
  }

  static func error(_ body: ErrorBody) -> Response {
    let status = HTTPResponse.Status(code: body.status)
    return (try? json(ErrorAnswer(error: body), status: status)) ?? Response(status: status)
  }

  static func refusal(_ refusal: HTTPRefusal) -> Response {
    var response =
      (try? json(ErrorAnswer(error: ErrorBody(refusal.error)), status: refusal.status))
      ?? Response(status: refusal.status)
    if refusal.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer realm=\"apus\"" }
    if refusal.ends { response.headers[.connection] = "close" }
    return response
  }

  /// A stream of JSON values, a line each, written as they come.
  ///
  /// `produce` starts at once and runs to its end, also when nobody reads.
  ///
  /// - Parameters:
  ///   - channel: the client's connection.
  ///   - isCancelledByClose: `produce` is cancelled when the client goes away.
  ///   - afterwards: runs once, when the last line is written or could not be.
  static func lines<Line: Encodable & Sendable>(
    to channel: any Channel, isCancelledByClose: Bool = false,
    afterwards: @escaping @Sendable () async -> Void = {},
    _ produce: @escaping @Sendable (AsyncStream<Line>.Continuation) async -> Void
  ) -> Response {
    let (stream, continuation) = AsyncStream<Line>.makeStream()
    let producer = Task {
      await produce(continuation)
      continuation.finish()
    }
    let end = OneTimeWork(afterwards)
    channel.closeFuture.whenComplete { _ in
      if isCancelledByClose { producer.cancel() }
      // The body is never asked for when the client has gone before the head is written.
      Task {
        await producer.value
        await end.run()
      }
    }
    let body = ResponseBody { writer in
      let failure = await write(stream, to: &writer)
      await producer.value
      await end.run()
      if let failure { throw failure }
    }
    return Response(status: .ok, headers: [.contentType: Content.linesType], body: body)
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

/// Work that is done at most once, whoever asks first.
private actor OneTimeWork {
  private var work: (@Sendable () async -> Void)?

  init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

  func run() async {
    // Taken before it runs: who asks meanwhile finds nothing.
    guard let work = work.take() else { return }
    await work()
  }
}
