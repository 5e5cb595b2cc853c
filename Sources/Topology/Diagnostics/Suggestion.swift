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
      // Only what is nearer than the best so far is of interest.
      let most = min(limit, max(wanted.count, scalars.count) - 1, (best?.distance ?? .max) - 1)
      if let distance = distance(wanted, scalars, atMost: most) { best = (candidate, distance) }
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
  ///
  /// Nil when there are more than `most`.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], atMost most: Int) -> Int? {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    var lastMinimum = 0
    for i in a.indices {
      var row = [i + 1]
      row.reserveCapacity(b.count + 1)
      var minimum = i + 1
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
        minimum = min(minimum, cost)
      }
      // A row follows from the two before it and never falls below both.
      guard minimum <= most || lastMinimum <= most else { return nil }
      (beforeLast, last, lastMinimum) = (last, row, minimum)
    }
    return last[b.count] <= most ? last[b.count] : nil
  }
}

/// Near names that decide how an error is worded, for the first fifty wrong names.
///
/// No more errors are shown, and each guess is a comparison with every name there is.
final class Guesses {
  private var guessed: [String: String?] = [:]

  /// The near name, or nil; the same answer for the same name.
  func nearest(to name: String, among candidates: @autoclosure () -> [String]) -> String? {
    if let known = guessed[name] { return known }
    guard guessed.count < Reporter.limit else { return nil }
    let near = Suggestion.nearest(to: name, among: candidates())
    guessed[name] = .some(near)
    return near
  }
}
