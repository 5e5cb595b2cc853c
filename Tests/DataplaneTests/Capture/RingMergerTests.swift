import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Captures with several workers, each of which fills a ring of its own: read as one.
///
/// `tools/check-races` runs this under the thread sanitizer.
@Suite struct RingMergerTests {
  /// A clock that a test sets.
  private final class SetClock: Sendable {
    let realtime = Atomic<UInt64>(0)
    let monotonic = Atomic<UInt64>(1 << 40)

    var clocks: RingMerger.Clocks {
      RingMerger.Clocks(
        realtime: { self.realtime.load(ordering: .relaxed) }, monotonic: { self.monotonic.load(ordering: .relaxed) })
    }

    func set(_ time: UInt64) { realtime.store(time, ordering: .relaxed) }
    func pass(_ nanoseconds: UInt64) { monotonic.wrappingAdd(nanoseconds, ordering: .relaxed) }
  }

  /// Two rings that a test writes to itself, and what reads them.
  private struct ByHand {
    let clock = SetClock()
    let marks = BurstMarks(workers: 2)
    let rings: [CaptureRing]
    var writers: [CaptureRingWriter]
    var reader: RingMerger
    private var bytes: [UInt8] = []

    init() throws {
      rings = try [CaptureRing](workers: 2, size: 1)
      writers = rings.map(\.writer)
      reader = RingMerger(rings, marks, clocks: clock.clocks)
    }

    /// Publishes a record of that time.
    mutating func put(_ worker: Int, _ time: UInt64) throws {
      let room = writers[worker].reserve(1)
      let (place, size) = try #require(room)
      var record = CaptureRecord()
      (record.storedSize, record.timestamp, record.capturedLength, record.interface) = (size, time, 1, 1)
      place.storeBytes(of: record, as: CaptureRecord.self)
      place.storeBytes(of: UInt8(worker), toByteOffset: CaptureRing.headerSize, as: UInt8.self)
      writers[worker].publish()
    }

    /// Times of all that comes out now.
    mutating func times() -> [UInt64] {
      var times: [UInt64] = []
      while let record = reader.next(into: &bytes) { times.append(record.timestamp) }
      return times
    }
  }

  /// What a reader found in the rings of a team.
  private struct Found {
    var numbers: [[Int]]
    var isInOrder = true
    var packetIDs: Set<UInt64> = []
    var count: UInt64 = 0
    private var last: UInt64 = 0

    init(workers: Int) { numbers = Array(repeating: [], count: workers) }

    mutating func note(_ record: CaptureRecord, _ bytes: [UInt8]) {
      count += 1
      if record.timestamp < last { isInOrder = false }
      last = record.timestamp
      let (worker, number) = CapturingTeam.sender(bytes)
      if record.direction == .fromNode {
        numbers[worker].append(number)
        packetIDs.insert(record.packetID)
      }
      #expect(Int(record.packetID >> 56) == worker)
      #expect(packetIDs.contains(record.packetID))
    }

    mutating func drain(_ reader: inout RingMerger) {
      var bytes: [UInt8] = []
      while let record = reader.next(into: &bytes) { note(record, bytes) }
    }
  }

  private static func start(_ team: CapturingTeam, frames: Int, size: Int = 60) throws -> [HostThread] {
    try (0..<team.workers).map { number in
      try HostThread.start(name: "worker", cpu: nil) {
        do {
          var worker = try CapturingWorker(number, of: team)
          worker.sendAll(frames, size: size)
        } catch {
          Issue.record(error)
          team.rings[number].close(.stopped)
        }
      }
    }
  }

