/// Near names for a misspelt one.
enum Suggestion {
  /// The valid name with the fewest edits to `name`; nil when none is near (a third of its length, at least one edit).
  static func nearest(to name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars)
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let scalars = Array(candidate.unicodeScalars)
      let limit = max(1, max(wanted.count, scalars.count) / 3)
      guard abs(scalars.count - wanted.count) <= limit else { continue }
      let distance = distance(wanted, scalars)
      let isNear = distance <= limit && distance < max(wanted.count, scalars.count)
      if isNear, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// `did you mean "sw1"? (switches: sw1, sw2)`; `kind` is the plural of what is listed.
  static func hint(for name: String, among candidates: [String], kind: String) -> String {
    guard !candidates.isEmpty else { return "no \(kind) are declared" }
    let list = "\(kind): \(Quoting.list(candidates))"
    return nearest(to: name, among: candidates).map { "did you mean \"\($0)\"? (\(list))" } ?? list
  }

  /// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
