import Hummingbird
import Lab

/// Turns every error of a route into `ErrorBody` with its status.
struct ErrorMiddleware: RouterMiddleware {
  func handle(
    _ request: Request, context: ControlContext,
    next: (Request, ControlContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPError {
      return Answer.error(Self.body(of: error, request))
    } catch {
      return Answer.error(ErrorBody(error))
    }
  }

  private static func body(of error: HTTPError, _ request: Request) -> ErrorBody {
    switch error.status {
    case .notFound:
      ErrorBody(UserError(.notFound, "no resource \(request.method.rawValue) \(request.uri.path)"))
    default:
      ErrorBody(UserError(.badInput, error.body ?? "\(error.status)"))
    }
  }
}
