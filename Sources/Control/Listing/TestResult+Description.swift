import Lab

extension TestResult {
  /// The line for people: `ok    ping vm1 -> vm2  12 ms`.
  ///
  /// - Parameter isColoured: the first word in green or red.
  package func description(isColoured: Bool = false) -> String {
    let word = passed ? "ok  " : "FAIL"
    let painted = isColoured ? "\u{1B}[\(passed ? 32 : 31)m\(word)\u{1B}[0m" : word
    let line = "\(painted)  \(test)  \(Self.duration(seconds))"
    return detail.isEmpty ? line : "\(line)  \(detail)"
  }

  /// `12 ms`, `3.4 s`.
  private static func duration(_ seconds: Double) -> String {
    guard seconds >= 1 else { return "\(Int((seconds * 1000).rounded())) ms" }
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
