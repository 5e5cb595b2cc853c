/// Which switch or node a name means.
struct NameIndex {
  private(set) var switches: [String: Int] = [:]
  private(set) var nodes: [String: Int] = [:]
  private let switchNames: [String]
  private let nodeNames: [String]
  private let sections: [String: Span]
  private let guesses = Guesses()

  init(_ draft: LabDraft) {
    switchNames = draft.switches.map(\.name.value)
    nodeNames = draft.nodes.map(\.name.value)
    sections = draft.sections
    for (index, name) in switchNames.enumerated() where switches[name] == nil { switches[name] = index }
    for (index, name) in nodeNames.enumerated() where nodes[name] == nil { nodes[name] = index }
  }

  /// Reports a name that is no switch (L201).
  func reportUnknownSwitch(_ name: String, at span: Span, _ reporter: Reporter) {
    reporter.error(
      .unknownName, span, "unknown switch \(name.quoted)",
      hint: Suggestion.hint(for: name, among: switchNames, kind: "switches"), notes: declared("switches"))
  }

  /// Reports a name that is no node (L201).
  func reportUnknownNode(_ name: String, at span: Span, _ reporter: Reporter) {
    reporter.error(
      .unknownName, span, "unknown node \(name.quoted)",
      hint: Suggestion.hint(for: name, among: nodeNames, kind: "nodes"), notes: declared("nodes"))
  }

  /// Reports a link end that is neither (L201), as the one whose name is nearer.
  func reportUnknownEnd(_ end: EndDraft, _ reporter: Reporter) {
    let near = guesses.nearest(to: end.name, among: switchNames + nodeNames)
    if end.nic == nil, let near, switches[near] != nil {
      reportUnknownSwitch(end.name, at: end.nameSpan, reporter)
    } else if end.nic != nil || near != nil {
      reportUnknownNode(end.name, at: end.nameSpan, reporter)
    } else {
      let lists = [("switches", switchNames), ("nodes", nodeNames)].filter { !$0.1.isEmpty }
      let hint = lists.map { "\($0.0): \(Quoting.list($0.1))" }.joined(separator: "; ")
      let message = "unknown switch or node \(end.name.quoted)"
      let notes = declared("switches") + declared("nodes")
      reporter.error(.unknownName, end.nameSpan, message, hint: hint.isEmpty ? nil : hint, notes: notes)
    }
  }

  /// The note that leads to a section, if the file has it.
  private func declared(_ section: String) -> [Diagnostic.Note] {
    Diagnostic.Note.ifPlaced("\(section) are declared here", at: sections[section])
  }
}

extension EndDraft {
  /// The part of the end that names the node or switch.
  var nameSpan: Span {
    nic == nil ? span : Span(line: span.line, column: span.column, length: name.unicodeScalars.count)
  }
}
