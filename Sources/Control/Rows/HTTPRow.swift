import Lab

/// Where the API is served over TCP, told to who has asked for it.
package struct HTTPRow: Described, Equatable {
  /// For a browser; with the token in its fragment when the token has just been made.
  package var url: String
  /// Path of the file that has the token, when the URL has it not.
  package var token: String?

  package init(url: String, token: String? = nil) { (self.url, self.token) = (url, token) }

  /// What a person is told.
  package var words: String { token.map { "http: \(url) (token: \($0))" } ?? "http: \(url)" }

  package static let shape = Shape.object(
    "HTTP", "Where the API is served over TCP.",
    [
      Field("url", .text, "For a browser; with the token in its fragment, once, when the token was made."),
      Field(optional: "token", .text, "Path of the file that has the token."),
    ])
}

/// Body of `POST /v1/session`.
package struct SessionRequest: Described, Equatable {
  package var token: String

  package static let shape = Shape.object(
    "SessionRequest", "Who wants a session.", [Field("token", .text, "The lab's token.")])
}
