import CLinux
import Frames

/// Who looks on while a worker moves frames: captures, and the flight recorder; and the numbers that frames have for both.
///
/// Frames are copied past a port into the rings of the captures that it is part of. A port's `taps` has one bit a capture;
/// a port without any pays one branch a burst where frames come in and one where they leave. Frames from a node are
/// recorded as they came, before anything judges them; a drop that is found later in the same breath is written into that
/// record. Frames to a node are recorded after their delivery, with its outcome.
///
/// The recorder has each frame once, where it comes in: those of a conversation together, others one by one, and what is
/// found out about them is added to their records until the burst ends.
///
/// A frame's bytes are those of Egress, which completes a checksum in a capture as in the delivery. A port's filters are
/// a reason to see frames deeper where they come in (`PortSlot.neededDepth`); what goes to a node is filled up here.
///
/// Each worker has its own, with the same captures in the same places, each with a ring of its own. Numbers have the worker's
/// in their highest byte. Whoever merges the rings must know what may yet come: see `BurstMarks`.
struct TapSet: ~Copyable {
  /// Captures at once: the bits of `PortSlot.taps`.
  static var captureLimit: Int { 64 }

  private(set) var captures = FixedArray<CaptureTap>(count: 0) { _ in CaptureTap() }
  /// Those that recorded something in this breath, one bit each.
  private(set) var unpublished: UInt64 = 0
  /// Those that are punts, one bit each.
  private(set) var punts: UInt64 = 0
  /// Number of the burst's first frame, never used again.
  private var packetBase: UInt64
  /// Numbers of the burst's frames, where a line let them go: they have them from when they came.
  let packetIDs = FixedArray<UInt64>(count: Burst.capacity) { _ in 0 }
  private var isReleasing = false
  /// Nanoseconds since 1970 of this burst; 0 = the clock was not read.
  private var stamp: UInt64 = 0
  /// Where frames that come in are recorded, and what keeps its memory alive.
  var recorder = FlightRecorderWriter()
  private var recorderMemory: FlightRecorder?
  /// Number of the worker.
  let worker: Int
  /// Number of the first frame that it records.
  private let firstNumber: UInt64
  /// What readers of rings learn of the breath in hand, and what keeps it alive; nil = there is one worker.
  private let mark: BurstMark
  private let marks: BurstMarks?
  /// Captures and punts, one bit each.
  private var running: UInt64 = 0
  /// A burst that is asked for its time may be recorded beside those of other workers.
  private var isMarking = false
  /// Time in the mark; 0 = the breath has none.
  private var markedTime: UInt64 = 0

  /// - Parameters:
  ///   - worker: its number among all workers of the data plane, 0 to 255.
  ///   - marks: of all workers; nil if there is one.
  init(worker: Int = 0, marks: BurstMarks? = nil) {
    self.worker = worker
    self.marks = marks
    mark = marks?.mark(of: worker) ?? BurstMark()
    packetBase = Self.numberBase(of: worker)
    firstNumber = packetBase &+ 1
  }

  /// What a worker's numbers of frames begin with: all bits but the highest eight are 0.
  static func numberBase(of worker: Int) -> UInt64 { UInt64(worker) << 56 }

  // Bursts.

  /// A burst has come in; its frames have numbers from now on.
  @inline(__always)
  mutating func begin() {
    packetBase &+= UInt64(Burst.capacity)
    stamp = 0
  }

  /// A line lets frames go, with the numbers in `packetIDs`.
  @inline(__always)
  mutating func beginRelease() {
    stamp = 0
    isReleasing = true
  }

  @inline(__always)
  mutating func endRelease() { isReleasing = false }

  /// Number of a frame of the burst, the same wherever it goes.
  @inline(__always)
  func packetID(_ index: Int) -> UInt64 {
    isReleasing ? packetIDs[index] : packetBase &+ UInt64(truncatingIfNeeded: index)
  }

