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

  /// Frames that went to a port, and those that it had no room for.
  private func heard(_ bench: DrivenBench, _ port: Int) -> Int {
    let counts = bench.worker.counts(port: port)
    return Int(counts.transmitted + counts.drops.values.reduce(0, +))
  }

  /// Has port 2's broadcasts held for a millisecond, then has port 0 send to port 1 while they are let go.
  ///
  /// - Returns: frames that port 0 sent in so many breaths, and those of port 2 that came to `listener`.
  private func letGo(_ bench: DrivenBench, breaths: Int, listener: Int) throws -> (unicast: Int, floods: Int) {
    for _ in 0..<2 { try bench.send(Array(repeating: frame(3), count: 128), from: 2, at: 0) }
    // Time enough to come to rest, for port 0 to be heard again.
    for _ in 0..<60 { _ = bench.worker.breathe() }
    try fill(bench, 0, frame(1, to: 2))
    for _ in 0..<8 { _ = bench.worker.breathe() }
    _ = try bench.frames(1)
    let before = (taken(bench, 0), heard(bench, listener))
    bench.worker.now = DrivenBench.millisecond
    for _ in 0..<breaths {
      try fill(bench, 0, frame(1, to: 2))
      _ = bench.worker.breathe()
      _ = try bench.frames(1)
    }
    return (taken(bench, 0) - before.0, heard(bench, listener) - before.1)
  }

  /// What a line lets go is paid for as fast as what its port sends itself, though the port is at rest.
  @Test func aPortAtRestPaysForWhatItsLineLetsGo() throws {
    let bench = try bench(listeners: 77)
    bench.impair(2, fromNode: .with { $0.delay = DrivenBench.millisecond })
    let (unicast, floods) = try letGo(bench, breaths: 200, listener: 70)
    #expect(unicast == 200 * Burst.capacity)
    #expect(Double(floods * 79) < 1.25 * Double(unicast))
    #expect(Double(floods * 79) > 0.75 * Double(unicast))
  }

  /// A trunk with a delay pays for what it lets go, which floods the far switch.
  @Test func aDelayedTrunkPaysToo() throws {
    let (bench, listeners) = (try bench(listeners: 0), 40)
    let trunk = try bench.worker.addFarSwitch(listeners: listeners)
    bench.impair(trunk, toNode: .with { $0.delay = DrivenBench.millisecond })
    let (unicast, floods) = try letGo(bench, breaths: 100, listener: trunk)
    #expect(unicast == 100 * Burst.capacity)
    #expect(Double(floods * listeners) < 1.25 * Double(unicast))
    #expect(Double(floods * listeners) > 0.75 * Double(unicast))
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
