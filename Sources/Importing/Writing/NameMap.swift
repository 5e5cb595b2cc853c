import Topology

/// Makes names of ours from those of other tools, each of them once.
struct NameMap {
  /// Longest name, in characters: fewer than there may be, as the names of a lab and of a node are in the path of a socket,
  /// which has 107 bytes (`/run/apus/LAB/NODE/console.sock`).
  private static let longest = 40

  private var taken: Set<String> = []
  /// By what a name becomes, the number from which on a suffix may be free.
  private var next: [String: Int] = [:]

  /// A name that nothing else has: that of the tool if it is valid here, else one like it.
  ///
  /// - Parameter fallback: what it is called if nothing of the name is left; valid.
  mutating func add(_ foreign: String, fallback: String) -> String {
    let base = Self.folded(foreign, fallback: fallback)
    guard !taken.insert(base).inserted else { return base }
    var number = next[base] ?? 2
    while true {
      let suffix = "-\(number)"
      number += 1
      let name = Self.trimmed(base.prefix(Self.longest - suffix.count)) + suffix
      guard taken.insert(name).inserted else { continue }
      next[base] = number
      return name
    }
  }

  /// Lower case, every other character a hyphen, none of them twice or at an end, 40 characters at most.
  static func folded(_ foreign: String, fallback: String) -> String {
    var name = ""
    for scalar in foreign.lowercased().unicodeScalars {
      switch scalar {
      case "a"..."z", "0"..."9": name.unicodeScalars.append(scalar)
      default: if !name.hasSuffix("-") { name += "-" }
      }
    }
    let result = trimmed(trimmed(name[...]).prefix(longest))
    guard !result.isEmpty else { return fallback }
    // A plain `null` is nothing in YAML.
    return Names.reserved.contains(result) || result == "null" ? "\(result)-\(fallback)" : result
  }

  /// The name of a lab.
  static func lab(_ foreign: String) -> String {
    let name = folded(foreign, fallback: "lab")
    return Names.validLab(name) ? name : "\(name)-lab"
  }

  private static func trimmed(_ text: Substring) -> String {
    let head = text.drop { $0 == "-" }
    return String(head.dropLast(head.reversed().prefix { $0 == "-" }.count))
  }
}
