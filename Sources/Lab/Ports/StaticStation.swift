import Frames
import Topology

/// A station that `fdb add` has fixed behind a port, as `runtime.json` has it.
package struct StaticStation: Codable, Sendable, Equatable {
  package var switchName: String
  package var vlan: Int
  package var mac: MACAddress
  package var port: String

  private enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case vlan, mac, port
  }

  /// It is the same station of the same switch, wherever it is.
  func isSame(as other: StaticStation) -> Bool {
    switchName == other.switchName && vlan == other.vlan && mac == other.mac
  }

  /// `02:00:00:00:00:01 in vlan 10 behind p9`; on a switch without VLANs in none.
  var words: String { "\(mac)\(vlan == 0 ? "" : " in vlan \(vlan)") behind \(port)" }
}
