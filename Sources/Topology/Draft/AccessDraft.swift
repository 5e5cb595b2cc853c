/// `access:` entry.
struct AccessDraft {
  var name: Located<String>
  var definition: AccessDefinition
}

/// The keys of a NIC's rules.
struct RulesDraft {
  var definition = RulesDefinition()
  /// Where each key that is there stands.
  var places: [RuleKey: Span] = [:]

  /// Values of it that a range of nodes multiplies.
  var size: Int {
    guard case .listed(let blocks)? = definition.ipLock else { return places.count }
    return places.count + blocks.count
  }
}
