import Dataplane
import Glibc
import GuestKit
import TestSupport
import Testing

/// Captures of frames on a wire, breath by breath.
@Suite struct CaptureWireTests {
  private func frames(_ count: Int, size: Int = 100, from: Int = 1, to: Int = 2) -> [[UInt8]] {
    (0..<count).map {
      FrameBuilder(to: FrameBuilder.station(to), from: FrameBuilder.station(from)).plain(size: size, seed: $0)
    }
  }

  static let sizes = [14, 15, 16, 59, 60, 63, 64, 65, 127, 128, 255, 256, 257, 1514, 2047, 2048, 9014, 65_535]

  @Test func framesAreRecordedOnBothSidesAsTheyAre() throws {
    let bench = try DrivenBench.wire(ringSize: 64, bufferSize: 65_560)
    let capture = try bench.capture([0, 1])
    let before = UInt64(time(nil)) * 1_000_000_000
    let sent = Self.sizes.map { frames(1, size: $0)[0] }
    try bench.send(sent, from: 0, at: 1)
    #expect(try bench.frames(1) == sent)
    let got = capture.drain()
    #expect(got.count == 2 * sent.count)
    let arrivals = got.filter { $0.record.direction == .fromNode }
    let departures = got.filter { $0.record.direction == .toNode }
    #expect(arrivals.map(\.bytes) == sent)
    #expect(departures.map(\.bytes) == sent)
    #expect(arrivals.allSatisfy { $0.record.interface == 0 } && departures.allSatisfy { $0.record.interface == 1 })
    #expect(arrivals.map(\.record.packetID) == departures.map(\.record.packetID))
    #expect(Set(arrivals.map(\.record.packetID)).count == sent.count)
    for item in got {
      #expect(item.record.originalLength == UInt32(item.bytes.count))
      #expect(item.record.capturedLength == UInt32(item.bytes.count))
      #expect(item.record.drop == .none && !item.record.needsChecksum && item.record.queue == 0)
      #expect(item.record.timestamp >= before && item.record.timestamp < before + 60_000_000_000)
    }
    #expect(capture.counts(0) == [18, 0, 0, 18] && capture.counts(1) == [18, 0, 0, 18])
  }

  /// Chains of any layout are recorded as they are sent.
  @Test func piecesAreRecordedAsOneFrame() throws {
    let bench = try DrivenBench.wire(ringSize: 64, bufferSize: 9100)
    let capture = try bench.capture([0], { $0.snapLength = 300 })
    let pieces = [[12], [5, 7], [12, 14, 20], [12, 60, 10, 30], [13, 64, 64, 64, 64]]
    let frame = frames(1, size: 9000)[0]
    for layout in pieces { try bench.guests[0].send(frame, pieces: layout) }
    bench.breathe(at: 1)
    #expect(try bench.frames(1) == Array(repeating: frame, count: pieces.count))
    let got = capture.drain()
    #expect(got.map(\.bytes) == Array(repeating: Array(frame[..<300]), count: pieces.count))
    #expect(got.allSatisfy { $0.record.originalLength == 9000 && $0.record.capturedLength == 300 })
  }

  @Test(arguments: [1, 63, 64, 65, 200, 1513, 1514, 1515])
  func framesAreCutToTheSnapLength(snap: Int) throws {
    let bench = try DrivenBench.wire()
    let capture = try bench.capture([0, 1]) { $0.snapLength = snap }
    let sent = frames(1, size: 1514) + frames(1, size: 60)
    try bench.send(sent, from: 0, at: 1)
    let got = capture.drain()
    #expect(got.map(\.bytes) == (sent + sent).map { Array($0.prefix(snap)) })
    #expect(got.map(\.record.originalLength) == [1514, 60, 1514, 60])
  }

  @Test func oneDirectionOnly() throws {
    let bench = try DrivenBench.wire()
    let out = try bench.capture([0]) { $0.directions = .toNode }
    let back = try bench.capture([0]) { $0.directions = .fromNode }
    let (there, here) = (frames(3), frames(2, from: 2, to: 1))
    try bench.send(there, from: 0, at: 1)
    try bench.send(here, from: 1, at: 2)
    #expect(out.drain().map(\.bytes) == here)
    #expect(back.drain().map(\.bytes) == there)
    #expect(out.counts(0) == [2, 0, 0, 2] && back.counts(0) == [3, 0, 0, 3])
  }

