/// The clock of ageing: seconds since the data plane started, from 1 on, the same for all who ask.
struct TickClock: Sendable {
  private let started = ContinuousClock.now

  var tick: UInt32 { UInt32(truncatingIfNeeded: (ContinuousClock.now - started).components.seconds) &+ 1 }
}
