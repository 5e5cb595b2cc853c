/// Lets so many units a second pass, and some at once; exact over any time, without a fraction that is lost.
///
/// Kept as the moment at which all that has passed would have passed at the rate (the generic cell rate algorithm), with the
/// fraction of a nanosecond beyond it. A value without a clock: times come in as nanoseconds of any monotonic clock.
struct TokenBucket: BitwiseCopyable, Equatable {
  private static var second: UInt64 { 1_000_000_000 }

  /// Units a second; 0 = any.
  private(set) var rate: UInt64 = 0
  /// Nanoseconds by which `passed` may be ahead.
  private var patience: UInt64 = 0
  private var passed: UInt64 = 0
  private var rest: UInt64 = 0

  /// Lets everything pass.
  init() {}

  /// - Parameters:
  ///   - rate: units a second, 1 or more.
  ///   - burst: units that pass at once after a silence; below 2^34.
  init(rate: UInt64, burst: UInt64) {
    self.rate = max(rate, 1)
    patience = burst &* Self.second / self.rate
  }

  /// Frames a second: a second's worth passes at once.
  init(frames: Int) { self.init(rate: UInt64(max(frames, 1)), burst: UInt64(max(frames, 1))) }

  /// Bits a second: what passes in 10 ms does so at once, a largest frame at least.
  init(bits: UInt64) { self.init(rate: bits, burst: max(bits / 100, 8 * 65_539)) }

  /// Takes units that are there; false = they are not, and nothing was taken.
  @inline(__always)
  mutating func take(_ units: UInt64, now: UInt64) -> Bool {
    guard rate > 0 else { return true }
    let (start, left) = passed < now ? (now, 0) : (passed, rest)
    let work = units &* Self.second &+ left
    let end = start &+ work / rate
    guard end &- now <= patience else { return false }
    passed = end
    rest = work % rate
    return true
  }
}
