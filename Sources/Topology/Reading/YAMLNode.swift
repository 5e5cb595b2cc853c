/// A value of the file as it was written: scalars are text, whatever YAML would make of them.
struct YAMLNode {
  enum Content {
    /// Text after `${}` expansion. `isPlain` = written without quotes.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
    /// Something was written, but it cannot be used; that was reported.
    case unusable
  }

  var content: Content
  /// The scalar, or the first character of a collection.
  var span: Span

  /// Nothing was written (`sw2:`), or `~` or `null`.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  /// What stands here, as type errors say it: `list`, `mapping`, `nothing`, or the value in quotes.
  var found: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : text.quoted
    case .sequence: "list"
    case .mapping: "mapping"
    case .unusable: "nothing"
    }
  }
}

/// A key of a mapping with its value.
struct YAMLEntry {
  var key: Located<String>
  var value: YAMLNode
}
