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
    mac = "\(entry.address)"
    port = entry.port
    ageSeconds = (entry.ageSeconds * 100).rounded() / 100
    isStatic = entry.isStatic
  }
}
