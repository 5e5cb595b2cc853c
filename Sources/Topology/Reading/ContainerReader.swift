/// Reads the keys of containers.
struct ContainerReader {
  let reporter: Reporter

  private var values: ValueReader { ValueReader(reporter: reporter) }

  /// - Parameter owner: the node's name, for what is missing.
  /// - Parameter isWhole: all that a node needs must be there, as it is no profile.
  func read(_ object: ObjectReader, owner: Located<String>, isWhole: Bool) -> ContainerDraft {
    var draft = ContainerDraft()
    if let node = object["image"] {
      draft.image = image(node)
    }
    readOwn(object, into: &draft)
    guard isWhole else { return draft }
    if object.lacks("image"), object.lacks("attach") {
      let message = "container \(owner.value.quoted) needs \"image\" or \"attach\""
      reporter.error(.missing, owner.span, message, hint: "image: docker.io/library/alpine")
    }
    checkAttached(object)
    return draft
  }

  /// Takes the keys that no other kind has.
  func readOwn(_ object: ObjectReader, into draft: inout ContainerDraft) {
    draft.engine = object["engine"].flatMap { values.choice($0, "engine") }
    draft.restart = object["restart"].flatMap { values.choice($0, "restart") }
    if let node = object["attach"] {
      draft.attach = values.value(node, "attach", "the name of a container") {
        ContainerNames.isContainer($0) ? $0 : nil
      }
    }
    draft.command = object["command"].flatMap { command($0) }
    draft.env = object["env"].flatMap { environment($0) }
  }

  /// L211: keys that say how a container is made, of one that somebody else has made.
  private func checkAttached(_ object: ObjectReader) {
    guard let attach = object.keySpan("attach") else { return }
    for key in ["image", "command", "env", "restart", "after"] {
      guard let span = object.keySpan(key) else { continue }
      let message = "\(key.quoted) is for a container that Apus makes, and \"attach\" names one that is there"
      let notes = [Diagnostic.Note("\"attach\" is here", at: attach)]
      reporter.error(.contradiction, span, message, notes: notes)
    }
  }

  private func image(_ node: YAMLNode) -> Located<String>? {
    if case .mapping = node.content {
      let message = "\"image\" of a container must be the name of an image, found \(node.found)"
      reporter.error(.type, node.span, message, hint: "image: docker.io/library/alpine")
      return nil
    }
    let wanted = "the name of an image such as docker.io/library/alpine"
    let hint = "`podman images` lists those that are here"
    return values.value(node, "image", wanted, hint: hint) { ContainerNames.isImage($0) ? $0 : nil }
  }

  /// A line for the shell, or a program and its arguments.
  private func command(_ node: YAMLNode) -> Located<[String]>? {
    let wanted = "a command, or a list of a program and its arguments"
    guard case .sequence(let items) = node.content else {
      return values.value(node, "command", wanted) { $0.isArgument && !$0.isEmpty ? ["/bin/sh", "-c", $0] : nil }
    }
    guard !items.isEmpty else {
      reporter.error(.range, node.span, "\"command\" must be \(wanted), found an empty list")
      return nil
    }
    let words = items.compactMap { values.value($0, "command", "a text") { $0.isArgument ? $0 : nil }?.value }
    return words.count == items.count ? Located(words, node.span) : nil
  }

  private func environment(_ node: YAMLNode) -> Located<[String: String]>? {
    if node.isNull { return nil }
    guard case .mapping(let entries) = node.content else {
      if case .unusable = node.content { return nil }
      let message = "\"env\" must be a mapping from names to values, found \(node.found)"
      reporter.error(.type, node.span, message, hint: "env: { LANG: C.UTF-8 }")
      return nil
    }
    var variables: [String: String] = [:]
    for entry in entries {
      guard ContainerNames.isVariable(entry.key.value) else {
        let message = "variable name \(entry.key.value.quoted) is not valid"
        reporter.error(.name, entry.key.span, message, hint: "letters, digits and _, with no digit first")
        continue
      }
      let value = values.value(entry.value, entry.key.value, "a text") { $0.isArgument ? $0 : nil }
      if let value { variables[entry.key.value] = value.value }
    }
    return Located(variables, node.span)
  }
}

extension String {
  /// Programs take it as an argument: it has no zero byte.
  fileprivate var isArgument: Bool { !utf8.contains(0) }
}
