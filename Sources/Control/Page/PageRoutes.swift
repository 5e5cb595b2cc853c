import HTTPTypes
import Hummingbird
import Lab
import NIOCore

/// The live page: `GET /`, and its files below `/page/`.
///
/// They are no part of the API's table: what they answer is for a browser, not for programs. Nothing of a lab is in them,
/// so they need no token.
struct PageRoutes: Sendable {
  /// What a browser is to keep to, whatever gets into the page.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  /// Lets the router answer for them.
  func add(to router: ControlRouter) {
    router.get("/") { request, context in
      try context.access?.checkPlace(request)
      return try Self.answer("index.html", to: request)
    }
    router.get("/page/{file}") { request, context in
      try context.access?.checkPlace(request)
      return try Self.answer(try context.parameter("file"), to: request)
    }
  }

  private static func answer(_ name: String, to request: Request) throws -> Response {
    guard let file = PageFiles.shared.file(name) else {
      throw UserError(.notFound, "the page has no file \"\(name)\"", hint: "the page itself is at /")
    }
    var headers = headers(of: file)
    if request.headers[values: .ifNoneMatch].contains(where: { $0.contains(file.tag) }) {
      return Response(status: .notModified, headers: headers)
    }
    var bytes = file.bytes
    if let compressed = file.compressed, takesGzip(request) {
      headers[.contentEncoding] = "gzip"
      bytes = compressed
    }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static func headers(of file: PageFiles.File) -> HTTPFields {
    var headers: HTTPFields = [
      .contentType: file.type, .eTag: file.tag, .cacheControl: "no-cache", .vary: "Accept-Encoding",
      .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff",
    ]
    for (name, value) in others {
      if let field = HTTPField.Name(name) { headers[field] = value }
    }
    return headers
  }

  private static let others = [
    ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  /// `gzip;q=0` is the one way to refuse it by name.
  private static func takesGzip(_ request: Request) -> Bool {
    request.headers[values: .acceptEncoding].flatMap { $0.split(separator: ",") }.contains { part in
      let words = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
      return words.first == "gzip"
        && !words.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
    }
  }
}
