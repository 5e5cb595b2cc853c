/// A mapping whose keys were checked against its schema.
struct ObjectReader {
  let values: ValueReader
  /// The key that introduced the mapping, for what is missing from it.
  let owner: Span
  /// Keys that unknown ones seem to have been meant for; their names were suggested.
  private let misspelt: Set<String>
  private let entries: [String: YAMLEntry]

  /// Reports a value that is no mapping, and every key that is unknown, misplaced or of a later version.
  ///
  /// `label` is what messages call the mapping: `node "r1"`. Nothing (`sw2:`) is an empty mapping.
  init?(_ node: YAMLNode, _ schema: ObjectSchema, label: String, owner: Span, reporter: Reporter) {
    values = ValueReader(reporter: reporter)
    self.owner = owner
    guard case .mapping(let list) = node.content else {
      entries = [:]
      misspelt = []
      if node.isNull { return }
      if case .unusable = node.content { return nil }
      reporter.error(.type, node.span, "\(label) must be a mapping, found \(node.found)")
      return nil
    }
    var known: [String: YAMLEntry] = [:]
    var misspelt: Set<String> = []
    for entry in list {
      switch schema.key(entry.key.value) {
      case .some(let key) where key.isLater:
        let message = "\(key.name.quoted) is part of the format, but this version of apus does not have it yet"
        reporter.error(.notYet, entry.key.span, message)
      case .some: known[entry.key.value] = entry
      case nil: misspelt.formUnion(Self.reportUnknown(entry.key, schema, reporter))
      }
    }
    entries = known
    self.misspelt = misspelt
  }

  /// The value of a key, nil when it is not there.
  subscript(_ key: String) -> YAMLNode? { entries[key]?.value }

  /// Where a key stands.
  func keySpan(_ key: String) -> Span? { entries[key]?.key.span }

  /// Whether a key is not there, not even misspelt: then its absence is worth an error of its own.
  func lacks(_ key: String) -> Bool { entries[key] == nil && !misspelt.contains(key) }

  /// Whether it lacks all of these.
  func lacks(allOf keys: [String]) -> Bool { keys.allSatisfy(lacks) }

  /// The keys that are there.
  var keys: [Located<String>] {
    entries.values.map(\.key).sorted { ($0.span.line, $0.span.column) < ($1.span.line, $1.span.column) }
  }

  /// - Returns: the key that it seems to have been meant for.
  private static func reportUnknown(
    _ key: Located<String>, _ schema: ObjectSchema, _ reporter: Reporter
  ) -> [String] {
    let valid = schema.readable
    if key.value != "name", LabSchema.top.key(key.value) != nil {
      let message = "\(key.value.quoted) belongs at the top level, not in \(Quoting.article(schema.name))"
      reporter.error(.misplacedKey, key.span, message)
      return []
    }
    if let near = Suggestion.nearest(to: key.value, among: valid) {
      let hint = "did you mean \"\(near)\"? (valid: \(valid.joined(separator: ", ")))"
      reporter.error(.unknownKey, key.span, "unknown key \(key.value.quoted) in \(schema.name)", hint: hint)
      return [near]
    }
    let homes = LabSchema.all.filter { $0.key(key.value) != nil }.map { Quoting.article($0.name) }
    let hint = "valid: \(valid.joined(separator: ", "))"
    guard homes.isEmpty else {
      let message =
        "\(key.value.quoted) is a key of \(homes.joined(separator: " or ")), not of \(Quoting.article(schema.name))"
      reporter.error(.misplacedKey, key.span, message, hint: hint)
      return []
    }
    reporter.error(.unknownKey, key.span, "unknown key \(key.value.quoted) in \(schema.name)", hint: hint)
    return []
  }
}
