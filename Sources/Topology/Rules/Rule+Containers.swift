extension Rule {
  /// L311: a container whose engine is not on this host, said once for each engine.
  ///
  /// L202: one container that two nodes attach to.
  static func containers(_ subject: RuleSubject) {
    var missing: Set<ContainerDefinition.Engine> = []
    var attached: [String: (name: String, span: Span)] = [:]
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) {
      guard let container = node.container else { continue }
      let engine = container.engine
      if !subject.facts.hasProgram(engine.rawValue), missing.insert(engine).inserted {
        let span = draft.container?.engine?.span ?? draft.kind?.span ?? draft.name.span
        let hint = "install it: apt-get install \(engine == .docker ? "docker.io" : engine.rawValue)"
        let message = "nodes of kind container need the program \(engine), which is not on this host"
        subject.reporter.error(.containerEngine, span, message, hint: hint)
      }
      guard let attach = draft.container?.attach else { continue }
      let key = "\(engine) \(attach.value)"
      if let other = attached[key] {
        let message = "container \(attach.value.quoted) is attached to \(other.name) and \(node.name)"
        let notes = [Diagnostic.Note("\(other.name) attaches to it here", at: other.span)]
        let hint = "one node can have several NICs"
        subject.reporter.error(.usedTwice, attach.span, message, hint: hint, notes: notes)
      } else {
        attached[key] = (node.name, attach.span)
      }
    }
  }
}