  /// Nanoseconds since 1970 when this burst was first asked for its time.
  @inline(never)
  private mutating func burstTime() -> UInt64 {
    if stamp == 0 { stamp = isMarking ? markedBurstTime() : clinux_realtime() }
    return stamp
  }

  /// The same, with the readers of rings told first.
  private mutating func markedBurstTime() -> UInt64 {
    if markedTime == 0 {
      mark.open()
      // The breath ends with a publication, whether or not something is recorded.
      unpublished |= running
    }
    let now = clinux_realtime()
    // Earlier than another burst of this breath only if the clock was set back.
    if markedTime == 0 || now < markedTime {
      markedTime = now
      mark.set(now)
    }
    return now
  }

  // Captures.

  /// Records the burst as its node sent it.
  @inline(never)
  mutating func recordArrivals(of burst: borrowing Burst, _ seen: CaptureTap.Sighting) {
    var seen = seen
    seen.depth = depth(of: seen.captures, seen.direction)
    for index in 0..<burst.count { record(index, of: burst, .keep, seen) }
  }

  /// Records `count` pending frames of a port with what became of them.
  @inline(never)
  mutating func recordDepartures(
    of burst: borrowing Burst, _ pending: borrowing FixedArray<PendingFrame>, count: Int, _ seen: CaptureTap.Sighting,
    _ traits: EgressTraits
  ) {
    var sighting = seen
    sighting.depth = depth(of: seen.captures, seen.direction)
    for position in 0..<count {
      let item = pending[seen.port * Burst.capacity + position]
      // Of a large frame that left in part, its port counts the rest.
      sighting.drop = item.isPartlyGone ? .none : FrameDrop(rawValue: item.verdict)
      record(Int(item.frame), of: burst, item.edit, sighting, traits)
    }
  }

  /// Records one frame in every capture of the port; what is not said of the sighting yet is found here.
  @inline(never)
  mutating func record(
    _ index: Int, of burst: borrowing Burst, _ edit: TagEdit, _ seen: CaptureTap.Sighting,
    _ traits: EgressTraits = .everything
  ) {
    var left = seen.captures
    guard left != 0 else { return }
    unpublished |= left
    // A frame too short for the edit was refused before it came here; a runt has none.
    let item = PendingFrame(frame: index, edit: edit)
    // A large frame is kept as its sender left it, with its checksum partial: whoever reads the capture may cut it.
    let frame = LeavingFrame(item, of: burst, for: burst.frames[index].isLarge ? .everything : traits)
    let depth = seen.depth >= 0 ? seen.depth : self.depth(of: seen.captures, seen.direction)
    let prefix = frame.prefix(of: burst, depth: depth)
    var sighting = seen
    sighting.timestamp = burstTime()
    sighting.packetID = packetID(index)
    while left != 0 {
      let capture = left.trailingZeroBitCount
      left &= left &- 1
      captures[capture].take(frame, prefix, sighting, of: burst)
    }
  }

  /// Bytes of a frame that the filters of some captures look at, of frames of one direction.
  @inline(__always)
  func depth(of captures: UInt64, _ direction: CaptureDirections) -> Int {
    var (left, depth) = (captures, 0)
    while left != 0 {
      depth = max(depth, self.captures[left.trailingZeroBitCount].depth(direction))
      left &= left &- 1
    }
    return depth
  }

  /// Lets the readers have what this breath recorded.
  @inline(never)
  mutating func publish() {
    while unpublished != 0 {
      captures[unpublished.trailingZeroBitCount].publish()
      unpublished &= unpublished &- 1
    }
    if markedTime != 0 { clearMark() }
  }

  /// Nothing is left to publish.
  private mutating func clearMark() {
    mark.clear()
    markedTime = 0
    stamp = 0
  }

  // The recorder.

  /// Records what comes in from now on.
  mutating func coldRecord(into memory: FlightRecorder?) {
    recorderMemory = memory
    recorder = memory?.writer ?? FlightRecorderWriter()
  }

