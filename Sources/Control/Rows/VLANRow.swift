import Dataplane
import Topology

/// A row of `vlan list`: one VLAN that one port of a switch belongs to.
package struct VLANRow: Codable, Sendable, Equatable {
  package var switchName: String
  /// 1 to 4094.
  package var vlan: Int
  /// Name in the lab file.
  package var name: String?
  package var port: String
  /// Untagged frames that come in belong to this VLAN.
  package var isPVID: Bool
  /// Frames of this VLAN go out untagged.
  package var isUntagged: Bool

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case vlan, name, port
    case isPVID = "pvid"
    case isUntagged = "untagged"
  }

  /// The rows of all ports of switches, in order of ports, then VLANs.
  static func rows(ports: [PortStatus], vlans: [VLANDefinition]) -> [VLANRow] {
    let names = Dictionary(vlans.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    return ports.flatMap { port -> [VLANRow] in
      guard let switchName = port.switchName else { return [] }
      let pvid = port.mode.pvid
      return port.mode.allowed.map { vlan in
        VLANRow(
          switchName: switchName, vlan: vlan, name: names[vlan] ?? nil, port: port.name, isPVID: vlan == pvid,
          isUntagged: vlan == pvid)
      }
    }
  }

  /// Every key is always there; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(switchName, forKey: .switchName)
    try row.encode(vlan, forKey: .vlan)
    try row.encode(name, forKey: .name)
    try row.encode(port, forKey: .port)
    try row.encode(isPVID, forKey: .isPVID)
    try row.encode(isUntagged, forKey: .isUntagged)
  }
}

extension PortMode {
  /// `access`, `trunk` or `wire`.
  var name: String {
    switch self {
    case .access: "access"
    case .trunk: "trunk"
    case .wire: "wire"
    }
  }

  /// VLAN of untagged frames; nil = there is none.
  var pvid: Int? {
    switch self {
    case .access(let vlan): Int(vlan)
    case .trunk(_, let native): native.map { Int($0) }
    case .wire: nil
    }
  }

  /// VLANs whose frames pass, ascending; empty on a wire, where nothing is looked at.
  var allowed: [Int] {
    switch self {
    case .access(let vlan): [Int(vlan)]
    case .trunk(let allowed, _): allowed.ranges.flatMap { Array($0) }
    case .wire: []
    }
  }
}