  /// A reader that does not read costs records, counted one by one, and no frame; then records come again.
  @Test func aFullRingDropsRecordsAndNothingElse() throws {
    let bench = try DrivenBench.wire(ringSize: 64)
    let capture = try bench.capture([0]) { $0.ringSize = 1 << 18 }
    var sent: [[UInt8]] = []
    for round in 0..<40 {
      let burst = frames(50, size: 1000 + round)
      try bench.send(burst, from: 0, at: UInt64(round))
      #expect(try bench.frames(1) == burst)
      sent += burst
    }
    let first = capture.drain()
    #expect(first.count < 300 && first.count > 200)
    #expect(first.map(\.bytes) == Array(sent.prefix(first.count)))
    #expect(capture.counts(0) == [2000, 0, UInt64(2000 - first.count), UInt64(first.count)])
    let more = frames(50)
    try bench.send(more, from: 0, at: 100)
    #expect(capture.drain().map(\.bytes) == more)
    #expect(capture.counts(0) == [2050, 0, UInt64(2000 - first.count), UInt64(first.count + 50)])
    #expect(bench.drops(0).isEmpty && bench.drops(1).isEmpty)
  }

  /// Records of all sizes cross the end of the ring's memory, read late and early.
  @Test func theRingWrapsAtAnySize() throws {
    let bench = try DrivenBench.wire(ringSize: 64, bufferSize: 65_560)
    let capture = try bench.capture([0, 1]) { $0.ringSize = 1 << 18 }
    var random = SeededRandom(seed: 7)
    var (sent, got): ([[UInt8]], [[UInt8]]) = ([], [])
    for round in 0..<300 {
      let size = [60, 61, 100, 1514, 9000, 40_000][Int(random.next() % 6)] + Int(random.next() % 16)
      let burst = frames(1 + Int(random.next() % (size > 9100 ? 1 : 6)), size: size)
      try bench.send(burst, from: 0, at: UInt64(round))
      #expect(try bench.frames(1) == burst)
      sent += burst
      if round % 2 == 1 || size > 9000 {
        got += capture.drain().filter { $0.record.direction == .fromNode }.map(\.bytes)
      }
    }
    got += capture.drain().filter { $0.record.direction == .fromNode }.map(\.bytes)
    #expect(got == sent)
    #expect(capture.counts.dropped == 0 && capture.counts.captured == UInt64(2 * sent.count))
  }

  @Test func framesThatWaitKeepTheirNumber() throws {
    let bench = try DrivenBench.wire()
    bench.impair(0, fromNode: .with { $0.delay = 10 })
    bench.impair(1, toNode: .with { $0.delay = 10 })
    let capture = try bench.capture([0, 1])
    let sent = frames(70)
    try bench.send(sent, from: 0, at: 5)
    let arrivals = capture.drain()
    #expect(arrivals.map(\.bytes) == sent)
    try bench.send(frames(3), from: 1, at: 6)
    _ = capture.drain()
    bench.breathe(at: 15)
    #expect(capture.drain().isEmpty)
    bench.breathe(at: 25)
    let departures = capture.drain()
    #expect(departures.map(\.bytes) == sent)
    #expect(departures.map(\.record.packetID) == arrivals.map(\.record.packetID))
    #expect(departures.allSatisfy { $0.record.direction == .toNode && $0.record.interface == 1 })
  }

  @Test func manyCapturesRunAtOnceAndTheirPlacesAreUsedAgain() throws {
    let bench = try DrivenBench.wire()
    for round in 0..<3 {
      let captures = try (0..<64).map { _ in try bench.capture([0]) { $0.ringSize = 1 << 18 } }
      let oneMore = bench.worker.capture(ports: [0], CaptureConfiguration())
      #expect(oneMore == nil)
      let sent = frames(5, size: 100 + round)
      try bench.send(sent, from: 0, at: UInt64(round))
      for capture in captures {
        bench.worker.stop(capture)
        #expect(capture.end == .stopped)
        #expect(capture.drain().map(\.bytes) == sent)
      }
    }
    let sent = frames(2)
    try bench.send(sent, from: 0, at: 9)
    #expect(try bench.frames(1).count == 17)
  }

  @Test func aRemovedPortEndsItsPart() throws {
    let bench = try DrivenBench.wire()
    let (both, first) = (try bench.capture([0, 1]), try bench.capture([0]))
    let last = try bench.capture([0]) { $0.endsWithPorts = false }
    let sent = frames(2)
    try bench.send(sent, from: 0, at: 1)
    bench.remove(0)
    #expect(first.end == .portsRemoved && both.end == nil && last.end == nil)
    #expect(both.interfaces.map(\.isEnded) == [true, false])
    #expect(first.drain().map(\.bytes) == sent && both.drain().count == 4)
    // The other end goes on: its frames have nowhere to go.
    try bench.send(frames(1, from: 2, to: 1), from: 1, at: 2)
    let rest = both.drain()
    #expect(rest.map(\.record.interface) == [1])
    bench.remove(1)
    #expect(both.end == .portsRemoved && last.end == nil)
  }
}
