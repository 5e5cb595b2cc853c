/// Why words that a command has of VLANs mean none.
package struct VLANMistake: Error, Sendable, Equatable {
  package var message: String
  package var hint: String?

  /// A key of VLANs on a switch that has none.
  package static func ofUnaware(_ key: String, on switchName: String) -> VLANMistake {
    VLANMistake(
      message:
        "\(key.quoted) means nothing on switch \(switchName), which is not VLAN-aware: \(UnawareSwitches.frames)",
      hint: nil)
  }
}

/// VLANs as commands name them: by the names and numbers that the lab file may use.
extension CanonicalLab {
  /// The VLAN of a declared name, or of a number from 1 to 4094.
  package func vlan(_ word: String) throws(VLANMistake) -> Int {
    if let declared = vlans.first(where: { $0.name == word }) { return declared.id }
    let names = vlans.compactMap(\.name)
    guard let number = ValueReader.integer(word) else {
      let hint = names.isEmpty ? "a VLAN is a number from 1 to 4094" : nil
      throw VLANMistake(
        message: "unknown VLAN \(word.quoted)",
        hint: hint ?? Suggestion.hint(for: word, among: names, kind: "VLANs"))
    }
    guard Limits.vlanIDs.contains(number) else {
      throw VLANMistake(message: "VLAN id must be 1..4094, found \(number)")
    }
    return number
  }

  /// The VLANs of a trunk: names, numbers and ranges such as `100-199`, or `all`; sorted, without overlaps.
  package func trunk(_ words: [String]) throws(VLANMistake) -> [ClosedRange<Int>] {
    if words == ["all"] { return [1...4094] }
    guard !words.isEmpty else { throw VLANMistake(message: "a trunk has one VLAN at least", hint: "or say all") }
    var ranges: [ClosedRange<Int>] = []
    for word in words { ranges.append(try range(word)) }
    return VLANTable.merged(ranges)
  }

  private func range(_ word: String) throws(VLANMistake) -> ClosedRange<Int> {
    let parts = word.split(separator: "-", omittingEmptySubsequences: false)
    let isNamed = vlans.contains { $0.name == word }
    guard !isNamed, parts.count == 2, let first = ValueReader.integer(String(parts[0])),
      let last = ValueReader.integer(String(parts[1]))
    else {
      let id = try vlan(word)
      return id...id
    }
    guard Limits.vlanIDs.contains(first), Limits.vlanIDs.contains(last), first <= last else {
      throw VLANMistake(message: "VLAN range must lie in 1..4094 and ascend, found \(word.quoted)")
    }
    return first...last
  }
}

extension CanonicalLab {
  /// Whether the switch of that name has VLANs; true of one that is not there.
  package func isVLANAware(_ name: String) -> Bool {
    switches.first { $0.name == name }?.isVLANAware ?? true
  }

  /// How the end of a link between switches treats tags at one of them: `mode` is the link's.
  package func mode(_ mode: VLANMode, at switchName: String) -> VLANMode {
    isVLANAware(switchName) ? mode : .transparent
  }
}

extension VLANMode {
  /// What a port of a switch is of which nothing is said: of VLAN 1, or transparent where there are none.
  package static func usual(on switchName: String, of lab: CanonicalLab) -> VLANMode {
    lab.isVLANAware(switchName) ? .access(1) : .transparent
  }

  /// `vlan 10`, `trunk 10,20-29 native 10`, `trunk all`, `transparent`.
  package var words: String {
    switch self {
    case .access(let vlan): return "vlan \(vlan)"
    case .transparent: return "transparent"
    case .trunk(let allowed, let native):
      let ranges = allowed.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      let all = allowed == [1...4094] ? "all" : ranges.joined(separator: ",")
      return "trunk \(all)" + (native.map { " native \($0)" } ?? "")
    }
  }
}
