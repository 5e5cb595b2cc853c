/// How many front-ends may come to a port and leave without having begun, before it stops listening for a while.
///
/// QEMU that does not like what it is told, or that is turned away, connects again at once, thousands of times a second
/// and for ever; only when nobody listens does it end (7.2, without `reconnect`) or wait a second (with it).
struct ArrivalLimit: Sendable {
  /// How long nobody listens.
  static let rest = Duration.seconds(1)
  /// So many at once, and so many more a second.
  private static let burst = 100.0
  private static let rate = 10.0

  private var left = Self.burst
  private var last: ContinuousClock.Instant?

  /// One has come and gone; true if it was one too many.
  mutating func isExceeded(at now: ContinuousClock.Instant) -> Bool {
    if let last { left = min(Self.burst, left + Self.rate * ((now - last) / .seconds(1))) }
    last = now
    left -= 1
    guard left < 0 else { return false }
    left = 0
    return true
  }
}
