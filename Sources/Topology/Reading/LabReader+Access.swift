extension LabReader {
  /// Reads one entry of `access:`.
  mutating func readAccess(_ name: Located<String>, _ node: YAMLNode) {
    if name.value == AccessDefinition.noneWord {
      let hint = "\"access: none\" is said of a port that has no list"
      return reporter.error(.name, name.span, "\(name.value.quoted) is a reserved name", hint: hint)
    }
    let label = "access list \(name.value.quoted)"
    guard let object = ObjectReader(node, LabSchema.access, label: label, owner: name.span, reporter: reporter) else {
      return
    }
    var definition = AccessDefinition(name: name.value)
    definition.isStateful = object["stateful"].flatMap { values.boolean($0, "stateful") }?.value ?? false
    let reader = AccessRuleReader(reporter: reporter)
    definition.toNode = object["to-node"].flatMap { reader.rules($0, "to-node", of: name.value) }
    definition.fromNode = object["from-node"].flatMap { reader.rules($0, "from-node", of: name.value) }
    if definition.isStateful, let span = object.keySpan("stateful"), definition.isOpen {
      let message = "\"stateful\" has no effect without rules: all passes, answers or not"
      reporter.warning(.withoutEffect, span, message, hint: "write to-node: [...] or from-node: [...]")
    }
    draft.access.append(AccessDraft(name: name, definition: definition))
  }
}

extension AccessDefinition {
  /// It has rules for neither way.
  fileprivate var isOpen: Bool { toNode == nil && fromNode == nil }
}
