/// `profiles:` or `port-profiles:`: partial mappings that others take the keys from that they do not have.
struct Profiles {
  /// Values that profiles add to a file at most, so that a small file stays a small lab.
  private static let mostAdded = 100_000

  private struct Profile {
    var entries: [YAMLEntry]
    var size: Int
  }

  /// `profile`, `port profile`.
  let what: String
  /// The section that declares them.
  let section: String
  /// Where the section stands.
  var declaredAt: Span?
  private var profiles: [String: Profile] = [:]
  private var names: [String] = []
  private var added = 0

  init(what: String, section: String) {
    self.what = what
    self.section = section
  }

  /// Adds a profile; keys that its schema does not have were reported and are left out.
  mutating func declare(_ name: String, _ node: YAMLNode, schema: ObjectSchema) {
    names.append(name)
    guard case .mapping(let entries) = node.content else {
      profiles[name] = Profile(entries: [], size: 0)
      return
    }
    let known = entries.filter { schema.key($0.key.value)?.isLater == false }
    profiles[name] = Profile(entries: known, size: node.size)
  }

  /// Gives a mapping the keys that its `profile` adds; reports a profile that is not there, and answers false.
  mutating func apply(to node: inout YAMLNode, reporter: Reporter) -> Bool {
    guard case .mapping(let entries) = node.content,
      let value = entries.first(where: { $0.key.value == "profile" })?.value,
      let name = ValueReader(reporter: reporter).scalar(value, "profile", "the name of a \(what)")
    else { return true }
    guard let profile = profiles[name.value] else {
      let notes = Diagnostic.Note.ifPlaced("\(what)s are declared here", at: declaredAt)
      let (names, section) = (names, section)
      reporter.error(
        .unknownName, name.span, "unknown \(what) \(name.value.quoted)",
        hint: Suggestion.hint(for: name.value, among: names, kind: section), notes: notes)
      return false
    }
    guard added + profile.size <= Self.mostAdded else {
      let message = "profiles add more than \(Self.mostAdded) values to the file"
      reporter.error(.limit, name.span, message)
      return false
    }
    added += profile.size
    node.content = .mapping(Self.merged(entries, profile.entries))
    return true
  }

  /// `own`, and what `other` has that `own` does not; NICs of one name are merged key by key.
  private static func merged(_ own: [YAMLEntry], _ other: [YAMLEntry]) -> [YAMLEntry] {
    let present = Set(own.map(\.key.value))
    let excluded = present.union(excludedKeys(present))
    var result = own + other.filter { !excluded.contains($0.key.value) }
    if let index = own.firstIndex(where: { $0.key.value == "nics" }),
      case .mapping(let nics) = own[index].value.content,
      let others = other.first(where: { $0.key.value == "nics" }), case .mapping(let base) = others.value.content
    {
      result[index].value.content = .mapping(mergedNICs(nics, base))
    }
    return result
  }

  /// The profile's NICs come first, as those that every node of the profile has.
  private static func mergedNICs(_ own: [YAMLEntry], _ base: [YAMLEntry]) -> [YAMLEntry] {
    let ownByName = Dictionary(own.map { ($0.key.value, $0) }, uniquingKeysWith: { first, _ in first })
    let baseNames = Set(base.map(\.key.value))
    let first = base.map { entry in
      guard var mine = ownByName[entry.key.value] else { return entry }
      if mine.value.isNull { mine.value = entry.value }
      guard case .mapping(let keys) = mine.value.content, case .mapping(let others) = entry.value.content else {
        return mine
      }
      mine.value.content = .mapping(merged(keys, others))
      return mine
    }
    return first + own.filter { !baseNames.contains($0.key.value) }
  }

  /// Keys of a profile that contradict the mapping's own: an access port takes no trunk from it, nor the reverse.
  private static func excludedKeys(_ present: Set<String>) -> [String] {
    if present.contains("vlan") { return ["trunk", "native"] }
    return present.contains("trunk") ? ["vlan", "native"] : []
  }
}

extension YAMLNode {
  /// Values in it, itself included.
  fileprivate var size: Int {
    switch content {
    case .scalar, .unusable: 1
    case .sequence(let items): items.reduce(1) { $0 + $1.size }
    case .mapping(let entries): entries.reduce(1) { $0 + 1 + $1.value.size }
    }
  }
}
