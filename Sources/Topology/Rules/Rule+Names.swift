extension Rule {
  /// L102: nodes, switches and links share one space of names; ranges may run into other nodes.
  static func nameCollisions(_ subject: RuleSubject) {
    var owners: [String: (what: String, range: String?, span: Span)] = [:]
    var reported: Set<[Span]> = []
    func claim(_ name: String, _ what: String, range: String?, at span: Span) {
      guard let owner = owners[name] else {
        owners[name] = (what, range, span)
        return
      }
      // Two ranges that overlap have many names in common; the first says it.
      guard reported.insert([owner.span, span]).inserted else { return }
      func place(_ range: String?, _ span: Span) -> String {
        range.map { "by \($0.quoted) at \(span.position)" } ?? span.position
      }
      let (first, second) = (place(owner.range, owner.span), place(range, span))
      let message =
        owner.what == what
        ? "\(what) \(name.quoted) is defined twice (\(first) and \(second))"
        : "\(what) \(name.quoted) has the name of the \(owner.what) at \(owner.span.position)"
      let isUnnamedLink = what == "link" && range == nil
      let hint = isUnnamedLink ? "give the link another \"name\"" : nil
      let notes = [Diagnostic.Note("\(owner.what) \(name.quoted) is first defined here", at: owner.span)]
      subject.reporter.error(.collision, span, message, hint: hint, notes: notes)
    }
    for item in subject.draft.switches { claim(item.name.value, "switch", range: nil, at: item.name.span) }
    for node in subject.draft.nodes { claim(node.name.value, "node", range: node.range, at: node.name.span) }
    for link in subject.draft.links {
      if let name = link.wired?.name ?? link.lan { claim(name, "link", range: nil, at: link.name?.span ?? link.span) }
    }
  }

  /// L205: two VLANs with one ID.
  static func duplicateVLANs(_ subject: RuleSubject) {
    var first: [Int: VLANDraft] = [:]
    for vlan in subject.draft.vlans {
      guard let other = first[vlan.id.value] else {
        first[vlan.id.value] = vlan
        continue
      }
      let names = "\(other.name.value) and \(vlan.name.value)"
      let message = "VLANs \(names) both have id \(vlan.id.value) (\(other.id.span.position))"
      let notes = [Diagnostic.Note("VLAN \(other.name.value) has it here", at: other.id.span)]
      subject.reporter.error(.vlanDefinition, vlan.id.span, message, notes: notes)
    }
  }
}