  /// Each frame once as it came and once as it left, in order of time, while workers write and the reader reads.
  @Test(arguments: [2, 3]) func everyRecordComesOnceInOrderOfTime(_ workers: Int) throws {
    let frames = 6000
    let team = try CapturingTeam(workers: workers, ringSize: workers << 23)
    let threads = try Self.start(team, frames: frames)
    var reader = team.reader()
    var found = Found(workers: workers)
    var hasEnded = false
    while !hasEnded {
      hasEnded = team.rings.ended != nil
      found.drain(&reader)
    }
    for thread in threads { thread.join() }
    // Not more than that: a failure would print all that was found.
    let isInOrder = found.isInOrder
    #expect(isInOrder)
    #expect(found.numbers == Array(repeating: Array(0..<frames), count: workers))
    #expect(found.packetIDs.count == workers * frames)
    let all = UInt64(2 * workers * frames)
    #expect(found.count == all)
    #expect(team.counts.received == all && team.counts.captured == all && team.counts.dropped == 0)
    #expect(team.records[0].block.value(CounterBlock.Slot.receivePackets) == all / 2)
    #expect(team.records[1].block.value(CounterBlock.Slot.transmitPackets) == all / 2)
    #expect(team.interfaces.map(\.isEnded) == [true, true])
    #expect(!reader.holdsBack)
  }

