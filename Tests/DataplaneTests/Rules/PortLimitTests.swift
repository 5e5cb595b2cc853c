import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// How much of a port, and of whom, there may be.
@Suite struct PortLimitTests {
  private func bench(_ ports: Int = 3) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<ports { try bench.addGuest(.access(vlan: 1)) }
    return bench
  }

  @Test func stationsBeyondTheLimitAreDroppedAndOthersStay() throws {
    let bench = try bench()
    bench.worker.setRules(port: 0, PortRules(learnLimit: 3))
    for station in 1...5 { try bench.send([frame(station)], from: 0, at: 0) }
    #expect(try bench.frames(1).count == 3)
    #expect(bench.drops(0) == ["learn-limit": 2] && bench.stationCount == 3)
    for station in 1...3 { try bench.send([frame(station)], from: 0, at: 0) }
    #expect(try bench.frames(1).count == 3)
    // A station that came from another port is one more, and stays where it was.
    try bench.send([frame(9)], from: 1, at: 0)
    try bench.send([frame(9)], from: 0, at: 0)
    #expect(bench.drops(0) == ["learn-limit": 3])
    #expect(bench.portOf(9) == 1)
    // Time makes room.
    bench.worker.tick += 320
    while bench.worker.payDebts() {}
    try bench.send([frame(5)], from: 0, at: 0)
    #expect(bench.drops(0) == ["learn-limit": 3])
  }

  @Test func isolatedPortsHaveNothingToDoWithEachOther() throws {
    let bench = try bench()
    for port in 0..<2 { bench.worker.setRules(port: port, PortRules(isIsolated: true)) }
    try bench.send([frame(1)], from: 0, at: 0)
    #expect(try bench.frames(1) == [] && bench.frames(2) == [frame(1)])
    try bench.send([frame(2, to: 1)], from: 1, at: 0)
    #expect(try bench.frames(0) == [] && bench.drops(0) == ["isolated": 1] && bench.drops(1) == ["isolated": 1])
    for _ in 0..<3 { try bench.send([frame(1, to: 2), frame(1, to: 2)], from: 0, at: 0) }
    #expect(try bench.frames(1) == [])
    try bench.send([frame(3, to: 1)], from: 2, at: 0)
    #expect(try bench.frames(0) == [frame(3, to: 1)])
  }

  @Test func stormsAreCutToTheirRate() throws {
    let bench = try bench()
    bench.worker.setRules(port: 0, PortRules(broadcastStorm: 10, multicastStorm: 5, unknownStorm: 2))
    var now: UInt64 = 1_000_000_000
    func send(_ count: Int, _ destination: [UInt8]) throws -> Int {
      let one = FrameBuilder(to: destination, from: FrameBuilder.station(1)).plain(size: 60)
      for _ in 0..<count { try bench.send([one], from: 0, at: now) }
      return try bench.frames(1).count
    }
    #expect(try send(40, FrameBuilder.broadcast) == 10)
    #expect(try send(40, [1, 0, 0x5E, 0, 0, 1]) == 5)
    #expect(try send(40, FrameBuilder.station(77)) == 2)
    now += 1_000_000_000
    #expect(try send(40, FrameBuilder.broadcast) == 10)
    now += 100_000_000
    #expect(try send(40, FrameBuilder.broadcast) == 1)
    try bench.send([frame(2)], from: 1, at: now)
    #expect(try send(40, FrameBuilder.station(2)) == 40, "who is known is no storm")
    #expect(bench.drops(0)["storm"] == UInt64(30 + 35 + 38 + 30 + 39))
  }

  /// Over ten seconds at 10 Gbit/s and odd moments, not a bit too much or too little beyond what passes at once.
  @Test(arguments: [1000, 9_999_999_967, 10_000_000_000, 1_000_000_000_000] as [UInt64])
  func ratesAreExact(rate: UInt64) {
    var bucket = TokenBucket(bits: rate)
    var random = SeededRandom(seed: rate)
    var (now, passed): (UInt64, UInt64) = (77, 0)
    let size: UInt64 = 8 * 1514
    let burst = max(rate / 100, 8 * 65_539)
    let end: UInt64 = rate < 10_000 ? 100_000_000_000_000 : 77 + 200_000_000
    let step = max(size * 1_000_000_000 / rate, 1)
    while now < end {
      while bucket.take(size, now: now) { passed += size }
      now += 1 + random.next() % (step * 16)
    }
    let (whole, _) = rate.multipliedReportingOverflow(by: (now - 77) / 1_000)
    let due = rate > 1_000_000_000_000 / 2 ? (now - 77) * (rate / 1_000_000_000) : whole / 1_000_000
    #expect(passed <= due + burst + 2 * size)
    #expect(passed + 17 * size + size >= due)
  }

  @Test func aPortsRateHoldsBothWays() throws {
    let bench = try bench(2)
    bench.worker.setRules(port: 0, PortRules(rateToNode: 8_000_000, rateFromNode: 8_000_000))
    let first = frame(1, size: 1000)
    let second = frame(2, size: 1000)
    var received = (0, 0)
    // A second, a frame each way every 0.1 ms: ten times too many.
    for turn in 0..<10_000 {
      let now = 1_000_000_000 + UInt64(turn) * 100_000
      try bench.send([first], from: 0, at: now)
      try bench.send([second], from: 1, at: now)
      if turn % 50 == 0 {
        received = (received.0 + (try bench.frames(0).count), received.1 + (try bench.frames(1).count))
      }
    }
    received = (received.0 + (try bench.frames(0).count), received.1 + (try bench.frames(1).count))
    // 1000 a second, and those 65 that pass at once.
    #expect((1055...1070).contains(received.0) && (1055...1070).contains(received.1))
    #expect(bench.drops(0)["rate"] == UInt64(20_000 - received.0 - received.1))
  }
}
