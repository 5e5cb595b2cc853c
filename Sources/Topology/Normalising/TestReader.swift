/// Turns drafts of tests into tests: their ends must be nodes that can do what is asked of them.
struct TestReader {
  private let draft: LabDraft
  private let lab: CanonicalLab
  private let reporter: Reporter
  private let drafts: [String: NodeDraft]

  /// Port of the tests `tcp` and `udp` that name none.
  private static let usualPort = 7777

  init(draft: LabDraft, lab: CanonicalLab, reporter: Reporter) {
    self.draft = draft
    self.lab = lab
    self.reporter = reporter
    drafts = Dictionary(draft.nodes.map { ($0.name.value, $0) }, uniquingKeysWith: { first, _ in first })
  }

  func tests() -> [TestDefinition] {
    let index = NameIndex(draft)
    return draft.tests.compactMap { test in
      var definition: TestDefinition?
      switch test.action {
      case .pair(let action, let source, let destination):
        definition = pair(action, source, destination, test, index)
      case .exec(let node, let run, let output):
        definition = exec(node, run, output, index)
      }
      definition?.expect = test.expect
      if let within = test.within?.value { definition?.within = within }
      if let duration = test.duration?.value { definition?.duration = duration }
      return definition
    }
  }

  private func pair(
    _ action: String, _ sourceEnd: EndDraft, _ destinationEnd: EndDraft, _ test: TestDraft, _ index: NameIndex
  ) -> TestDefinition? {
    let source = node(sourceEnd, index)
    let destination = node(destinationEnd, index)
    guard let source, let destination else { return nil }
    if !source.kind.isEmpty, !source.traits.sends {
      let what = action == "ping" ? "a ping" : "a test's frames"
      let message = "\(sourceEnd.name.quoted) is of kind \(source.kind), which cannot send \(what)"
      let hint = "sources are of kind \(NodeKind.words("or") { $0.sends })"
      reporter.error(.test, sourceEnd.span, message, hint: hint, notes: kindNote(source))
    }
    checkDestination(action, source, destination, at: destinationEnd.span, test.expect)
    var definition = TestDefinition(action: action, source: source.name, destination: destination.name)
    if action == "tcp" || action == "udp" { definition.port = test.port ?? Self.usualPort }
    return definition
  }

  private func exec(_ end: EndDraft, _ run: [String], _ output: String?, _ index: NameIndex) -> TestDefinition? {
    guard let source = node(end, index) else { return nil }
    if !source.kind.isEmpty, !source.traits.executes {
      let message = "\(end.name.quoted) is of kind \(source.kind), in which no command can be run"
      let hint = "commands run in nodes of kind \(NodeKind.words("or") { $0.executes })"
      reporter.error(.test, end.span, message, hint: hint, notes: kindNote(source))
    }
    var definition = TestDefinition(action: "exec", source: source.name, destination: "")
    definition.run = run
    definition.output = output
    return definition
  }

  /// The node that an end names; reports one that is not there, and an end that names a NIC.
  private func node(_ end: EndDraft, _ index: NameIndex) -> NodeDefinition? {
    guard let number = index.nodes[end.name] else {
      index.reportUnknownNode(end.name, at: end.nameSpan, reporter)
      return nil
    }
    guard end.nic == nil else {
      let message = "a test goes from node to node; \(end.nic?.quoted ?? "") is a NIC"
      reporter.error(.test, end.span, message, hint: "write \(end.name)")
      return nil
    }
    return lab.nodes[number]
  }

  private func kindNote(_ node: NodeDefinition) -> [Diagnostic.Note] {
    Diagnostic.Note.ifPlaced("its kind is set here", at: drafts[node.name]?.kind?.span)
  }

  /// Whether a NIC of the node is on something that was reported as unknown, so that its addresses are not known.
  private func isUnresolved(_ node: NodeDefinition) -> Bool {
    return zip(drafts[node.name]?.nics ?? [], node.nics).contains { $0.takenAt != nil && $1.attachment == .none }
  }

  /// Reports a destination that is the source, or that nothing can be sent to (L212).
  private func checkDestination(
    _ action: String, _ source: NodeDefinition, _ destination: NodeDefinition, at span: Span,
    _ expect: TestDefinition.Expectation
  ) {
    if source.name == destination.name {
      reporter.error(.test, span, "the test's two ends are the same node")
      return
    }
    let addresses = destination.nics.flatMap(\.addresses).compactMap { IPPrefix($0.address) }
    let isFound = action == "arp" ? addresses.contains { $0.address.family == .ipv4 } : !addresses.isEmpty
    guard !isFound, !isUnresolved(destination) else { return }
    let what = action == "arp" ? "no IPv4 address to ask for" : "no address to \(action == "ping" ? "ping" : "send to")"
    let message = "\(destination.name.quoted) has \(what)"
    let place = drafts[destination.name]?.name.span
    let notes = Diagnostic.Note.ifPlaced("\(destination.name.quoted) is declared here", at: place)
    if expect == .pass {
      reporter.error(.test, span, message, hint: "give it an \"address\", or its VLAN a \"subnet\"", notes: notes)
    } else {
      reporter.warning(.test, span, "\(message), so this test proves nothing", notes: notes)
    }
  }
}