  /// Who reads late finds what there was room for, and the rest in the counts.
  @Test func aSlowReaderLosesRecordsThatAreCounted() throws {
    let workers = 2
    let team = try CapturingTeam(workers: workers, ringSize: 1)
    let threads = try Self.start(team, frames: 1000, size: 1400)
    for thread in threads { thread.join() }
    var (reader, found) = (team.reader(), Found(workers: workers))
    found.drain(&reader)
    let counts = team.counts
    #expect(counts.received == 4000 && counts.dropped > 0)
    #expect(counts.captured == found.count && counts.captured + counts.dropped == counts.received)
    #expect(found.isInOrder)
    for numbers in found.numbers { #expect(!numbers.isEmpty && numbers == numbers.sorted()) }
  }

  @Test func whatIsLaterThanABurstInHandWaits() throws {
    var hand = try ByHand()
    hand.clock.set(100)
    let busy = hand.marks.mark(of: 1)
    busy.open()
    try hand.put(0, 90)
    // Nothing is known of what is to come.
    #expect(hand.times().isEmpty && hand.reader.holdsBack)
    busy.set(50)
    try hand.put(0, 95)
    #expect(hand.times().isEmpty)
    try hand.put(1, 50)
    // It may be followed by others of its burst.
    #expect(hand.times() == [50])
    try hand.put(1, 51)
    busy.clear()
    #expect(hand.times() == [51, 90, 95] && !hand.reader.holdsBack)
    // What was known before an open mark still is.
    try hand.put(0, 99)
    busy.open()
    #expect(hand.times() == [99])
    hand.clock.set(200)
    try hand.put(0, 150)
    #expect(hand.times().isEmpty)
    hand.rings[0].close(.stopped)
    #expect(hand.rings.ended == nil && hand.times().isEmpty)
    hand.rings[1].close(.stopped)
    #expect(hand.rings.ended == .stopped && hand.times() == [150])
  }

  /// A worker that does not get on holds nobody back for ever.
  @Test func nothingWaitsForLongerThanItsPatience() throws {
    var hand = try ByHand()
    hand.clock.set(100)
    let stuck = hand.marks.mark(of: 1)
    stuck.open()
    stuck.set(10)
    try hand.put(0, 90)
    #expect(hand.times().isEmpty)
    hand.clock.pass(RingMerger.patience / 2 - 1)
    #expect(hand.times().isEmpty)
    hand.clock.pass(1)
    #expect(hand.times() == [90])
    // What has come since waits as long.
    try hand.put(0, 91)
    #expect(hand.times().isEmpty)
    hand.clock.pass(RingMerger.patience / 2)
    _ = hand.times()
    hand.clock.pass(RingMerger.patience / 2)
    _ = hand.times()
    try hand.put(1, 10)
    stuck.clear()
    #expect(hand.times() == [10] && !hand.reader.holdsBack)
  }

  /// A clock that is set back costs order, and neither records nor time.
  @Test func aClockThatIsSetBackStopsNothing() throws {
    var hand = try ByHand()
    hand.clock.set(1_000_000)
    try hand.put(0, 999_000)
    #expect(hand.times() == [999_000])
    // Stamped before the step, seen after it.
    try hand.put(1, 999_900)
    hand.clock.set(500)
    try hand.put(1, 450)
    try hand.put(0, 400)
    #expect(hand.times() == [400] && hand.reader.holdsBack)
    try hand.put(0, 480)
    #expect(hand.times() == [480])
    hand.clock.pass(RingMerger.patience / 2)
    #expect(hand.times().isEmpty)
    hand.clock.pass(RingMerger.patience / 2)
    #expect(hand.times() == [999_900, 450])
    // As before the step.
    let busy = hand.marks.mark(of: 0)
    busy.open()
    busy.set(600)
    hand.clock.set(700)
    try hand.put(1, 650)
    try hand.put(1, 550)
    #expect(hand.times().isEmpty)
    try hand.put(0, 600)
    busy.clear()
    #expect(hand.times() == [600, 650, 550])
  }

  /// A port is over when all workers have let go of it.
  @Test func aPortAndItsCaptureEndWithTheLastWorker() throws {
    let team = try CapturingTeam(workers: 2, ringSize: 1)
    var first = try CapturingWorker(0, of: team)
    var second = try CapturingWorker(1, of: team)
    second.send(CapturingTeam.frame(1, 0))
    first.uncapture(0)
    #expect(!team.interfaces[0].isEnded)
    second.uncapture(0)
    #expect(team.interfaces[0].isEnded && team.rings.ended == nil)
    first.uncapture(1)
    #expect(team.rings.ended == nil)
    second.uncapture(1)
    #expect(team.rings.ended == .portsRemoved)
    var (reader, found) = (team.reader(), Found(workers: 2))
    found.drain(&reader)
    #expect(found.count == 2 && !reader.holdsBack)
  }

  /// A capture that ends between breaths leaves no mark of frames that it was to have, which would hold up the others.
  @Test func noMarkOutlivesItsRecords() throws {
    let team = try CapturingTeam(workers: 2, ringSize: 1)
    func earliest() -> UInt64 { team.marks.earliest(since: 0, at: .max) }
    var worker = try CapturingWorker(1, of: team)
    #expect(earliest() == .max)
    worker.send(CapturingTeam.frame(1, 0))
    let mark = earliest()
    #expect(mark > 1_700_000_000_000_000_000 && mark < .max)
    worker.breathe()
    #expect(earliest() == .max)
    worker.send(CapturingTeam.frame(1, 1))
    #expect(earliest() >= mark && earliest() < .max)
    worker.stop()
    #expect(earliest() == .max)
    // Nobody reads now.
    worker.send(CapturingTeam.frame(1, 2))
    #expect(earliest() == .max)
  }

  /// What a punt has of a port that has gone comes out also if it has to wait.
  @Test func aPuntKeepsWhatItHasOfAPortThatIsGone() throws {
    let team = try CapturingTeam(workers: 2, ringSize: 1)
    let punt = PuntHandle(rings: team.rings, marks: team.marks)
    let interface = punt.append(team.records[0])
    var writer = team.rings[0].writer
    let room = writer.reserve(1)
    let (place, size) = try #require(room)
    var record = CaptureRecord()
    (record.storedSize, record.timestamp, record.capturedLength, record.interface) = (size, 1 << 32, 1, interface.id)
    place.storeBytes(of: record, as: CaptureRecord.self)
    writer.publish()
    let busy = team.marks.mark(of: 1)
    busy.open()
    busy.set(1 << 31)
    for _ in 0..<2 { interface.letGo() }
    #expect(punt.next() == nil && punt.ports.isEmpty)
    busy.clear()
    #expect(punt.next()?.port == "0")
    #expect(punt.next() == nil)
  }
}
