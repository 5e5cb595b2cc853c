/// An address and a port on which the API is served: `127.0.0.1:8080`, `[::1]:8080`.
package struct HTTPAddress: Sendable, Hashable, CustomStringConvertible {
  package static let usual = HTTPAddress(host: "127.0.0.1", port: usualPort)
  /// Where an address says none.
  package static let usualPort = 8080

  /// An IPv4 or IPv6 address as text, without brackets; `0.0.0.0` and `::` stand for every one of the host.
  package let host: String
  /// 1 to 65535.
  package let port: Int

  private init(host: String, port: Int) { (self.host, self.port) = (host, port) }

  /// Reads `ADDR[:PORT]`; an IPv6 address with a port stands in brackets, `localhost` is 127.0.0.1.
  /// - Returns: nil for anything else.
  package init?(_ text: String) {
    guard let (name, port) = Self.parts(of: text) else { return nil }
    let host = name == "localhost" ? "127.0.0.1" : name
    guard let address = IPAddress(Substring(host)) else { return nil }
    self.init(host: address.description, port: port ?? Self.usualPort)
  }

  /// The host and the port of what stands behind `http://`, or in a request's `Host`.
  ///
  /// - Returns: nil for what is no such text; nothing is said of the host.
  package static func parts(of text: String) -> (host: String, port: Int?)? {
    var (host, rest) = (Substring(text), Substring())
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      (host, rest) = (text[text.index(after: text.startIndex)..<end], text[text.index(after: end)...])
      guard IPAddress(host)?.family == .ipv6 else { return nil }
    } else if let colon = text.firstIndex(of: ":"), text[text.index(after: colon)...].contains(":") {
      // An IPv6 address alone.
    } else if let colon = text.firstIndex(of: ":") {
      (host, rest) = (text[..<colon], text[colon...])
    }
    guard !host.isEmpty else { return nil }
    guard !rest.isEmpty else { return (String(host), nil) }
    guard rest.first == ":", let port = ValueReader.integer(String(rest.dropFirst())), (1...65535).contains(port) else {
      return nil
    }
    return (String(host), port)
  }

  /// Whether a text is an IPv4 or IPv6 address, without brackets.
  package static func isLiteral(_ host: String) -> Bool { IPAddress(Substring(host)) != nil }

  /// Only this host reaches it.
  package var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Where a browser on this host finds it.
  package var url: String {
    let near = ["0.0.0.0": "127.0.0.1", "::": "::1"][host] ?? host
    return "http://\(HTTPAddress(host: near, port: port))/"
  }
}

extension HTTPAddress: TextCoded {
  package static let mistake = "no address with a port"
}
