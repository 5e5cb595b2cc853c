extension Rule {
  /// L208: a VLAN subinterface whose name a NIC or another subinterface beside it has.
  ///
  /// L303: one that the host has already.
  static func vlanInterfaces(_ subject: RuleSubject) {
    var owners: [String: (what: String, span: Span)] = [:]
    for nic in subject.nics { owners[key(nic, nic.definition.name)] = ("NIC \(nic.name)", nic.draft.name.span) }
    var made: [String: (nic: String, vlan: Int)] = [:]
    var reported: Set<Span> = []
    for nic in subject.nics {
      guard nic.draft.addresses.count == nic.definition.addresses.count else { continue }
      for (draft, address) in zip(nic.draft.addresses, nic.definition.addresses) {
        guard let vlan = address.vlan, let span = draft.vlan?.span else { continue }
        let name = nic.definition.interfaceName(vlan: vlan)
        let place = key(nic, name)
        if let own = made[place], own == (nic.name, vlan) { continue }
        let what = "VLAN \(subject.vlans.name(of: vlan)) of \(nic.name)"
        if let owner = owners[place] {
          guard reported.insert(span).inserted else { continue }
          let notes = [Diagnostic.Note("\(owner.what) is here", at: owner.span)]
          let message = "interface \(name.quoted) of \(what) has the name of \(owner.what)"
          subject.reporter.error(.interfaceName, span, message, hint: "rename the NIC", notes: notes)
          continue
        }
        owners[place] = (what, span)
        made[place] = (nic.name, vlan)
        guard nic.kind.isOnHost, subject.facts.hostInterfaceExists(name),
          !subject.facts.interface(nic.definition.name, belongsTo: subject.lab.name)
        else { continue }
        let hint = "choose another name, or remove it: ip link delete \(name)"
        let message = "the host has an interface \(name.quoted) already, which \(what) needs"
        subject.reporter.error(.hostInterface, span, message, hint: hint)
      }
    }
  }

  /// Names are unique within a node; those of TAPs within the host.
  private static func key(_ nic: RuleSubject.NIC, _ name: String) -> String {
    nic.kind.isOnHost ? "host \(name)" : "node \(nic.node) \(name)"
  }
}
