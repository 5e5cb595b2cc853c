/// Reads what a node's own system is told, in a node, a profile or `defaults:`.
struct SetupReader {
  let reporter: Reporter

  private var values: ValueReader { ValueReader(reporter: reporter) }

  /// - Parameter kind: the node's; nil where it is not known.
  func read(_ object: ObjectReader, of kind: NodeKind?) -> SetupDraft {
    var draft = SetupDraft()
    let own = kind?.isMachine ?? true ? nil : kind
    draft.forwarding = placed(object, "forwarding") { values.boolean($0, "forwarding")?.value }
    draft.sysctl = placed(object, "sysctl") { settings($0, of: own) }
    draft.exec = placed(object, "exec") { lines($0) }
    draft.files = placed(object, "files") { files($0) }
    return draft
  }

  /// The value of a key, with the key's place.
  private func placed<Value>(_ object: ObjectReader, _ key: String, _ read: (YAMLNode) -> Value?) -> Located<Value>? {
    guard let node = object[key], let value = read(node) else { return nil }
    return Located(value, object.keySpan(key) ?? node.span)
  }

  /// - Parameter owner: a kind whose nodes share this host's kernel.
  private func settings(_ node: YAMLNode, of owner: NodeKind?) -> [SetupDefinition.KernelSetting]? {
    let hint = "sysctl: { net.ipv4.conf.all.rp_filter: 0 }"
    guard let entries = entries(node, "sysctl", "keys to values", hint) else { return nil }
    var places: [String: Span] = [:]
    return entries.compactMap { entry in
      guard let key = SetupNames.kernelKey(entry.key.value) else {
        reporter.error(.name, entry.key.span, "sysctl key \(entry.key.value.quoted) is not valid", hint: hint)
        return nil
      }
      if let owner, !key.hasPrefix(SetupNames.namespaceKeys) {
        let message = "\(entry.key.value.quoted) is a setting of the whole host, not of a \(owner.word)"
        reporter.error(.range, entry.key.span, message, hint: "keys that begin with net. are a namespace's own")
        return nil
      }
      if let other = places.updateValue(entry.key.span, forKey: key) {
        let notes = [Diagnostic.Note("the first is here", at: other)]
        reporter.error(.duplicateKey, entry.key.span, "sysctl key \(key.quoted) is there twice", notes: notes)
        return nil
      }
      let value = values.value(entry.value, entry.key.value, "a text of one line") {
        SetupNames.isKernelValue($0) ? $0 : nil
      }
      return value.map { SetupDefinition.KernelSetting(key: key, value: $0.value) }
    }
  }

  private func lines(_ node: YAMLNode) -> [String]? {
    if node.isNull { return [] }
    return values.items(node, "exec", of: "lines for the shell", allowsSingle: true)?.compactMap { item in
      values.value(item, "exec", "a line for the shell") { SetupNames.isLine($0) ? $0 : nil }?.value
    }
  }

  private func files(_ node: YAMLNode) -> [SetupDraft.File]? {
    let hint = "files: { /etc/motd: motd.txt }"
    return entries(node, "files", "paths to files or texts", hint)?.compactMap { entry in
      let path = entry.key
      guard SetupNames.isPath(path.value) else {
        let message = "\(path.value.quoted) is no path of a file in a node"
        reporter.error(.name, path.span, message, hint: "a path is absolute, without \"..\": /etc/motd")
        return nil
      }
      let textHint = "a text in the lab file has several lines: \(Quoting.printable(path.value)): | and its lines below"
      let content = values.value(entry.value, path.value, "a file, or a text of several lines", hint: textHint) {
        $0.isEmpty ? nil : $0
      }
      return content.map { SetupDraft.File(path: path, content: $0) }
    }
  }

  private func entries(_ node: YAMLNode, _ key: String, _ what: String, _ hint: String) -> [YAMLEntry]? {
    switch node.content {
    case .mapping(let entries): return entries
    case .unusable: return nil
    default:
      if node.isNull { return [] }
      reporter.error(.type, node.span, "\(key.quoted) must be a mapping from \(what), found \(node.found)", hint: hint)
      return nil
    }
  }
}
