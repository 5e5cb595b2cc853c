/// The API over TCP.
extension LabSchema {
  /// A name of DNS, as browsers have it.
  static let hostNames = "^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*\\.?$"

  static let http = ObjectSchema(
    "http",
    [
      Key("listen", .text, "Address and port: 127.0.0.1:8080, [::1]:8080; 127.0.0.1:8080 without it."),
      Key(
        "token-file", .text, "File with the token that clients must have, relative to this one; made without it."),
      Key(
        "metrics", .choice(HTTPDefinition.Metrics.allCases.map(\.rawValue)),
        "open: /metrics needs no token; token without it."),
      Key(
        "names", .oneOrMore(.text),
        "Names by which browsers call this host, beside its addresses, localhost and its own name."),
    ])
}
