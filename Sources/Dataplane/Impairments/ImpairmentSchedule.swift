/// Decides which frames of one direction are lost, doubled or spoilt, and when each leaves; holds none of them.
///
/// A value without a clock: times come in as nanoseconds of any monotonic clock.
package struct ImpairmentSchedule: Sendable {
  /// When and how one frame leaves.
  package struct Departure: Sendable, Equatable, BitwiseCopyable {
    /// Nanoseconds of the clock that `now` came from.
    package var release: UInt64
    /// It skipped the delay: frames before it may leave after it.
    package var overtakes: Bool
    /// The bit to be flipped, from the frame's first byte's lowest; -1 = none.
    package var flippedBit: Int

    package init(release: UInt64, overtakes: Bool, flippedBit: Int) {
      self.release = release
      self.overtakes = overtakes
      self.flippedBit = flippedBit
    }
  }

  package var impairment: Impairment
  private var random: ImpairmentRandom
  /// Release of the latest frame of each kind: those in order, those that overtake.
  private var lastInOrder: UInt64 = 0
  private var lastOvertaking: UInt64 = 0
  /// When the last bit of the frames so far has passed at `rate`, and the fraction of a nanosecond beyond, in 1/rate.
  private var passedTime: UInt64 = 0
  private var passedRest: UInt64 = 0

  /// - Parameter seed: the same seed and frames give the same decisions.
  package init(_ impairment: Impairment, seed: UInt64) {
    self.impairment = impairment
    random = ImpairmentRandom(seed: seed)
  }

  /// Whether the next frame is lost: none at 0, all at 1.
  package mutating func losesNext() -> Bool { random.chance(impairment.loss) }

  /// Whether the frame is sent twice.
  package mutating func duplicatesNext() -> Bool { random.chance(impairment.duplicate) }

  /// When a frame leaves that came at `now`.
  ///
  /// - Parameter size: bytes of the frame; 0 is never corrupted.
  package mutating func departure(now: UInt64, size: Int) -> Departure {
    let passed = pass(now: now, size: size)
    let isCorrupted = size > 0 && random.chance(impairment.corrupt)
    let bit = isCorrupted ? Int(truncatingIfNeeded: random.below(UInt64(truncatingIfNeeded: size) &* 8)) : -1
    if random.chance(impairment.reorder) {
      lastOvertaking = max(passed, lastOvertaking)
      return Departure(release: lastOvertaking, overtakes: true, flippedBit: bit)
    }
    var held = impairment.delay
    if impairment.jitter > 0 {
      held &+= random.below(2 &* impairment.jitter &+ 1)
      held = held > impairment.jitter ? held &- impairment.jitter : 0
    }
    lastInOrder = max(passed &+ held, lastInOrder)
    return Departure(release: lastInOrder, overtakes: false, flippedBit: bit)
  }

  /// When the frame's last bit has passed, behind those before it.
  private mutating func pass(now: UInt64, size: Int) -> UInt64 {
    guard impairment.rate > 0 else { return now }
    if passedTime < now { (passedTime, passedRest) = (now, 0) }
    // A frame of 64 KiB has 5 * 10^14 nanobits.
    let work = UInt64(truncatingIfNeeded: size) &* 8_000_000_000 &+ passedRest
    passedTime &+= work / impairment.rate
    passedRest = work % impairment.rate
    return passedTime
  }

  /// Where it has come to, relative to `now`.
  func state(now: UInt64) -> LineState.Schedule {
    func ahead(_ time: UInt64) -> UInt64 { time > now ? time - now : 0 }
    return LineState.Schedule(
      random: random.state, lastInOrder: ahead(lastInOrder), lastOvertaking: ahead(lastOvertaking),
      passed: ahead(passedTime), passedRest: passedRest)
  }

  /// Goes on from where another one had come to.
  mutating func restore(_ state: LineState.Schedule, now: UInt64) {
    func time(_ ahead: UInt64) -> UInt64 { now &+ min(ahead, LineState.longest) }
    random = ImpairmentRandom(seed: state.random)
    lastInOrder = max(lastInOrder, time(state.lastInOrder))
    lastOvertaking = max(lastOvertaking, time(state.lastOvertaking))
    guard impairment.rate > 0, state.passed > 0 else { return }
    (passedTime, passedRest) = (max(passedTime, time(state.passed)), state.passedRest % impairment.rate)
  }
}

/// Chances that are the same in every run with the same seed (SplitMix64).
struct ImpairmentRandom: Sendable {
  private(set) var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// True in that share of calls; never at 0, always at 1.
  mutating func chance(_ share: Double) -> Bool {
    guard share > 0 else { return false }
    // 53 bits: every value is exact, and below 1.
    return Double(next() >> 11) * 0x1p-53 < share
  }

  /// Evenly 0 ..< `limit`; 0 if that is 0.
  mutating func below(_ limit: UInt64) -> UInt64 { next().multipliedFullWidth(by: limit).high }
}