  /// Begins to record a burst of a port, whose frames are numbered as their records: so captures and recordings have the
  /// same number for a frame, and no record has to hold it.
  ///
  /// - Parameter isWhole: nobody will judge these frames before they are sent on, or at all.
  @inline(never)
  mutating func beginRecording(of burst: borrowing Burst, port: Int, isWhole: Bool) {
    packetBase = recorder.position &+ firstNumber
    recorder.begin(port: port, time: burstTime())
    if isWhole { recorder.record(burst, from: 0, count: burst.count, output: -1) }
  }

  /// Begins to record a frame that the switch itself sends out of a port, alone in the burst.
  ///
  /// - Parameter output: where it goes; -1 = not known yet.
  mutating func beginRecordingSent(of burst: borrowing Burst, port: Int, output: Int) {
    packetBase = recorder.position &+ firstNumber
    recorder.begin(port: port, time: burstTime(), isSent: true)
    recorder.record(burst, from: 0, count: 1, output: output)
  }

  /// Notes what kept a port's pending frames from their node.
  @inline(never)
  mutating func recordUndelivered(_ pending: borrowing FixedArray<PendingFrame>, of port: Int, count: Int) {
    guard recorder.isRecording else { return }
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      if item.verdict != 0, !item.isPartlyGone { recorder.mark(Int(item.frame), FrameDrop(rawValue: item.verdict)) }
    }
  }

  // Commands. Bits of slots are the caller's to set.

  mutating func coldReservePorts(_ capacity: Int) {
    for index in 0..<captures.count { captures[index].coldReservePorts(capacity) }
  }

  /// Takes a capture or punt in, with this worker's ring; nil if there are too many of both already.
  mutating func coldStart(_ ring: CaptureRing, _ configuration: CaptureConfiguration, portCapacity: Int) -> Int? {
    var free = 0
    while free < captures.count, captures[free].isUsed { free += 1 }
    guard free < Self.captureLimit else { return nil }
    if free == captures.count { captures.grow(to: max(4, 2 * free)) { _ in CaptureTap() } }
    captures[free] = CaptureTap(ring, configuration, portCapacity: portCapacity)
    if configuration.isPunt { punts |= 1 << UInt64(free) }
    running |= 1 << UInt64(free)
    isMarking = marks != nil
    return free
  }

  /// The capture or punt of which this worker fills its ring; nil if it has ended.
  ///
  /// - Parameter rings: one a worker.
  func coldFind(_ rings: [CaptureRing]) -> Int? {
    for capture in 0..<captures.count where coldHolds(rings, at: capture) { return capture }
    return nil
  }

  /// The capture or punt of these rings, one a worker, has this place, and has not ended.
  func coldHolds(_ rings: [CaptureRing], at capture: Int) -> Bool { captures[capture].ring === rings[worker] }

  /// Ends a capture that no port has a bit of any more.
  mutating func coldStop(_ capture: Int, _ reason: CaptureEnd) {
    unpublished &= ~(1 << UInt64(capture))
    punts &= ~(1 << UInt64(capture))
    running &= ~(1 << UInt64(capture))
    captures[capture].coldEnd(reason)
    captures[capture] = CaptureTap()
    isMarking = marks != nil && running != 0
    if unpublished == 0, markedTime != 0 { clearMark() }
  }

  /// Replaces a filter; returns how often it was changed.
  mutating func coldSetFilter(_ capture: Int, _ program: FilterProgram?) -> UInt16 {
    captures[capture].coldSetFilter(program)
  }

  mutating func coldAdd(_ port: Int, to capture: Int, _ interface: CaptureInterface) {
    captures[capture].coldAdd(port, interface, worker: worker)
  }

  /// Takes a port out of a capture.
  ///
  /// - Returns: it was the last, and the capture is one that ends with its ports.
  mutating func coldRemove(_ port: Int, from capture: Int) -> Bool {
    captures[capture].coldRemove(port)
    return captures[capture].memberCount == 0 && captures[capture].endsWithPorts
  }
}
