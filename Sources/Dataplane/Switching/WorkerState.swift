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
  var taps = TapSet()
  /// Frames that impairments hold.
  var delays = DelaySet()

  let burst = Burst()
  /// Where frames are that were read from descriptors.
  let pool = ReceivePool()
  /// `Burst.capacity` places a port.
  var pending: FixedArray<PendingFrame>
  /// Ports with pending frames.
  var touched: FixedArray<UInt16>
  var touchedCount = 0
  let notes = ScatterNotes()
  /// Copies that floods of this burst asked for.
  var copies = 0
  /// Some port owes copies, and the number that its debt must have to count; see `WorkerState+Share`.
  var hasDebtors = false
  var debtEpoch: UInt32 = 0
  /// By the clock of ageing; see `TickClock`.
  var tick = TickClock.first

  init(ports: consuming PortSet) {
    pending = FixedArray(count: ports.capacity * Burst.capacity) { _ in PendingFrame.none }
    touched = FixedArray(count: ports.capacity) { _ in 0 }
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

  /// An empty burst.
  @inline(__always)
  mutating func reset() {
    burst.reset()
    copies = 0
  }
}
