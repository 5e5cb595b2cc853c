extension Rule {
  /// L208: a VLAN subinterface that has the name of a NIC of the same node; addresses would land on the wrong one.
  ///
  /// All nodes of kind `tap` have their interfaces on this host.
  static func subinterfaceNames(_ subject: RuleSubject) {
    var owners: [String: (name: String, span: Span)] = [:]
    func key(_ nic: RuleSubject.NIC, _ interface: String) -> String {
      "\(nic.kind == "tap" ? "tap" : nic.node) \(interface)"
    }
    for nic in subject.nics { owners[key(nic, nic.definition.name)] = (nic.name, nic.draft.name.span) }
    var reported: Set<[Span]> = []
    for nic in subject.nics {
      for vlan in Set(nic.definition.addresses.compactMap(\.vlan)).sorted() {
        let name = nic.definition.interfaceName(vlan: vlan)
        guard let owner = owners[key(nic, name)], reported.insert([owner.span, nic.draft.name.span]).inserted else {
          continue
        }
        let message = "the interface of VLAN \(vlan) on \(nic.name) is called \(name.quoted), as \(owner.name) is"
        let notes = [Diagnostic.Note("\(owner.name) is here", at: owner.span)]
        subject.reporter.error(.interfaceName, nic.draft.name.span, message, notes: notes)
      }
    }
  }
}
