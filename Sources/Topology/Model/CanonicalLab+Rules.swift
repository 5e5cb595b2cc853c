/// What rules of ports take from the lab around them.
extension CanonicalLab {
  /// The access list of that name.
  package func accessList(_ name: String) -> AccessDefinition? { (access ?? []).first { $0.name == name } }

  /// Whether a DHCP server of the lab is in a VLAN that a NIC has.
  package func hasServer(for attachment: Attachment) -> Bool {
    guard case .switchPort(_, let mode) = attachment else { return false }
    return nodes.contains { node in
      guard node.dhcp != nil else { return false }
      return node.nics.contains { nic in
        guard case .switchPort(_, .access(let vlan)) = nic.attachment else { return false }
        return mode.carries(vlan)
      }
    }
  }

  /// What a list that is not there is answered with, and what may be meant.
  package func complaint(aboutAccess name: String) -> (message: String, hint: String?) {
    let names = (access ?? []).map(\.name)
    return (
      "unknown access list \(name.quoted)", Suggestion.hint(for: name, among: names, kind: "access lists")
    )
  }
}
