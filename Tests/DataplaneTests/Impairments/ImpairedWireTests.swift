import Dataplane
import GuestKit
import TestSupport
import Testing

/// Frames on an impaired wire, breath by breath.
@Suite struct ImpairedWireTests {
  private static let ms = DrivenBench.millisecond

  private func frames(_ count: Int, size: Int = 100) -> [[UInt8]] {
    (0..<count).map {
      FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: size, seed: $0)
    }
  }

  /// Everything sent at once arrives together, in order, a delay later; not one after the other.
  @Test func delayedFramesArriveTogether() throws {
    let bench = try DrivenBench.wire(ringSize: 1024)
    bench.impair(0, fromNode: .with { $0.delay = 10 * Self.ms })
    let sent = frames(1000)
    try bench.send(sent, from: 0, at: 5)
    // The sender has its buffers back at once.
    #expect(try bench.guests[0].reclaim() == 1000)
    bench.breathe(at: 5 + 10 * Self.ms - 1)
    #expect(try bench.frames(1) == [])
    #expect(bench.worker.nextRelease == 5 + 10 * Self.ms)
    bench.breathe(at: 5 + 10 * Self.ms)
    #expect(try bench.frames(1) == sent)
    #expect(bench.worker.nextRelease == nil)
    let (a, b) = (bench.worker.counts(port: 0), bench.worker.counts(port: 1))
    #expect(a.received == 1000 && b.transmitted == 1000 && a.drops.isEmpty && b.drops.isEmpty)
  }

  @Test func theOtherDirectionIsFree() throws {
    let bench = try DrivenBench.wire()
    bench.impair(0, fromNode: .with { $0.delay = Self.ms })
    let sent = frames(3)
    try bench.send(sent, from: 1, at: 5)
    #expect(try bench.frames(0) == sent)
  }

  @Test func bothEndsOfOneDirectionAddUp() throws {
    let bench = try DrivenBench.wire()
    bench.impair(0, fromNode: .with { $0.delay = Self.ms })
    bench.impair(1, toNode: .with { $0.delay = Self.ms })
    let sent = frames(70)
    try bench.send(sent, from: 0, at: 0)
    bench.breathe(at: Self.ms)
    bench.breathe(at: 2 * Self.ms - 1)
    #expect(try bench.frames(1) == [])
    bench.breathe(at: 2 * Self.ms)
    #expect(try bench.frames(1) == sent)
  }

  /// Memory of the line is used again and again; frames of all sizes come out as they went in.
  @Test func framesOfAllSizesAreKeptByteByByte() throws {
    let bench = try DrivenBench.wire(ringSize: 64, bufferSize: 65_560)
    bench.impair(0, fromNode: .with { $0.delay = Self.ms })
    let sizes = [14, 15, 60, 63, 64, 65, 256, 1514, 2047, 2048, 2049, 4096, 4097, 9014, 65_535]
    for round in 0..<8 {
      let now = UInt64(round) * 10 * Self.ms
      let sent = (0..<30).flatMap { frames(1, size: sizes[($0 + round) % sizes.count]) }
      try bench.send(sent, from: 0, at: now)
      #expect(try bench.frames(1) == [])
      bench.breathe(at: now + Self.ms)
      #expect(try bench.frames(1) == sent)
    }
  }

  @Test(arguments: [false, true])
  func lostFramesAreCounted(isToNode: Bool) throws {
    let bench = try DrivenBench.wire()
    let all = Impairment.with { $0.loss = 1 }
    if isToNode { bench.impair(1, toNode: all) } else { bench.impair(0, fromNode: all) }
    try bench.send(frames(100), from: 0, at: 0)
    bench.breathe(at: Self.ms)
    #expect(try bench.frames(1) == [])
    #expect(bench.worker.counts(port: 0).received == 100)
    #expect(bench.drops(isToNode ? 1 : 0) == ["impaired-loss": 100])
    #expect(bench.worker.nextRelease == nil)
  }

  @Test func theQueueHoldsSoManyAndNoMore() throws {
    let bench = try DrivenBench.wire()
    bench.impair(
      0,
      fromNode: .with {
        $0.delay = Self.ms
        $0.queueCount = 10
      })
    let sent = frames(100)
    for round in 0..<3 {
      let now = UInt64(round) * 10 * Self.ms
      try bench.send(sent, from: 0, at: now)
      bench.breathe(at: now + Self.ms)
      #expect(try bench.frames(1) == Array(sent.prefix(10)))
    }
    #expect(bench.drops(0) == ["impaired-queue": 270])
  }

  /// Long frames may find the store full before the queue is; all of it is free again afterwards.
  @Test func longFramesFillTheStore() throws {
    let bench = try DrivenBench.wire(ringSize: 512, bufferSize: 65_560)
    bench.impair(0, fromNode: .with { $0.delay = Self.ms })
    // 32 places of 2 KiB each, of 16 MiB.
    let sent = Array(repeating: frames(1, size: 65_535)[0], count: 300)
    for round in 0..<2 {
      let now = UInt64(round) * 10 * Self.ms
      try bench.send(sent, from: 0, at: now)
      #expect(bench.drops(0) == ["impaired-queue": UInt64(round + 1) * 44])
      bench.breathe(at: now + Self.ms)
      #expect(bench.worker.counts(port: 1).transmitted == UInt64(round + 1) * 256)
    }
  }

  /// A frame that found no room takes no time at the rate.
  @Test func theRateIsKept() throws {
    let bench = try DrivenBench.wire()
    bench.impair(
      0,
      fromNode: .with {
        $0.rate = 1_000_000
        $0.queueCount = 50
      })
    let sent = frames(100, size: 125)
    try bench.send(sent, from: 0, at: 0)
    #expect(bench.drops(0) == ["impaired-queue": 50])
    for number in 1...50 {
      bench.breathe(at: UInt64(number) * Self.ms - 1)
      #expect(try bench.frames(1) == [])
      bench.breathe(at: UInt64(number) * Self.ms)
      #expect(try bench.frames(1) == [sent[number - 1]])
    }
    #expect(bench.worker.nextRelease == nil)
  }

  @Test func duplicatesFollowTheirFrame() throws {
    let bench = try DrivenBench.wire()
    bench.impair(
      0,
      fromNode: .with {
        $0.delay = Self.ms
        $0.duplicate = 1
      })
    let sent = frames(100)
    try bench.send(sent, from: 0, at: 0)
    bench.breathe(at: Self.ms)
    #expect(try bench.frames(1) == sent.flatMap { [$0, $0] })
    #expect(bench.worker.counts(port: 0).received == 100)
    #expect(bench.drops(0).isEmpty)
  }

  @Test func reorderedFramesOvertake() throws {
    let bench = try DrivenBench.wire()
    bench.impair(
      0,
      fromNode: .with {
        $0.delay = Self.ms
        $0.reorder = 0.3
      })
    let sent = frames(200)
    try bench.send(sent, from: 0, at: 0)
    let early = try bench.frames(1)
    #expect((30...90).contains(early.count))
    bench.breathe(at: Self.ms)
    let late = try bench.frames(1)
    let isEarly = Set(early)
    #expect(early == sent.filter { isEarly.contains($0) })
    #expect(late == sent.filter { !isEarly.contains($0) })
    // Without a delay there is nobody to overtake.
    bench.impair(0, fromNode: .with { $0.reorder = 0.3 })
    try bench.send(sent, from: 0, at: 2 * Self.ms)
    #expect(try bench.frames(1) == sent)
  }

  @Test(arguments: [60, 64, 65, 1514, 2049, 9014])
  func oneBitIsFlipped(size: Int) throws {
    let bench = try DrivenBench.wire(bufferSize: 9100)
    bench.impair(0, fromNode: .with { $0.corrupt = 1 })
    let sent = frames(40, size: size)
    try bench.send(sent, from: 0, at: 0)
    let got = try bench.frames(1)
    #expect(got.count == sent.count)
    for (before, after) in zip(sent, got) {
      #expect(before.count == after.count)
      #expect(zip(before, after).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount } == 1)
    }
  }

  /// Any mixture: what was received or doubled was delivered or dropped, and nothing is left behind.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func everyFrameIsAccountedFor(seed: UInt64) throws {
    let bench = try DrivenBench.wire(ringSize: 256, bufferSize: 3100)
    var random = SeededRandom(seed: seed)
    func share() -> Double { random.next() % 2 == 0 ? 0 : Double(random.next() % 100) / 100 }
    func some() -> Impairment {
      .with {
        $0.delay = random.next() % 3 * Self.ms
        $0.jitter = random.next() % 3 * Self.ms
        $0.loss = share()
        $0.reorder = share()
        $0.corrupt = share()
        $0.rate = random.next() % 2 * 50_000_000
        $0.queueCount = 1 + Int(random.next() % 200)
      }
    }
    let samples = [14, 64, 1514, 3000].map { frames(100, size: $0) }
    var now: UInt64 = 0
    for _ in 0..<40 {
      if random.next() % 4 == 0 {
        bench.impair(
          0, fromNode: random.next() % 3 == 0 ? nil : some(), toNode: random.next() % 3 == 0 ? nil : some(),
          seed: seed)
      }
      let count = Int(random.next() % 100)
      try bench.send(Array(samples[Int(random.next() % 4)].prefix(count)), from: 0, at: now)
      try bench.send(Array(samples[1].prefix(count)), from: 1, at: now)
      _ = try (bench.frames(0), bench.frames(1))
      now += random.next() % (2 * Self.ms)
    }
    bench.breathe(at: now + 1_000 * Self.ms)
    #expect(bench.worker.nextRelease == nil)
    let (a, b) = (bench.worker.counts(port: 0), bench.worker.counts(port: 1))
    let dropped = a.drops.values.reduce(0, +) + b.drops.values.reduce(0, +)
    #expect(a.received + b.received == a.transmitted + b.transmitted + dropped)
    #expect(a.transmitted > 0 && b.transmitted > 0)
    #expect(bench.worker.takeFaults() == [])
  }
}
