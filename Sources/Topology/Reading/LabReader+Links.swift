extension LabReader {
  /// Reads one entry of `links:`.
  mutating func readLink(_ node: YAMLNode) {
    guard let object = ObjectReader(node, LabSchema.link, label: "a link", owner: node.span, reporter: reporter) else {
      return
    }
    let name = object["name"].flatMap { values.scalar($0, "name", "the link's name") }
    if let name { checkName(name, "link") }
    let membership = MembershipDraft(object)
    guard let list = object["ends"] else {
      guard object.lacks("ends") else { return }
      reporter.error(.missing, node.span, "a link needs \"ends\"", hint: "ends: [vm1:eth0, sw1]")
      return
    }
    guard let items = values.items(list, "ends", of: "two ends") else { return }
    guard items.count >= 2 else {
      reporter.error(.range, list.span, "a link needs two ends, found \(items.count)")
      return
    }
    let ends = items.compactMap { end($0, "ends") }
    let impair = context.impairments.read(object)
    guard ends.count == items.count else { return }
    draft.links.append(LinkDraft(name: name, ends: ends, membership: membership, impair: impair, span: node.span))
  }

  private func end(_ node: YAMLNode, _ what: String) -> EndDraft? {
    guard let text = values.scalar(node, what, "a switch, node or node:nic") else { return nil }
    let end = EndDraft(text)
    guard !end.name.isEmpty, end.nic?.isEmpty != true else {
      reporter.error(.type, node.span, "an end must be a switch, node or node:nic, found \(node.found)")
      return nil
    }
    return end
  }
}

extension YAMLNode {
  /// Whether this is a mapping with that key.
  func hasKey(_ key: String) -> Bool {
    guard case .mapping(let entries) = content else { return false }
    return entries.contains { $0.key.value == key }
  }
}
