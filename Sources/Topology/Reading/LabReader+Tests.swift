extension LabReader {
  /// Reads one entry of `tests:`.
  mutating func readTest(_ node: YAMLNode) {
    guard let object = ObjectReader(node, LabSchema.test, label: "a test", owner: node.span, reporter: reporter) else {
      return
    }
    let action = readAction(object, node)
    let port = readPort(object)
    let expect: Located<TestDefinition.Expectation>? = object["expect"].flatMap { values.choice($0, "expect") }
    let within = object["within"].flatMap { values.time($0, "within", in: Limits.testTime) }
    let duration = object["for"].flatMap { values.time($0, "for", in: Limits.testTime) }
    if let expect, expect.value == .fail, let span = object.keySpan("within") {
      let message = "\"within\" is for expect: pass; a test that expects to fail has \"for\""
      let notes = [Diagnostic.Note("it expects to fail", at: expect.span)]
      reporter.error(.contradiction, span, message, notes: notes)
    } else if expect?.value != .fail, let span = object.keySpan("for") {
      reporter.error(.contradiction, span, "\"for\" is for expect: fail; a test that expects to pass has \"within\"")
    }
    guard let action else { return }
    draft.tests.append(
      TestDraft(action: action, port: port, expect: expect?.value ?? .pass, within: within, duration: duration))
  }

  /// What the test does: the one key of those that say it.
  private func readAction(_ object: ObjectReader, _ node: YAMLNode) -> TestDraft.Action? {
    let kinds = LabSchema.pairTests + ["exec"]
    let keys = object.keys.filter { kinds.contains($0.value) }
    guard let key = keys.first, let value = object[key.value] else {
      guard object.lacks(allOf: kinds) else { return nil }
      let names = kinds.map(\.quoted).joined(separator: ", ")
      reporter.error(.missing, node.span, "a test needs one of \(names)", hint: "ping: vm1 -> vm2")
      return nil
    }
    if keys.count > 1 {
      let message = "a test does one thing, either \(key.value.quoted) or \(keys[1].value.quoted)"
      let notes = [Diagnostic.Note("\(key.value.quoted) is here", at: key.span)]
      reporter.error(.contradiction, keys[1].span, message, hint: "make it two tests", notes: notes)
    }
    if key.value == "exec" { return readExec(value, owner: key.span) }
    return pair(value, key.value).map { .pair(key.value, source: $0.0, destination: $0.1) }
  }

  /// `port`, which only tests with a transport have.
  private func readPort(_ object: ObjectReader) -> Int? {
    guard let node = object["port"], let key = object.keySpan("port") else { return nil }
    guard object["tcp"] != nil || object["udp"] != nil else {
      reporter.error(.contradiction, key, "\"port\" is for the tests tcp and udp")
      return nil
    }
    return values.integer(node, "port", in: Limits.ports)?.value
  }

  private func readExec(_ node: YAMLNode, owner: Span) -> TestDraft.Action? {
    guard let object = ObjectReader(node, LabSchema.exec, label: "\"exec\"", owner: owner, reporter: reporter) else {
      return nil
    }
    let source = object["node"].flatMap { values.scalar($0, "node", "the name of a node") }.map { EndDraft($0) }
    let run = object["run"].flatMap { command($0) }
    let output = object["output"].flatMap { values.scalar($0, "output", "a text") }
    for key in ["node", "run"] where object.lacks(key) {
      let hint = "exec: { node: vm1, run: ip route }"
      reporter.error(.missing, owner, "\"exec\" needs \(key.quoted)", hint: hint)
    }
    guard let source, let run else { return nil }
    return .exec(node: source, run: run, output: output?.value)
  }

  /// A line for the shell, or a program and its arguments.
  private func command(_ node: YAMLNode) -> [String]? {
    let wanted = "a command, or a list of a program and its arguments"
    guard case .sequence(let items) = node.content else {
      guard let line = values.scalar(node, "run", wanted) else { return nil }
      return ["/bin/sh", "-c", line.value]
    }
    let words = items.compactMap { values.scalar($0, "run", "a text")?.value }
    guard !items.isEmpty else {
      reporter.error(.range, node.span, "\"run\" must be \(wanted), found an empty list")
      return nil
    }
    return words.count == items.count ? words : nil
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
}
