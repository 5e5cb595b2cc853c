/// Turns VLAN names and numbers into VLAN IDs, and remembers which IDs a lab uses.
final class VLANTable {
  private let byName: [String: Int]
  private let names: [String]
  private let nameOf: [Int: String]
  private let reporter: Reporter
  private let declaredAt: Span?
  private let unusable: Set<String>
  /// IDs of ports and of trunks that list them one by one.
  private(set) var used: Set<Int> = []

  init(_ draft: LabDraft, reporter: Reporter) {
    unusable = draft.unusableVLANs
    declaredAt = draft.sections["vlans"]
    names = draft.vlans.map(\.name.value)
    byName = Dictionary(draft.vlans.map { ($0.name.value, $0.id.value) }) { first, _ in first }
    nameOf = Dictionary(draft.vlans.map { ($0.id.value, $0.name.value) }) { first, _ in first }
    self.reporter = reporter
  }

  /// The name of an ID, or the ID as text.
  func name(of id: Int) -> String { nameOf[id] ?? String(id) }

  /// The ID of a declared name or of a number from 1 to 4094; reports what is neither (L201, L006).
  func id(_ vlan: Located<String>) -> Int? {
    if let id = byName[vlan.value] {
      used.insert(id)
      return id
    }
    if let number = ValueReader.integer(vlan.value) {
      guard (1...4094).contains(number) else {
        reporter.error(.range, vlan.span, "VLAN id must be 1..4094, found \(number)")
        return nil
      }
      used.insert(number)
      return number
    }
    guard !unusable.contains(vlan.value) else { return nil }
    let notes = Diagnostic.Note.ifPlaced("VLANs are declared here", at: declaredAt)
    reporter.error(
      .unknownName, vlan.span, "unknown VLAN \(vlan.value.quoted)",
      hint: Suggestion.hint(for: vlan.value, among: self.names, kind: "VLANs"), notes: notes)
    return nil
  }

  /// The mode that `vlan`, `trunk` and `native` mean; nil when one of them cannot be resolved.
  ///
  /// `standard` is the mode when none of them is there.
  func mode(_ membership: MembershipDraft, standard: VLANMode) -> VLANMode? {
    if let vlan = membership.vlan { return id(vlan).map { .access($0) } }
    guard let trunk = membership.trunk else {
      if case .access(let id) = standard { used.insert(id) }
      return standard
    }
    var allowed: [ClosedRange<Int>] = []
    var isComplete = true
    switch trunk.value {
    case .all: allowed = [1...4094]
    case .list(let items):
      for item in items {
        if let range = range(item) { allowed.append(range) } else { isComplete = false }
      }
    }
    allowed = Self.merged(allowed)
    guard let native = membership.native else { return isComplete ? .trunk(allowed: allowed, native: nil) : nil }
    guard let id = id(native), isComplete else { return nil }
    guard allowed.contains(where: { $0.contains(id) }) else {
      let list = Quoting.list(allowed.flatMap { $0.map(name(of:)) })
      let message = "native \(native.value.quoted) is not in trunk [\(list)]"
      let notes = [Diagnostic.Note("the trunk is here", at: trunk.span)]
      reporter.error(.vlanDefinition, native.span, message, notes: notes)
      return nil
    }
    return .trunk(allowed: allowed, native: id)
  }

  /// A VLAN, or `10-20`.
  private func range(_ item: Located<String>) -> ClosedRange<Int>? {
    let parts = item.value.split(separator: "-", omittingEmptySubsequences: false)
    guard byName[item.value] == nil, parts.count == 2, let first = ValueReader.integer(String(parts[0])),
      let last = ValueReader.integer(String(parts[1]))
    else { return id(item).map { $0...$0 } }
    guard (1...4094).contains(first), (1...4094).contains(last), first <= last else {
      reporter.error(.range, item.span, "VLAN range must lie in 1..4094 and ascend, found \(item.value.quoted)")
      return nil
    }
    return first...last
  }

  /// Sorted ranges without overlaps or neighbours.
  static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound + 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }
}

extension VLANMode {
  /// Whether a port of this mode is a member of a VLAN; one of a switch without VLANs is a member of none.
  package func carries(_ id: Int) -> Bool {
    switch self {
    case .access(let own): own == id
    case .trunk(let allowed, _): allowed.contains { $0.contains(id) }
    case .transparent: false
    }
  }

  /// The VLAN of untagged frames.
  package var untagged: Int? {
    switch self {
    case .access(let id): id
    case .trunk(_, let native): native
    case .transparent: nil
    }
  }
}
