import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Answers the requests of a connection by the router.
struct ControlResponder: Sendable {
  let router: @Sendable (Request, ControlContext) async throws -> Response
  let logger: Logger
  let streams: OpenStreams

  /// What takes requests, for `ControlChannel`.
  /// - Parameters:
  ///   - access: who may ask over TCP; nil = it is the control socket.
  ///   - executor: where bodies are read; nil = on the threads of the process.
  func takingRequests(_ access: HTTPAccess?, on executor: PoliteExecutor? = nil) -> HTTPChannelHandler.Responder {
    { request, writer, channel in
      var context = ControlContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
      (context.access, context.executor, context.streams) = (access, executor, streams)
      var response: Response
      do {
        response = try await router(request, context)
      } catch let error as HTTPParserError {
        throw error
      } catch {
        response = Response(status: .internalServerError)
      }
      response.headers[.date] = HTTPDate.text(Date().timeIntervalSince1970)
      do {
        try await writer.write(response: response.head, body: response.body)
      } catch is HTTPParserError {
        // Thrown on, it would be answered once more.
        throw BrokenRequest()
      }
    }
  }

  /// A request that could not be read to its end while it was answered.
  private struct BrokenRequest: Error {}
}
