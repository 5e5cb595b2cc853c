/// Durations in words.
enum Seconds {
  static func value(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  /// `2.1 s`.
  static func text(_ duration: Duration) -> String { text(value(duration)) }

  static func text(_ seconds: Double) -> String {
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
