import Hummingbird
import Lab
import NIOCore
import NIOHTTP1

/// What a route knows of a request besides the request: its parameters and its connection.
struct ControlContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Closed when the client goes away.
  let channel: any Channel
  /// Who may ask over TCP; nil = it is asked on the control socket.
  var access: HTTPAccess?
  /// By what it was let in, once it has been.
  var credential: Credential?
  /// Where its body is read; nil = on the threads of the process.
  var executor: PoliteExecutor?
  /// Those that it may belong to.
  var streams = OpenStreams()

  /// Of a request on the control socket.
  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// For what goes on until somebody ends it.
  var opener: StreamOpener { StreamOpener(streams: streams, channel: channel, credential: credential) }

  /// It is asked over TCP: nothing of it may name a path of this host.
  var isTCP: Bool { access != nil }

  /// A parameter of the path, percent-decoded.
  /// - Throws: `UserError` when it is not well encoded.
  func parameter(_ name: String) throws -> String {
    let text = try parameters.require(name)
    guard let decoded = PercentCoding.unescape(text) else {
      throw UserError(.badInput, "\"\(text)\" is not percent-encoded UTF-8")
    }
    return decoded
  }
}

/// Turns every error of a route into `ErrorBody` with its status.
struct ErrorMiddleware: RouterMiddleware {
  /// All that there is.
  let rows: [RouteRow]

  func handle(
    _ request: Request, context: ControlContext,
    next: (Request, ControlContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPRefusal {
      return Answer.refusal(error)
    } catch let error as HTTPError {
      do throws(HTTPRefusal) {
        // What there is not is told to who may ask.
        try context.access?.admit(request, to: nil)
      } catch {
        return Answer.refusal(error)
      }
      return answer(error, request)
    } catch let error as HTTPParserError {
      // In the middle of a body; a head that is none never comes here.
      return Answer.error(ErrorBody(UserError(.badInput, "the body is not HTTP/1.1: \(error)")))
    } catch {
      return Answer.error(ErrorBody(error))
    }
  }

  /// What a path takes is said in `Allow`, RFC 9110 section 15.5.6.
  private func answer(_ error: HTTPError, _ request: Request) -> Response {
    guard error.status == .notFound else {
      return Answer.error(ErrorBody(UserError(.badInput, error.body ?? "\(error.status)")))
    }
    let methods = rows.filter { $0.matches(request.uri.path) }.map(\.method.rawValue)
    let words = "no resource \(request.method.rawValue) \(request.uri.path)"
    guard !methods.isEmpty else { return Answer.error(ErrorBody(UserError(.notFound, words))) }
    let list = methods.joined(separator: ", ")
    var response = Answer.error(ErrorBody(UserError(.notFound, words, hint: "that path takes \(list)")))
    response.status = .methodNotAllowed
    response.headers[.allow] = list
    return response
  }
}
