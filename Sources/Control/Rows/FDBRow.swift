import Dataplane

/// A row of `fdb list`.
package struct FDBRow: Codable, Sendable, Equatable {
  package var switchName: String
  package var vlan: Int
  package var mac: String
  package var port: String
  /// Seconds since the address was seen last, to the hundredth.
  package var ageSeconds: Double
  package var isStatic: Bool

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case vlan, mac, port
    case ageSeconds = "age_seconds"
    case isStatic = "static"
  }

  init(_ entry: FDBEntry) {
    switchName = entry.switchName
    vlan = entry.vlan
    mac = MACText.format(entry.address)
    port = entry.port
    ageSeconds = (entry.ageSeconds * 100).rounded() / 100
    isStatic = entry.isStatic
  }
}

/// Station addresses in text.
enum MACText {
  /// Lower case with colons: `02:00:00:00:00:01`.
  static func format(_ bytes: [UInt8]) -> String {
    bytes.map { byte in byte < 16 ? "0\(String(byte, radix: 16))" : String(byte, radix: 16) }.joined(separator: ":")
  }
}
