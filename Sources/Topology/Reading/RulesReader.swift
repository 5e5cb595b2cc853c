/// Reads the rules of a port, in a NIC or a port profile.
struct RulesReader {
  let reporter: Reporter

  private var values: ValueReader { ValueReader(reporter: reporter) }

  func read(_ object: ObjectReader) -> RulesDraft {
    var draft = RulesDraft()
    for key in [RuleKey.access, .macLock, .learnLimit, .isolated] { set(key, from: object, &draft) }
    if let node = object["ip-lock"] { readLock(node, at: object.keySpan("ip-lock") ?? node.span, &draft) }
    for (name, schema, keys) in [("storm", LabSchema.storm, RuleKey.storms), ("rate", LabSchema.rates, RuleKey.rates)] {
      guard let node = object[name], !node.isNull else { continue }
      let owner = object.keySpan(name) ?? node.span
      guard let both = ObjectReader(node, schema, label: name.quoted, owner: owner, reporter: reporter) else {
        continue
      }
      for key in keys { set(key, from: both, &draft) }
    }
    return draft
  }

  private func set(_ key: RuleKey, from object: ObjectReader, _ draft: inout RulesDraft) {
    guard let node = object[key.shortName], let text = values.scalar(node, key.shortName, key.wanted) else { return }
    set(key, to: text.value, at: node, object.keySpan(key.shortName) ?? node.span, &draft)
  }

  private func set(_ key: RuleKey, to text: String, at node: YAMLNode, _ span: Span, _ draft: inout RulesDraft) {
    // Of an access list the name is what is wrong or right, of others the key.
    draft.places[key] = key == .access ? node.span : span
    do throws(RulesDefinition.ValueFault) {
      try draft.definition.set(key, to: text)
    } catch {
      let name = key.shortName.quoted
      switch error {
      case .type(let wanted):
        let hint = RuleKey.storms.contains(key) && ValueReader.integer(text) != nil ? "write \(text)/s" : nil
        reporter.error(.type, node.span, "\(name) must be \(wanted), found \(node.found)", hint: hint)
      case .range(let limits):
        let hint = text.hasPrefix("0") ? key.hintForNone : nil
        reporter.error(.range, node.span, "\(name) must be \(limits), found \(node.found)", hint: hint)
      }
    }
  }

  /// `on`, `off`, one block or a list of them.
  private func readLock(_ node: YAMLNode, at span: Span, _ draft: inout RulesDraft) {
    draft.places[.ipLock] = span
    if case .scalar(let text, _) = node.content, let isOn = ValueReader.boolean(text) {
      draft.definition.ipLock = isOn ? .own : nil
      return
    }
    let what = "addresses and prefixes, on or off"
    guard let items = values.items(node, "ip-lock", of: what, allowsSingle: true) else { return }
    let blocks = items.compactMap { values.block($0, "ip-lock") }
    guard blocks.count == items.count else { return }
    var distinct: [AddressBlock] = []
    for block in blocks where !distinct.contains(block) { distinct.append(block) }
    guard Limits.lockedAddresses.contains(distinct.count) else {
      let message = "\"ip-lock\" must be \(RuleKey.ipLock.limits), found \(items.isEmpty ? "none" : "\(items.count)")"
      return reporter.error(.range, node.span, message)
    }
    draft.definition.ipLock = .listed(distinct)
  }
}

extension RuleKey {
  /// What is meant perhaps by a number that is none of its values.
  fileprivate var hintForNone: String? {
    switch self {
    case .learnLimit, .broadcastStorm, .multicastStorm, .unknownStorm, .rateToNode, .rateFromNode:
      "\"none\" is no limit; an access list lets nothing pass at all"
    case .access, .macLock, .ipLock, .isolated: nil
    }
  }
}

extension ValueReader {
  /// An address, or a prefix without host bits.
  func block(_ node: YAMLNode, _ what: String) -> AddressBlock? {
    let wanted = "an address or a prefix such as 10.9.0.0/16"
    guard let text = scalar(node, what, wanted) else { return nil }
    if let block = AddressBlock(text.value) { return block }
    if let prefix = IPPrefix(text.value) {
      let message = "\(what.quoted): prefix \(prefix) has host bits set"
      reporter.error(.range, node.span, message, hint: "did you mean \(prefix.network), or \(prefix.address) alone?")
      return nil
    }
    reporter.error(.type, node.span, "\(what.quoted) must be \(wanted), found \(node.found)")
    return nil
  }
}
