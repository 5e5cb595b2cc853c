/// Turns drafts of tests into tests: their ends must be nodes that can do what is asked of them.
struct TestReader {
  let draft: LabDraft
  let lab: CanonicalLab
  let reporter: Reporter

  /// Kinds that Apus can run a command on.
  private static let sources: Set<String> = ["vm", "netns", "tap"]

  func tests() -> [TestDefinition] {
    let index = NameIndex(draft)
    return draft.tests.compactMap { test in
      let source = node(test.source, index)
      let destination = node(test.destination, index)
      guard let source, let destination else { return nil }
      check(test, source, destination)
      var definition = TestDefinition(
        action: test.action, source: text(test.source), destination: text(test.destination))
      definition.expect = test.expect
      definition.within = test.within?.value ?? definition.within
      definition.duration = test.duration?.value ?? definition.duration
      return definition
    }
  }

  private func text(_ end: EndDraft) -> String {
    end.nic.map { Names.port(node: end.name, nic: $0) } ?? end.name
  }

  /// The node that an end names; reports one that is not there, and a NIC that it does not have.
  private func node(_ end: EndDraft, _ index: NameIndex) -> NodeDefinition? {
    guard let number = index.nodes[end.name] else {
      index.reportUnknownNode(end.name, at: end.nameSpan, reporter)
      return nil
    }
    let node = lab.nodes[number]
    guard let nic = end.nic, !node.nics.contains(where: { $0.name == nic }) else { return node }
    let hint = Suggestion.hint(for: nic, among: node.nics.map(\.name), kind: "NICs")
    reporter.error(.unknownName, end.span, "node \(end.name.quoted) has no NIC \(nic.quoted)", hint: hint)
    return nil
  }

  private func check(_ test: TestDraft, _ source: NodeDefinition, _ destination: NodeDefinition) {
    if !source.kind.isEmpty, !Self.sources.contains(source.kind) {
      let message = "\(test.source.name.quoted) is of kind \(source.kind), which cannot send a ping"
      reporter.error(.test, test.source.span, message, hint: "sources are of kind vm, netns or tap")
    }
    if source.name == destination.name {
      reporter.error(.test, test.destination.span, "the test's two ends are the same node")
      return
    }
    let nics = destination.nics.filter { test.destination.nic == nil || $0.name == test.destination.nic }
    guard nics.allSatisfy(\.addresses.isEmpty) else { return }
    let message = "\(text(test.destination).quoted) has no address to ping"
    if test.expect == .pass {
      reporter.error(.test, test.destination.span, message, hint: "give it an \"address\", or its VLAN a \"subnet\"")
    } else {
      reporter.warning(.test, test.destination.span, "\(message), so this test proves nothing")
    }
  }
}
