/// Paths of the API.
package enum ControlPath {
  package static let lab = "/v1/lab"
  package static let nodes = "/v1/nodes"
  package static let ports = "/v1/ports"
  package static let fdb = "/v1/fdb"
  package static let vlans = "/v1/vlans"
  package static let stats = "/v1/stats"
  package static let links = "/v1/links"
  package static let tests = "/v1/tests"
  package static let version = "/v1/version"
  package static let capture = "/v1/capture"
  package static let captures = "/v1/captures"
  package static let recording = "/v1/recording"
  package static let trace = "/v1/trace"
  package static let replay = "/v1/replay"

  package static func capture(_ id: String) -> String { "\(captures)/\(escape(id))" }

  package static func port(_ name: String) -> String { "\(ports)/\(escape(name))" }
  package static func link(_ name: String) -> String { "\(links)/\(escape(name))" }
  /// - Parameter what: `start`, `stop`, `exec`, `console` or `log`.
  package static func node(_ name: String, _ what: String) -> String { "\(nodes)/\(escape(name))/\(what)" }

  /// Path and query as they stand in the request line; parameters that are nil are left out.
  static func target(_ path: String, query: [String: String?]) -> String {
    let pairs = query.compactMapValues { $0 }.sorted { $0.key < $1.key }
    guard !pairs.isEmpty else { return path }
    return "\(path)?\(pairs.map { "\($0.key)=\(escape($0.value))" }.joined(separator: "&"))"
  }

  /// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3 and the colon.
  static func escape(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:".utf8)
    return text.utf8.map { byte -> String in
      if plain.contains(byte) { return String(UnicodeScalar(byte)) }
      let hex = String(byte, radix: 16, uppercase: true)
      return byte < 16 ? "%0\(hex)" : "%\(hex)"
    }.joined()
  }

  /// The text that was percent-encoded.
  /// - Returns: nil for a percent sign without two hexadecimal digits, or bytes that are not UTF-8.
  static func unescape(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
      guard digits.count == 2 else { return nil }
      bytes.append(UInt8(digits[0] << 4 | digits[1]))
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
