import GuestKit
import Testing

@testable import Dataplane

/// What floods leave to others.
@Suite struct ShareTests {
  /// Ports 0 and 1 talk, 2 floods, and so many more only listen.
  private func bench(listeners: Int) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<(3 + listeners) { try bench.addGuest(.access(vlan: 1), ringSize: 128, bufferSize: 256) }
    try bench.send([frame(2, to: 1)], from: 1, at: 0)
    try bench.send([frame(1, to: 2)], from: 0, at: 0)
    return bench
  }

  /// Keeps a port's transmit ring full.
  private func fill(_ bench: DrivenBench, _ port: Int, _ frame: [UInt8]) throws {
    let ring = bench.guests[port].rings[1]
    let free = ring.freeCount + ring.usedCount
    try bench.guests[port].send(burst: Array(repeating: frame, count: free))
  }

  private func taken(_ bench: DrivenBench, _ port: Int) -> Int { Int(bench.worker.counts(port: port).received) }

  /// Of two ports that always have frames each gets half of the copies, however many ports one of them floods.
  @Test(arguments: [12, 40])
  func aFloodLeavesOthersTheirHalf(listeners: Int) throws {
    let bench = try bench(listeners: listeners)
    let before = [taken(bench, 0), taken(bench, 2)]
    for _ in 0..<300 {
      try fill(bench, 0, frame(1, to: 2))
      try fill(bench, 2, frame(3))
      _ = bench.worker.breathe()
      // What came is not looked at: room or not, a copy counts.
      _ = try bench.frames(1)
    }
    let unicast = taken(bench, 0) - before[0]
    let copies = (taken(bench, 2) - before[1]) * (listeners + 2)
    #expect(unicast == 300 * Burst.capacity)
    #expect(Double(copies) < 1.25 * Double(unicast))
    #expect(Double(copies) > 0.75 * Double(unicast))
  }

  /// A port that sends to one and to many in turns gets no more for it.
  @Test func whoFloodsNowAndThenPaysToo() throws {
    let bench = try bench(listeners: 40)
    let before = [taken(bench, 0), taken(bench, 2)]
    var copies = 0
    for breath in 0..<600 {
      try fill(bench, 0, frame(1, to: 2))
      if bench.guests[2].rings[1].outstandingCount == bench.guests[2].rings[1].usedCount {
        let isFlood = breath % 2 == 0
        copies += 64 * (isFlood ? 42 : 1)
        try bench.guests[2].send(burst: Array(repeating: frame(3, to: isFlood ? nil : 2), count: 64))
      }
      _ = bench.worker.breathe()
      _ = try bench.frames(1)
    }
    #expect(taken(bench, 2) > before[1])
    // One burst more, which is under way.
    #expect(copies < taken(bench, 0) - before[0] + 2 * 64 * 42)
  }

  /// Where nobody else has frames, a flood is not held back.
  @Test func aFloodAloneHasTheWorkerForItself() throws {
    let bench = try bench(listeners: 40)
    for _ in 0..<100 {
      try fill(bench, 2, frame(3))
      #expect(bench.worker.breathe() > 0)
    }
  }

  /// After a flood a port is as fast as before.
  @Test func burstsGrowAgain() throws {
    let bench = try bench(listeners: 40)
    for _ in 0..<20 {
      try fill(bench, 2, frame(3))
      _ = bench.worker.breathe()
    }
    while bench.worker.breathe() > 0 {}
    var largest = 0
    for _ in 0..<100 {
      try fill(bench, 2, frame(3, to: 2))
      largest = max(largest, bench.worker.breathe())
      _ = try bench.frames(1)
    }
    #expect(largest == Burst.capacity)
  }
}
