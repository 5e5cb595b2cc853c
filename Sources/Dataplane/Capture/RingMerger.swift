import CLinux
internal import LinuxHost

/// The side of a capture's rings that is drained: one ring a worker, whose records come out in order of time.
///
/// Records of one ring are in order. Of several, the earliest one is given out as soon as no worker can publish an earlier
/// one (`BurstMarks`), so after the breath that it is of, as a rule. A worker whose thread does not get on within a breath
/// (another program has its processor, or a system call of it waits) holds the others' records back; so would a
/// clock that was set back. So none is held back for longer than `patience`, order or not.
///
/// One reader. With one ring there is nothing to be merged, and nothing to wait for.
struct RingMerger {
  /// The clocks of this host, or those of a test.
  struct Clocks: Sendable {
    /// Nanoseconds since 1970, as frames are stamped.
    var realtime: @Sendable () -> UInt64 = { clinux_realtime() }
    /// Nanoseconds that nobody can set.
    var monotonic: @Sendable () -> UInt64 = { clinux_monotonic() }
  }

  /// How far one ring was read.
  private struct Lane {
    var cursor: UInt64 = 0
    /// Time of the record there; nil = there was none at the last look.
    var head: UInt64?
    /// What there was at the last look that was noted.
    var noted: UInt64 = 0
    /// Records before this position have waited for long enough.
    var overdue: UInt64 = 0
  }

  /// Nanoseconds that a record is held back at most, by a reader that looks often; half of it at least.
  static let patience: UInt64 = 100_000_000

  private let rings: [CaptureRing]
  private let marks: BurstMarks?
  private let clocks: Clocks
  private let patience: UInt64
  private var lanes: [Lane]
  /// Records of up to this time come in order: whatever is found in a ring after the look that found this, and was not
  /// there at that look, is no earlier.
  private var earliest: UInt64 = 0
  /// Realtime of the last look, and monotonic time of the last that was noted.
  private var lastLook: UInt64 = 0
  private var lastNote: UInt64 = 0

  /// - Parameter marks: of the workers whose rings these are; nil if there is one.
  init(
    _ rings: [CaptureRing], _ marks: BurstMarks?, clocks: Clocks = Clocks(), patience: UInt64 = RingMerger.patience
  ) {
    self.rings = rings
    self.marks = marks
    self.clocks = clocks
    self.patience = patience
    lanes = Array(repeating: Lane(), count: rings.count)
  }

  /// There are records that wait for earlier ones; as the last call of `next` that returned nil has found it.
  var holdsBack: Bool { lanes.contains { $0.head != nil } }

  /// Takes the next record out: its bytes replace those of `bytes`; nil if there is none now.
  mutating func next(into bytes: inout [UInt8]) -> CaptureRecord? {
    guard rings.count > 1 else { return rings.first?.next(&lanes[0].cursor, into: &bytes) }
    var ready = ready()
    if ready == nil {
      look()
      ready = self.ready()
    }
    guard let index = ready else { return nil }
    let record = rings[index].next(&lanes[index].cursor, into: &bytes)
    lanes[index].head = rings[index].time(at: lanes[index].cursor)
    return record
  }

  /// The ring whose record is next, of those that may be given out.
  private func ready() -> Int? {
    var (found, least) = (Int?.none, UInt64.max)
    for index in lanes.indices {
      guard let head = lanes[index].head, head <= earliest || lanes[index].cursor < lanes[index].overdue else {
        continue
      }
      if found == nil || head < least { (found, least) = (index, head) }
    }
    return found
  }

  /// Finds what has come, and what may be given out.
  private mutating func look() {
    if rings.ended != nil {
      // Asked before the rings: nothing will come that is not there.
      earliest = .max
    } else {
      let time = clocks.realtime()
      // Set back since: what was known before is later than what may come.
      let known = time < lastLook ? 0 : earliest
      earliest = marks?.earliest(since: known, at: time) ?? time
      lastLook = time
    }
    for index in lanes.indices where lanes[index].head == nil {
      lanes[index].head = rings[index].time(at: lanes[index].cursor)
    }
    let now = clocks.monotonic()
    guard now &- lastNote >= patience / 2 else { return }
    lastNote = now
    for index in lanes.indices {
      lanes[index].overdue = lanes[index].noted
      lanes[index].noted = rings[index].written
    }
  }
}

extension [CaptureRing] {
  /// Rings for a capture, one a worker, of `size` bytes together as far as the least size allows.
  ///
  /// - Throws: ENOMEM if there is no memory for them.
  init(workers: Int, size: Int) throws(SystemError) {
    self = []
    for _ in 0..<workers { append(try CaptureRing(size: size / workers)) }
  }

  /// Why nothing more will come; nil while a worker may write to its own.
  var ended: CaptureEnd? {
    var end: CaptureEnd?
    for ring in self {
      guard let reason = ring.ended else { return nil }
      end = end ?? reason
    }
    return end
  }

  func close(_ reason: CaptureEnd) { for ring in self { ring.close(reason) } }
}
