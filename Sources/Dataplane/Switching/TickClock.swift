/// The clock of ageing: seconds since the data plane started, from `first` on, the same for all who ask.
struct TickClock: Sendable {
  /// Stations that were last seen before the data plane began have ticks, too; none is remembered for longer than this.
  static let first: UInt32 = 1_000_001

  private let started = ContinuousClock.now

  var tick: UInt32 { UInt32(truncatingIfNeeded: (ContinuousClock.now - started).components.seconds) &+ Self.first }
}
