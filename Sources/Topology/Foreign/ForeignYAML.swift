/// Reads YAML and JSON of other tools, with the limits of a lab file.
///
/// JSON is read as the YAML that it is. Nothing in the text is expanded but aliases, whose number is bounded; tags are
/// left out, and a key that stands twice in a mapping is an error.
package enum ForeignYAML {
  /// What is wrong with a text; at least one error, in the order of the text.
  package struct Fault: Error, Sendable {
    package var diagnostics: [Diagnostic]
  }

  /// The one document of a text; nil = there is none.
  ///
  /// - Parameter path: the file as the user named it.
  package static func read(_ text: [UInt8], path: String) throws(Fault) -> ForeignValue? {
    let reporter = Reporter(path: path)
    var reader = YAMLReader(SourceText(path: path, text: text), environment: [:], reporter: reporter, isForeign: true)
    let root = reader.read()
    guard !reporter.hasErrors else { throw Fault(diagnostics: reporter.sorted()) }
    return root.map { ForeignValue($0) }
  }
}

/// A value of another tool's YAML or JSON: scalars are text, whatever YAML would make of them.
package struct ForeignValue: Sendable {
  package enum Content: Sendable {
    /// `isPlain` = written without quotes.
    case scalar(String, isPlain: Bool)
    case list([ForeignValue])
    /// Each key once, in the order of the file.
    case mapping([(key: String, line: Int, value: ForeignValue)])
  }

  package var content: Content
  /// Of the scalar, or of the first character of a collection; from 1.
  package var line: Int
  /// In Unicode scalars, from 1.
  package var column: Int

  package init(_ content: Content, line: Int, column: Int) {
    self.content = content
    self.line = line
    self.column = column
  }

  init(_ node: YAMLNode) {
    line = node.span.line
    column = node.span.column
    switch node.content {
    case .scalar(let text, let isPlain): content = .scalar(text, isPlain: isPlain)
    case .sequence(let items): content = .list(items.map { ForeignValue($0) })
    case .mapping(let entries):
      content = .mapping(entries.map { ($0.key.value, $0.key.span.line, ForeignValue($0.value)) })
    case .unusable: content = .scalar("", isPlain: true)
    }
  }

  /// Nothing was written, or `~` or `null`.
  package var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The scalar's text; nil = a list, a mapping or nothing.
  package var text: String? {
    guard case .scalar(let text, _) = content, !isNull else { return nil }
    return text
  }

  /// A plain `true` or `false`, or YAML's other words for them; nil = something else.
  package var boolean: Bool? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    switch text.lowercased() {
    case "true", "yes", "on", "y": return true
    case "false", "no", "off", "n": return false
    default: return nil
    }
  }

  /// The list's values; nil = no list.
  package var list: [ForeignValue]? {
    guard case .list(let items) = content else { return nil }
    return items
  }

  /// The mapping's keys and values; nil = no mapping.
  package var mapping: [(key: String, line: Int, value: ForeignValue)]? {
    guard case .mapping(let entries) = content else { return nil }
    return entries
  }

  /// The value of a key; nil = there is none, or this is no mapping.
  ///
  /// Looks through all keys: take a dictionary for a mapping of many.
  package subscript(key: String) -> ForeignValue? { mapping?.first { $0.key == key }?.value }

  /// What stands here, as type errors say it: `list`, `mapping`, `nothing`, or the value in quotes.
  package var found: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : text.quoted
    case .list: "list"
    case .mapping: "mapping"
    }
  }
}
