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
        action: test.action, source: source.name, destination: destination.name)
      definition.expect = test.expect
      definition.within = test.within?.value ?? definition.within
      definition.duration = test.duration?.value ?? definition.duration
      return definition
    }
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

  /// Whether a NIC of the node is on something that was reported as unknown, so that its addresses are not known.
  private func isUnresolved(_ node: NodeDefinition) -> Bool {
    let drafts = draft.nodes.first { $0.name.value == node.name }?.nics ?? []
    return zip(drafts, node.nics).contains { $0.takenAt != nil && $1.attachment == .none }
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
    guard destination.nics.allSatisfy(\.addresses.isEmpty), !isUnresolved(destination) else { return }
    let message = "\(destination.name.quoted) has no address to ping"
    if test.expect == .pass {
      reporter.error(.test, test.destination.span, message, hint: "give it an \"address\", or its VLAN a \"subnet\"")
    } else {
      reporter.warning(.test, test.destination.span, "\(message), so this test proves nothing")
    }
  }
}
