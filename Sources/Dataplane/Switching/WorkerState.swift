/// What one worker works on: its ports, the burst in hand, the frames that wait for each port, and who looks on.
///
/// From here a frame goes out (`deliver`), is held (`WorkerState+Holding`) or dropped (Switching/Drops.swift). Where it
/// goes is not known here: that is the `Forwarder`'s, which is given this.
///
/// Touched by the worker's thread only. State lies in `FixedArray`s, so that a breath makes no reference, no allocation and
/// no exclusivity check.
struct WorkerState: ~Copyable {
  var ports: PortSet
  /// Captures and the flight recorder.
  var taps: TapSet
  /// Frames that impairments hold.
  var delays: DelaySet
  /// Rules of ports, by `PortSlot.rules`; and where they live.
  let ruleSets: SharedView<PortRuleSet>
  let rules: SharedRules

  let burst = Burst()
  /// Where frames are that were read from descriptors.
  let pool = ReceivePool()
  /// `Burst.capacity` places a port.
  var pending: FixedArray<PendingFrame>
  /// Ports with pending frames.
  var touched: FixedArray<UInt16>
  var touchedCount = 0
  let notes = ScatterNotes()
  /// Copies that floods of this turn asked for, and work on large frames beyond that of others; and how many of them the
  /// port's share or its debt has.
  var copies = 0
  var chargedCopies = WorkerState.share
  /// Work on large frames of this turn so far (`EgressTraits.workLimit`).
  var largeWork = 0
  /// Some port owes copies, and the number that its debt must have to count; see `WorkerState+Share`.
  var hasDebtors = false
  var debtEpoch: UInt32 = 0
  /// By the clock of ageing; see `TickClock`.
  var tick = TickClock.first

  /// Work on large frames of one burst at most: 64 frames of 64 KiB cut into segments of 536 bytes, the smallest that a
  /// host must take (RFC 9293 section 3.7.1).
  static var workLimit: Int { 8192 }

  /// - Parameter shared: what all workers have in common; its ports are those of `ports`.
  init(ports: consuming PortSet, _ shared: SharedWork) {
    pending = FixedArray(count: ports.capacity * Burst.capacity) { _ in PendingFrame.none }
    touched = FixedArray(count: ports.capacity) { _ in 0 }
    taps = TapSet(worker: ports.worker, marks: shared.marks)
    delays = DelaySet(shared.lines, isShared: ports.isShared, isFirst: ports.worker == 0)
    rules = shared.rules
    ruleSets = shared.rules.view
    self.ports = ports
  }

  /// Makes room for port numbers below `capacity`.
  mutating func coldReservePorts(_ capacity: Int) {
    guard capacity > ports.capacity else { return }
    ports.coldReserve(capacity)
    pending.grow(to: capacity * Burst.capacity) { _ in PendingFrame.none }
    touched.grow(to: capacity) { _ in 0 }
    taps.coldReservePorts(capacity)
  }

  /// An empty burst, and a turn that begins with it.
  @inline(__always)
  mutating func reset() {
    burst.reset()
    beginTurn()
  }

  /// The turn of a port, which is a burst, or several small ones: nothing was done for it yet.
  @inline(__always)
  mutating func beginTurn() {
    copies = 0
    chargedCopies = Self.share
    largeWork = 0
  }
}
