/// Numbers for people who look at them for a second: three digits and a letter, at most five characters.
package enum Figure {
  private static let units: [(limit: Double, letter: String)] = [
    (1e3, ""), (1e6, "k"), (1e9, "M"), (1e12, "G"), (1e15, "T"), (1e18, "P"),
  ]

  /// `0`, `0.4`, `12`, `980`, `1.2k`, `48M`, `9.9G`.
  package static func text(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "0" }
    var scale = 1.0
    for (limit, letter) in units {
      // What would be rounded up to a thousand belongs to the next letter.
      if value < limit * 0.9995 { return digits(value / scale, hasLetter: !letter.isEmpty) + letter }
      scale = limit
    }
    return ">999P"
  }

  private static func digits(_ value: Double, hasLetter: Bool) -> String {
    let tenths = Int((value * 10).rounded())
    if tenths >= 100 || (!hasLetter && value >= 10) || tenths % 10 == 0 { return String(Int(value.rounded())) }
    if tenths == 0 { return "0" }
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// `3 nodes`, `1 switch`.
  package static func count(_ number: Int, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
  }
}
