import Lab
import Topology

extension CanonicalLab {
  /// Ports of a switch without VLANs have none, and all others have.
  /// - Throws: `UserError` (`badInput`).
  func checkModes() throws(UserError) {
    let unaware = Set(switches.filter { !$0.isVLANAware }.map(\.name))
    for node in nodes {
      for nic in node.nics {
        guard case .switchPort(let name, let mode) = nic.attachment else { continue }
        let owner = "NIC \(Names.port(node: node.name, nic: nic.name))"
        try Self.check(mode, isTransparent: unaware.contains(name), owner, on: "switch \(name)")
      }
    }
    for link in links {
      guard case .trunk(let mode) = link.kind else { continue }
      let isTransparent = link.ends.allSatisfy { unaware.contains($0.text) }
      let places = link.ends.map { $0.text }.joined(separator: " and ")
      try Self.check(mode, isTransparent: isTransparent, "link \(link.name)", on: "between \(places)")
    }
  }

  private static func check(
    _ mode: VLANMode, isTransparent: Bool, _ owner: String, on place: String
  ) throws(UserError) {
    guard (mode == .transparent) != isTransparent else { return }
    throw UserError(
      .badInput,
      isTransparent
        ? "\(owner): \(place) has no VLANs (vlan_aware is false), and so neither vlan nor trunk"
        : "\(owner): \(place) needs vlan or trunk")
  }
}
