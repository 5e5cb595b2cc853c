/// Turns drafts of captures into captures: what they capture must be there, and each needs a file of its own.
struct CaptureReader {
  private let draft: LabDraft
  private let lab: CanonicalLab
  private let reporter: Reporter
  private let index: NameIndex
  private let links: Set<String>
  private let lans: Set<String>
  /// What a target can name, by the section that declares it.
  private let lists: [(section: String, names: [String])]
  /// Links that bear a name in the file.
  private let named: [String: LinkDraft]
  private let guesses = Guesses()

  /// - Parameter lab: With its nodes, switches and links.
  init(draft: LabDraft, lab: CanonicalLab, reporter: Reporter) {
    self.draft = draft
    self.lab = lab
    self.reporter = reporter
    index = NameIndex(draft)
    links = Set(lab.links.map(\.name))
    lans = Set(lab.switches.filter(\.isAnonymous).map(\.name))
    lists = [
      ("links", lab.links.map(\.name)), ("switches", lab.switches.map(\.name)), ("nodes", lab.nodes.map(\.name)),
    ]
    let named = draft.links.compactMap { link in link.name.map { ($0.value, link) } }
    self.named = Dictionary(named, uniquingKeysWith: { first, _ in first })
  }

  /// The captures in file order; nil when there are none.
  func captures() -> [CaptureDefinition]? {
    guard !draft.captures.isEmpty else { return nil }
    var taken = takenFiles()
    return draft.captures.map { draft in
      var definition = CaptureDefinition(
        targets: targets(draft), file: Paths.absolute(draft.file.value, in: lab.directory))
      definition.ring = draft.ring
      definition.snap = draft.snap ?? definition.snap
      definition.filter = draft.filter?.value
      definition.direction = draft.direction
      if let (use, place) = taken[definition.file] {
        let message = "file \(draft.file.value.quoted) is \(use)"
        let notes = Diagnostic.Note.ifPlaced("it is here", at: place)
        reporter.error(.usedTwice, draft.file.span, message, hint: "write to another file", notes: notes)
      } else {
        taken[definition.file] = ("written by another capture (\(draft.file.span.position))", draft.file.span)
      }
      return definition
    }
  }

  /// Files that a capture would destroy: the lab file and its images.
  private func takenFiles() -> [String: (use: String, place: Span?)] {
    var files: [String: (use: String, place: Span?)] = [lab.source: ("this lab file", nil)]
    for (draft, node) in zip(draft.nodes, lab.nodes) {
      guard let path = node.image, case .file(let file)? = draft.machine?.image, files[path] == nil else { continue }
      files[path] = ("the image of \(node.name)", file.name.span)
    }
    return files
  }

  private func targets(_ draft: CaptureDraft) -> [CaptureDefinition.Target] {
    var found: Set<CaptureDefinition.Target> = []
    return draft.targets.compactMap { text in
      guard let target = target(text) else { return nil }
      guard found.insert(target).inserted else {
        reporter.warning(.withoutEffect, text.span, "\(text.value.quoted) stands in \"on\" twice")
        return nil
      }
      return target
    }
  }

  /// What a name means: a link first, since `a:eth0--b:eth0` looks like a NIC.
  private func target(_ text: Located<String>) -> CaptureDefinition.Target? {
    if text.value == "all" { return .all }
    if links.contains(text.value) { return .link(text.value) }
    if index.switches[text.value] != nil || lans.contains(text.value) { return .switch(text.value) }
    if index.nodes[text.value] != nil { return .node(text.value) }
    if let link = named[text.value] {
      // Without a port it is a link that could not be wired, which was reported.
      if let port = link.port {
        let message = "\(text.value.quoted) names nothing: a NIC's link to a switch is called as its port"
        reporter.error(.unknownName, text.span, message, hint: "write \(port)")
      }
      return nil
    }
    let end = EndDraft(text)
    guard let nic = end.nic, !nic.contains("--") else {
      reportUnknown(text)
      return nil
    }
    guard let node = index.nodes[end.name] else {
      reportNoNode(end)
      return nil
    }
    guard lab.nodes[node].nics.contains(where: { $0.name == nic }) else {
      let names = lab.nodes[node].nics.map(\.name)
      let hint = names.isEmpty ? "it has no NICs" : Suggestion.hint(for: nic, among: names, kind: "NICs")
      let notes = [Diagnostic.Note("node \(end.name.quoted) is declared here", at: draft.nodes[node].name.span)]
      let message = "unknown NIC \(nic.quoted) of node \(end.name.quoted)"
      reporter.error(.unknownName, end.span, message, hint: hint, notes: notes)
      return nil
    }
    return .port(node: end.name, nic: nic)
  }

  private func reportNoNode(_ end: EndDraft) {
    guard index.switches[end.name] != nil else { return index.reportUnknownNode(end.name, at: end.nameSpan, reporter) }
    let message = "\(end.name.quoted) is a switch; its ports are named as what is on them"
    reporter.error(.unknownName, end.span, message, hint: "write \(end.name), or NODE:NIC")
  }

  private func reportUnknown(_ text: Located<String>) {
    let near = guesses.nearest(to: text.value, among: lists.flatMap(\.names) + ["all"])
    let known = lists.filter { !$0.names.isEmpty }.map { "\($0.section): \(Quoting.list($0.names))" }
      .joined(separator: "; ")
    let hint = near.map { "did you mean \"\($0)\"?\(known.isEmpty ? "" : " (\(known))")" } ?? known
    let home = near.flatMap { near in lists.first { $0.names.contains(near) }?.section }
    let notes = home.map { Diagnostic.Note.ifPlaced("\($0) are declared here", at: draft.sections[$0]) } ?? []
    let message = "unknown port, link, node or switch \(text.value.quoted)"
    reporter.error(.unknownName, text.span, message, hint: hint.isEmpty ? nil : hint, notes: notes)
  }
}
