import Dataplane
import Topology

/// A row of `vlan list`: a VLAN, or some that follow each other alike, that a port of a switch belongs to.
package struct VLANRow: Described, Equatable {
  package var switchName: String
  /// `20`, or `21-4094`.
  package var vlan: String
  /// Name in the lab file; only of one VLAN.
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
  ///
  /// What has a name, and what is not tagged, has a row of its own.
  static func rows(ports: [PortStatus], vlans: [VLANDefinition]) -> [VLANRow] {
    let names = Dictionary(
      vlans.compactMap { vlan in vlan.name.map { (vlan.id, $0) } }, uniquingKeysWith: { first, _ in first })
    return ports.flatMap { port -> [VLANRow] in
      guard let switchName = port.switchName else { return [] }
      let pvid = port.mode.pvid
      let apart = Set(names.keys).union(pvid.map { [$0] } ?? [])
      return port.mode.allowed.flatMap { VLANText.cut($0, at: apart) }.map { range in
        let isOwn = range.lowerBound == pvid
        return VLANRow(
          switchName: switchName, vlan: VLANText.of(range), name: names[range.lowerBound], port: port.name,
          isPVID: isOwn, isUntagged: isOwn)
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

  package static let shape = Shape.object(
    "VLANMembership", "A row of `vlan list`: a port and its VLANs that are treated alike.",
    [
      Field("switch", .text, "Name of the switch."),
      Field("vlan", .text, "One VLAN, `20`, or a range, `21-4094`."),
      Field("name", .nullable(.text), "Name of the VLAN in the lab file."),
      Field("port", .text, "Name of the port."),
      Field("pvid", .boolean, "Untagged frames that come in belong to it."),
      Field("untagged", .boolean, "Its frames go out untagged."),
    ])
}

extension VLANRow: Listing {
  package static let columns = [
    Column("PORT"), Column("SWITCH", rank: 1), Column("VLAN", .right), Column("NAME", rank: 2), Column("FLAGS"),
  ]

  package var cells: [Cell] {
    let flags = (isPVID ? ["pvid"] : []) + (isUntagged ? ["untagged"] : [])
    return [Cell(port), Cell(switchName), Cell(vlan), Cell(name), Cell(flags.joined(separator: " "))]
  }
}

/// Sets of VLANs in text, as everywhere in JSON: a list of `20` and `100-199`.
enum VLANText {
  static func of(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }

  /// - Returns: nil for a text that is neither one VLAN nor a range of them, 1 to 4094.
  static func range(_ text: String) -> ClosedRange<Int>? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    let numbers = ends.compactMap { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
    guard ends.count == numbers.count, (1...2).contains(numbers.count), let first = numbers.first,
      let last = numbers.last, 1 <= first, first <= last, last <= 4094
    else { return nil }
    return first...last
  }

  /// Pieces of a range: each of some VLANs is one by itself.
  static func cut(_ range: ClosedRange<Int>, at apart: Set<Int>) -> [ClosedRange<Int>] {
    var pieces: [ClosedRange<Int>] = []
    var next = range.lowerBound
    for vlan in apart.sorted() where range.contains(vlan) {
      if next < vlan { pieces.append(next...(vlan - 1)) }
      pieces.append(vlan...vlan)
      next = vlan + 1
    }
    if next <= range.upperBound { pieces.append(next...range.upperBound) }
    return pieces
  }
}

extension PortMode {
  /// `access`, `trunk`, `transparent` or `wire`.
  var name: String {
    switch self {
    case .access: "access"
    case .trunk: "trunk"
    case .transparent: "transparent"
    case .wire: "wire"
    }
  }

  /// VLAN of untagged frames; nil = there is none.
  var pvid: Int? {
    switch self {
    case .access(let vlan): Int(vlan)
    case .trunk(_, let native): native.map { Int($0) }
    case .transparent, .wire: nil
    }
  }

  /// VLANs whose frames pass, ascending; empty on a wire and on a switch without VLANs, where every frame passes.
  var allowed: [ClosedRange<Int>] {
    switch self {
    case .access(let vlan): [Int(vlan)...Int(vlan)]
    case .trunk(let allowed, _): allowed.ranges
    case .transparent, .wire: []
    }
  }
}
