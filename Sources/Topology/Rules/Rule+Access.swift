extension Rule {
  /// L201: a list that is not there.
  ///
  /// L213: one that no NIC names.
  static func accessNames(_ subject: RuleSubject) {
    let names = subject.draft.access.map(\.name.value)
    let known = Set(names)
    var used: Set<String> = []
    for nic in subject.nics {
      guard let name = nic.draft.rules.definition.access else { continue }
      used.insert(name)
      guard !known.contains(name), let span = nic.draft.rules.places[.access] else { continue }
      let notes = Diagnostic.Note.ifPlaced("access lists are declared here", at: subject.draft.sections["access"])
      subject.reporter.error(
        .unknownName, span, "unknown access list \(name.quoted)",
        hint: Suggestion.hint(for: name, among: names, kind: "access lists"), notes: notes)
    }
    for list in subject.draft.access where !used.contains(list.name.value) {
      let message = "no NIC has access list \(list.name.value.quoted)"
      let hint = "say access: \(Quoting.printable(list.name.value)) of one, or `apus port set` at run time"
      subject.reporter.warning(.withoutEffect, list.name.span, message, hint: hint)
    }
  }

  /// L226: `ip-lock: on` of a NIC that no address is known of.
  static func addressLocks(_ subject: RuleSubject) {
    let plan = DHCPPlan(subject.draft)
    for nic in subject.nics {
      guard nic.draft.rules.definition.ipLock == .own, nic.definition.addresses.isEmpty,
        let span = nic.draft.rules.places[.ipLock]
      else { continue }
      if case .switchPort(_, let mode) = nic.definition.attachment,
        plan.servers.contains(where: { mode.carries($0.vlan.id.value) })
      {
        continue
      }
      let way = nic.kind.takesInterfaces ? "" : "give it an \"address\", or "
      let message = "\"ip-lock\" of \(nic.name) is for its own addresses, and it has none"
      subject.reporter.error(.access, span, message, hint: "\(way)say which pass: ip-lock: [10.0.0.5]")
    }
  }

  /// L213: rules that mean something on a switch only, of a NIC that is on none.
  static func rulesOfWires(_ subject: RuleSubject) {
    for nic in subject.nics {
      if case .switchPort = nic.definition.attachment { continue }
      // What it was to be on was wrong, which was reported.
      guard nic.draft.switchName == nil else { continue }
      for key in [RuleKey.learnLimit, .isolated, .unknownStorm] {
        guard nic.draft.rules.definition.text(of: key) != nil, let span = nic.draft.rules.places[key] else { continue }
        let message = "\(key.shortName.quoted) has no effect on \(nic.name), which is on no switch"
        subject.reporter.warning(.withoutEffect, span, message)
      }
    }
  }
}
