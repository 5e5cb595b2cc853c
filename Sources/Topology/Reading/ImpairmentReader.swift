/// Reads `impairments:` and the key `impair`.
struct ImpairmentReader {
  let reporter: Reporter
  /// Where the section stands.
  var declaredAt: Span?
  /// Those of the file; nil = it was wrong, which was reported.
  private var declared: [String: ImpairmentDefinition?] = [:]
  private var names: [String] = []

  init(reporter: Reporter) { self.reporter = reporter }

  /// Reads one entry of `impairments:`.
  mutating func declare(_ name: Located<String>, _ node: YAMLNode) {
    let definition = settings(node, label: "impairment \(name.value.quoted)", owner: name.span)
    declared[name.value] = .some(definition)
    names.append(name.value)
  }

  /// Reads the key `impair` of a link or a NIC; nil when it is not there or wrong.
  func read(_ object: ObjectReader) -> Located<ImpairDraft>? {
    guard let node = object["impair"], let key = object.keySpan("impair"), !node.isNull else { return nil }
    guard node.hasKey("from-a") || node.hasKey("from-b") else {
      return one(node, "impair", owner: key).map {
        Located(ImpairDraft(pair: ImpairmentPair(fromFirst: $0, fromSecond: $0), isDirected: false), key)
      }
    }
    guard let both = ObjectReader(node, LabSchema.directions, label: "\"impair\"", owner: key, reporter: reporter)
    else {
      return nil
    }
    let pair = ImpairmentPair(
      fromFirst: both["from-a"].flatMap { one($0, "from-a", owner: both.keySpan("from-a") ?? key) },
      fromSecond: both["from-b"].flatMap { one($0, "from-b", owner: both.keySpan("from-b") ?? key) })
    return Located(ImpairDraft(pair: pair, isDirected: true), key)
  }

  /// A name, or settings.
  private func one(_ node: YAMLNode, _ what: String, owner: Span) -> ImpairmentDefinition? {
    if node.isNull { return nil }
    if case .mapping = node.content { return settings(node, label: what.quoted, owner: owner) }
    guard let name = ValueReader(reporter: reporter).scalar(node, what, "the name of an impairment, or settings") else {
      return nil
    }
    if let definition = declared[name.value] { return definition }
    if let preset = ImpairmentDefinition.preset(name.value) { return preset }
    let notes = Diagnostic.Note.ifPlaced("impairments are declared here", at: declaredAt)
    reporter.error(
      .unknownName, name.span, "unknown impairment \(name.value.quoted)",
      hint: Suggestion.hint(for: name.value, among: known, kind: "impairments"), notes: notes)
    return nil
  }

  /// Names that `impair` can take.
  private var known: [String] {
    names + ImpairmentDefinition.presets.map(\.name).filter { declared[$0] == nil }
  }

  private func settings(_ node: YAMLNode, label: String, owner: Span) -> ImpairmentDefinition? {
    guard let object = ObjectReader(node, LabSchema.impairment, label: label, owner: owner, reporter: reporter) else {
      return nil
    }
    var definition = ImpairmentDefinition()
    var isWhole = true
    for key in ImpairmentKey.allCases {
      guard let value = object[key.rawValue] else { continue }
      isWhole = set(key, of: &definition, to: value) && isWhole
    }
    guard isWhole else { return nil }
    if let fault = definition.contradiction {
      let notes = Diagnostic.Note.ifPlaced("\"delay\" is here", at: object.keySpan("delay"))
      reporter.error(.contradiction, object.keySpan(fault.key.rawValue) ?? owner, fault.message, notes: notes)
    } else if definition.isNeutral, let queue = object.keySpan("queue") {
      reporter.warning(.withoutEffect, queue, "\"queue\" has no effect without \"delay\" or \"rate\"")
    }
    return definition
  }

  /// Sets a key; reports a value that does not fit and answers false.
  private func set(_ key: ImpairmentKey, of definition: inout ImpairmentDefinition, to node: YAMLNode) -> Bool {
    let name = key.rawValue
    guard let text = ValueReader(reporter: reporter).scalar(node, name, key.wanted) else { return false }
    do throws(ImpairmentDefinition.ValueFault) {
      try definition.set(key, to: text.value)
      return true
    } catch {
      switch error {
      case .type(let wanted):
        let hint = key.type.isRatio && ValueReader.integer(text.value) != nil ? "write \(text.value)%" : nil
        reporter.error(.type, node.span, "\(name.quoted) must be \(wanted), found \(node.found)", hint: hint)
      case .range(let limits):
        reporter.error(.range, node.span, "\(name.quoted) must be \(limits), found \(node.found)")
      }
      return false
    }
  }
}

extension ValueType {
  fileprivate var isRatio: Bool {
    if case .ratio = self { return true }
    return false
  }
}
