internal import LinuxHost

/// All that a worker owns: ports, switches, the burst it works on.
///
/// Touched by its thread only.
///
/// The hot path is `breathe` and what it calls; cold parts are functions whose names begin with `cold`, which
/// tools/check-hot-path knows. State lies in `FixedArray`s, so that a breath makes no reference, no allocation and no
/// exclusivity check.
struct WorkerCore: ~Copyable {
  /// Ports at the start; doubled as needed between breaths.
  static let initialCapacity = 64

  var ports: FixedArray<PortSlot>
  /// One more than the highest port number in use.
  var portLimit = 0
  /// What ports have beside their slots, by `PortSlot.body`: a pool for each kind that has something.
  var vhostUserPorts = PortPool<VhostUserPort> { VhostUserPort() }
  var tapPorts = PortPool<TAPPort> { TAPPort() }
  var cables: FixedArray<Cable>
  /// Ports that need the worker to look at descriptors while it polls; see `PortSlot.needsLooks`.
  var lookedAtCount = 0
  var switches: FixedArray<SwitchState>
  /// Stations that another writer kept this worker from forgetting; see `coldForgetStations`.
  var owedFlushes: [OwedFlush] = []
  var burst = Burst()
  /// `Burst.capacity` places a port.
  var pending: FixedArray<PendingFrame>
  /// Ports with pending frames.
  var touched: FixedArray<UInt16>
  var touchedCount = 0
  /// Rings whose used entries of this breath are published, but whose driver may still have to be called.
  let unsettled = FixedArray<UnsettledRing>(count: 256) { _ in UnsettledRing(port: 0, ring: 0) }
  var unsettledCount = 0
  /// Those of them that were there when this breath began, and still are.
  var unsettledBefore = 0
  let notes = ScatterNotes()
  var pool = ReceivePool()
  let guardian: CallGuardian
  /// By the clock of ageing; see `TickClock`.
  var tick = TickClock.first
  /// Copies that floods of this burst asked for.
  var copies = 0
  /// Patches that frames of this burst crossed, and ends of patches that there are.
  var crossings = 0
  var patchEndCount = 0
  /// Faults of mapped memory seen so far; see `coldMemoryFaults`.
  var faultCount: UInt32 = 0
  /// Frames that impairments hold: lines, those in use, and when the first frame of all leaves.
  var lines = FixedArray<DelayLine>(count: 0) { _ in DelayLine() }
  var lineCount = 0
  var nextRelease = UInt64.max
  /// What was noted of the frames that a line let go, `Burst.capacity` of them.
  let heldNotes = FixedArray<UInt32>(count: Burst.capacity) { _ in 0 }
  /// Nanoseconds of the monotonic clock when it was last read, which it is while there are lines.
  var now: UInt64 = 0
  /// The clock stands still but for whom drives the worker.
  var isDriven = false
  /// Frames that lines let go since the loop last asked.
  var released = 0
  /// Captures, and those that recorded something in this breath.
  var captures = FixedArray<CaptureTap>(count: 0) { _ in CaptureTap() }
  var unpublishedTaps: UInt64 = 0
  /// Those of the captures that are punts, by their bits.
  var puntTaps: UInt64 = 0
  /// Bytes of a frame that the filters of captures look at, at most.
  var tapDepth = 0
  /// Number of the burst's first frame, never used again.
  var packetBase: UInt64 = 0
  /// The burst's frames come from a line: they have their numbers from when they came.
  var isReleasing = false
  let packetIDs = FixedArray<UInt64>(count: Burst.capacity) { _ in 0 }
  /// Nanoseconds since 1970 of this burst; 0 = the clock was not read.
  var stamp: UInt64 = 0
  /// Where frames that come in are recorded, and what keeps its memory alive.
  var recorder = FlightRecorderWriter()
  private var recorderMemory: FlightRecorder?
  /// Takes word of faults to the reactor.
  let faults: FaultQueue

  /// Kicks, TAPs and the command bell.
  let epoll: Epoll

  /// A ring of a port.
  struct UnsettledRing: BitwiseCopyable {
    var port: UInt16
    var ring: UInt16
  }

  init(guardian: CallGuardian, faults: FaultQueue, epoll: Epoll) {
    let capacity = Self.initialCapacity
    ports = FixedArray(count: capacity) { _ in PortSlot() }
    cables = FixedArray(count: capacity) { _ in Cable() }
    switches = FixedArray(count: 8) { _ in SwitchState() }
    pending = FixedArray(count: capacity * Burst.capacity) { _ in PendingFrame.none }
    touched = FixedArray(count: capacity) { _ in 0 }
    self.guardian = guardian
    self.faults = faults
    self.epoll = epoll
  }

  /// Records what comes in from now on.
  mutating func record(into recorder: FlightRecorder?) {
    recorderMemory = recorder
    self.recorder = recorder?.writer ?? FlightRecorderWriter()
  }

  /// Makes room for port numbers below `capacity`.
  mutating func reservePorts(_ capacity: Int) {
    guard capacity > ports.count else { return }
    ports.grow(to: capacity) { _ in PortSlot() }
    cables.grow(to: capacity) { _ in Cable() }
    pending.grow(to: capacity * Burst.capacity) { _ in PendingFrame.none }
    touched.grow(to: capacity) { _ in 0 }
    for index in 0..<captures.count { captures[index].coldReservePorts(capacity) }
    for index in 0..<switches.count { switches[index].reservePorts(capacity) }
  }

  /// Makes room for switch numbers below `capacity`.
  mutating func reserveSwitches(_ capacity: Int) {
    guard capacity > switches.count else { return }
    switches.grow(to: capacity) { _ in SwitchState() }
  }
}
