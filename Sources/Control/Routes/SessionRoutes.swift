import Hummingbird
import Lab

extension API {
  package static let session = Route<NoQuery, Single<SessionRequest>, Nothing>(
    .post, "/v1/session", "Trades the token for a session, whose cookie goes with each request; over TCP alone.",
    access: .everyone, tcpBodyLimit: 4 << 10)
  package static let sessionEnd = Route<NoQuery, NoBody, Nothing>(
    .delete, "/v1/session", "Ends the session of the cookie.", access: .everyone)
}

/// Sessions of browsers, which cannot be told to send the token with everything that they ask.
struct SessionRoutes: Routes {
  var routes: [ServedRoute] {
    [
      API.session.responds { call in
        let wanted: SessionRequest = try await call.body()
        guard let access = call.access else { return Response(status: .noContent) }
        return Self.answer(try access.begin(wanted.token, call.request))
      },
      API.sessionEnd.responds { call in
        guard let access = call.access else { return Response(status: .noContent) }
        return Self.answer(access.end(call.request))
      },
    ]
  }

  private static func answer(_ cookie: String) -> Response {
    Response(status: .noContent, headers: [.setCookie: cookie, .cacheControl: "no-store"])
  }
}
