/// `http:` of the lab file: the API over TCP.
package struct HTTPDefinition: Codable, Sendable, Equatable {
  /// What is open to whoever has no token.
  package enum Metrics: String, Codable, Sendable, CaseIterable { case token, open }

  package var listen = HTTPAddress.usual
  /// Absolute path of the file that has the token; nil = the daemon makes one.
  package var tokenFile: String?
  /// Names, in lower case, by which browsers may call this host beside its addresses and `localhost`.
  package var names: [String]?
  // Only said when it is another than usual.
  private var saidMetrics: Metrics?

  package init(listen: HTTPAddress = .usual) { self.listen = listen }

  private enum CodingKeys: String, CodingKey {
    case listen, tokenFile, names
    case saidMetrics = "metrics"
  }

  /// Whether `/metrics` needs the token.
  package var metrics: Metrics {
    get { saidMetrics ?? .token }
    set { saidMetrics = newValue == .token ? nil : newValue }
  }

  /// What differs from another one, in words: `127.0.0.1:8080 -> 0.0.0.0:8080, metrics open`.
  package func changes(from other: HTTPDefinition) -> String {
    var parts: [String] = []
    if listen != other.listen { parts.append("\(other.listen) -> \(listen)") }
    if tokenFile != other.tokenFile { parts.append("token-file") }
    if metrics != other.metrics { parts.append("metrics \(metrics.rawValue)") }
    if names != other.names { parts.append("names") }
    return parts.joined(separator: ", ")
  }
}
