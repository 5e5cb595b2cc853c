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
      reporter.error(.missing, node.span, "a link needs \"ends\"", hint: "ends: [vm1:eth0, sw1]")
      return
    }
    guard let items = values.items(list, "ends", of: "two ends") else { return }
    guard items.count >= 2 else {
      reporter.error(.range, list.span, "a link needs two ends, found \(items.count)")
      return
    }
    guard items.count == 2 else {
      let message =
        "a link with more than two ends is part of the format, but this version of apus does not have it yet"
      reporter.error(.notYet, list.span, message, hint: "give these NICs a common switch")
      return
    }
    let ends = items.compactMap { end($0, "ends") }
    guard ends.count == 2 else { return }
    draft.links.append(LinkDraft(name: name, ends: ends, membership: membership, span: node.span))
  }

  /// Reads one entry of `tests:`.
  mutating func readTest(_ node: YAMLNode) {
    guard let object = ObjectReader(node, LabSchema.test, label: "a test", owner: node.span, reporter: reporter) else {
      return
    }
    var test: TestDraft?
    if let ping = object["ping"] {
      test = pair(ping, "ping").map {
        TestDraft(action: "ping", source: $0.0, destination: $0.1, expect: .pass)
      }
    } else if !["tcp", "udp", "arp", "exec"].contains(where: { node.hasKey($0) }) {
      reporter.error(.missing, node.span, "a test needs \"ping\"", hint: "ping: vm1 -> vm2")
    }
    let expect: Located<TestDefinition.Expectation>? = object["expect"].flatMap { values.choice($0, "expect") }
    let within = object["within"].flatMap { values.time($0, "within", in: 0...86400) }
    let duration = object["for"].flatMap { values.time($0, "for", in: 0...86400) }
    if expect?.value == .fail, let span = object.keySpan("within") {
      reporter.error(.contradiction, span, "\"within\" is for expect: pass; a test that expects to fail has \"for\"")
    } else if expect?.value != .fail, let span = object.keySpan("for") {
      reporter.error(.contradiction, span, "\"for\" is for expect: fail; a test that expects to pass has \"within\"")
    }
    guard var test else { return }
    test.expect = expect?.value ?? .pass
    test.within = within
    test.duration = duration
    draft.tests.append(test)
  }

  /// `A -> B`.
  private func pair(_ node: YAMLNode, _ what: String) -> (EndDraft, EndDraft)? {
    let wanted = "two nodes such as vm1 -> vm2"
    guard let text = values.scalar(node, what, wanted) else { return nil }
    let parts = text.value.split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 3, parts[1] == "->" else {
      reporter.error(.type, node.span, "\(what.quoted) must be \(wanted), found \(node.found)")
      return nil
    }
    func end(_ part: Substring) -> EndDraft {
      let isLiteral = text.span.length == text.value.unicodeScalars.count
      let before = text.value[..<part.startIndex].unicodeScalars.count
      let length = part.unicodeScalars.count
      let span = Span(line: text.span.line, column: text.span.column + before, length: length)
      return EndDraft(Located(String(part), isLiteral ? span : text.span))
    }
    return (end(parts[0]), end(parts[2]))
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
