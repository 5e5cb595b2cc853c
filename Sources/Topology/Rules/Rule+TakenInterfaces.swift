extension Rule {
  /// L303: an interface of this host that cannot be taken, since it is not there, somebody else's, or the host's own way.
  static func takenInterfaces(_ subject: RuleSubject) {
    for nic in subject.nics where nic.kind.takesInterfaces {
      let isForced = subject.lab.nodes.first { $0.name == nic.node }?.isForced ?? false
      guard
        let trouble = subject.facts.trouble(
          taking: nic.definition.name, for: subject.lab.name, node: nic.node, isForced: isForced)
      else { continue }
      subject.reporter.error(.hostInterface, nic.draft.name.span, trouble.message, hint: trouble.hint)
    }
  }
}
