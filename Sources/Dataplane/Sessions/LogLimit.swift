/// Lets a line of each kind into the log at once, and then one a minute, with the number of those kept back.
///
/// Against front-ends that come again every second and are refused again. Kinds must be few, as each is remembered.
struct LogLimit<Kind: Hashable & Sendable>: Sendable {
  private static var interval: Duration { .seconds(60) }

  private var lines: [Kind: (last: ContinuousClock.Instant, keptBack: Int)] = [:]

  /// - Returns: the line to write, nil if it is to be kept back.
  mutating func admit(_ line: String, of kind: Kind, at now: ContinuousClock.Instant) -> String? {
    guard let before = lines[kind] else {
      lines[kind] = (now, 0)
      return line
    }
    guard now - before.last >= Self.interval else {
      lines[kind] = (before.last, before.keptBack + 1)
      return nil
    }
    lines[kind] = (now, 0)
    return before.keptBack == 0 ? line : "\(line) (and \(before.keptBack) more like it before)"
  }
}
