import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Frames to a guest with several receive rings.
@Suite(.everyRingFormat) struct SteeringTests {
  /// TSC cycles of a breath in which nobody has been silent.
  private static let short: UInt64 = 1000

  /// Port 0 sends to port 1, which has so many pairs.
  private func wire(pairs: Int, ringSize: Int = 256) throws -> DrivenBench {
    let bench = try DrivenBench()
    for count in [1, pairs] {
      try bench.addGuest(.wire, features: 0) { options in
        options.pairs = count
        options.ringSize = ringSize
        options.transmitSize = 2048
      }
    }
    bench.worker.connect(0, 1)
    bench.worker.cyclesPerBreath = Self.short
    return bench
  }

  /// A frame of a flow with a number.
  static func flowFrame(_ flow: Int, _ number: Int) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).udp(
      from: [10, 0, 0, 1], to: [10, 0, 0, 2], ports: (UInt16(1000 + flow), 7),
      payload: (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [UInt8](repeating: 0, count: 30)
    ).frame
  }

  /// Flow and number of such a frame.
  static func tell(_ frame: [UInt8]) -> (flow: Int, number: Int) {
    (Int(frame[34]) << 8 + Int(frame[35]) - 1000, (0..<4).reduce(0) { $0 | Int(frame[42 + $1]) << (8 * $1) })
  }

  private func send(_ bench: DrivenBench, _ frames: [[UInt8]]) throws {
    try bench.guests[0].send(burst: frames)
    while bench.worker.breathe() > 0 {}
    try bench.guests[0].reclaim()
  }

  /// Long enough for every flow to be seen as silent.
  private func pause(_ bench: DrivenBench) {
    bench.worker.cyclesPerBreath = 2 * FlowTable.silence
    _ = bench.worker.breathe()
    bench.worker.cyclesPerBreath = Self.short
  }

  private func isUp(_ bench: DrivenBench) -> Bool { bench.worker.core.state.ports[1].isUp }

  private func numbers(_ bench: DrivenBench, pair: Int) throws -> [Int: [Int]] {
    try bench.received(1, pair: pair).map { Self.tell($0.frame) }.reduce(into: [:]) { numbers, frame in
      numbers[frame.flow, default: []].append(frame.number)
    }
  }

  @Test(arguments: [2, 3, 16])
  func flowsAreSpreadAndEachStaysInOrder(pairs: Int) throws {
    let bench = try wire(pairs: pairs)
    pause(bench)
    for round in 0..<2 { try send(bench, (0..<120).map { Self.flowFrame($0 % 60, 2 * round + $0 / 60) }) }
    var seen: [Int: [Int]] = [:]
    for pair in 0..<pairs {
      let numbers = try numbers(bench, pair: pair)
      #expect(!numbers.isEmpty, "pair \(pair)")
      for (flow, list) in numbers {
        #expect(seen[flow] == nil, "flow \(flow) is in two rings")
        seen[flow] = list
      }
    }
    #expect(seen.count == 60)
    #expect(seen.values.allSatisfy { $0 == [0, 1, 2, 3] })
    #expect(bench.worker.counts(port: 1).transmitted == 240)
    #expect(bench.drops(1).isEmpty)
  }

  /// One ring stops as by GET_VRING_BASE: its flows go on elsewhere at once, and nothing else changes.
  @Test func aStoppedReceiveRingStopsAlone() throws {
    let bench = try wire(pairs: 2)
    pause(bench)
    try send(bench, (0..<40).map { Self.flowFrame($0, 0) })
    let before = try (0..<2).map { try Set(numbers(bench, pair: $0).keys) }
    #expect(before.allSatisfy { !$0.isEmpty })
    for stopped in [0, 2] {
      _ = bench.worker.core.coldStopRing(1, ring: stopped)
      #expect(isUp(bench) == (stopped == 0))
      try send(bench, (0..<40).map { Self.flowFrame($0, 1) })
    }
    #expect(try numbers(bench, pair: 0).isEmpty)
    #expect(try numbers(bench, pair: 1).count == 40)
    #expect(bench.drops(1) == ["carrier-down": 40])
  }

  /// The same for what comes from the guest.
  @Test func aStoppedTransmitRingStopsAlone() throws {
    let bench = try wire(pairs: 2)
    _ = bench.worker.core.coldStopRing(1, ring: 1)
    #expect(isUp(bench))
    for pair in 0..<2 { try bench.guests[1].send(frame(2, to: 1, seed: pair), pair: pair) }
    while bench.worker.breathe() > 0 {}
    #expect(try bench.frames(0) == [frame(2, to: 1, seed: 1)])
    _ = bench.worker.core.coldStopRing(1, ring: 3)
    #expect(!isUp(bench))
    #expect(bench.guests[1].rings[1].outstandingCount == 1)
  }

  /// A ring that breaks ends no other, and no frame of theirs.
  @Test func aBrokenReceiveRingBreaksAlone() throws {
    let bench = try wire(pairs: 2, ringSize: 64)
    pause(bench)
    try bench.breakDescriptors(port: 1, pair: 1)
    try send(bench, (0..<40).map { Self.flowFrame($0, 0) })
    let faults = bench.worker.takeFaults()
    #expect(faults.count == 1 && faults.first?.contains("outside guest memory") == true, "\(faults)")
    let rings = (0..<4).map { bench.worker.core.state.ports.vhostUser[1].rings[$0].isRunning }
    #expect(rings == [true, true, false, true])
    #expect(isUp(bench))
    let first = try numbers(bench, pair: 0).count
    #expect(first > 0 && bench.drops(1) == ["guest-fault": UInt64(40 - first)])
    try send(bench, (0..<40).map { Self.flowFrame($0, 1) })
    #expect(try numbers(bench, pair: 0).count == 40)
  }

  /// A ring without buffers loses its own frames, and each is counted once.
  @Test func aFullRingDropsItsOwnFlowsAlone() throws {
    let bench = try DrivenBench()
    for count in [1, 2] {
      try bench.addGuest(.wire, features: 0) { options in
        options.pairs = count
        options.receiveCount = 8
      }
    }
    bench.worker.connect(0, 1)
    bench.worker.cyclesPerBreath = Self.short
    pause(bench)
    try send(bench, (0..<60).map { Self.flowFrame($0, 0) })
    let got = try (0..<2).map { try numbers(bench, pair: $0).count }
    #expect(got == [8, 8])
    #expect(bench.worker.counts(port: 1).transmitted == 16)
    #expect(bench.drops(1) == ["no-buffer": 44])
  }

  /// Rings flip on and off a thousand times under load.
  ///
  /// A frame goes to another ring than the one before it of its flow only if that was closed since, or the flow was
  /// silent; and nothing is lost while a ring is open.
  @Test func orderHoldsWhileRingsFlip() throws {
    let bench = try wire(pairs: 4)
    var random = SeededRandom(seed: 7)
    var (open, next) = (Set(0..<4), [Int](repeating: 0, count: 30))
    var last: [Int: (pair: Int, time: UInt64, turn: Int)] = [:]
    var closed = [Int](repeating: -1, count: 4)
    for turn in 0..<1000 {
      let pair = Int.random(in: 0..<4, using: &random)
      if open.contains(pair), open.count > 1 {
        open.remove(pair)
        closed[pair] = turn
      } else {
        open.insert(pair)
      }
      bench.worker.core.coldEnableRing(1, ring: 2 * pair, open.contains(pair))
      bench.worker.cyclesPerBreath =
        turn % 10 == 0 ? 2 * FlowTable.silence : UInt64.random(in: 100...400_000, using: &random)
      var sent: [[UInt8]] = []
      for _ in 0..<Int.random(in: 1...50, using: &random) {
        let flow = Int.random(in: 0..<30, using: &random)
        sent.append(Self.flowFrame(flow, next[flow]))
        next[flow] += 1
      }
      try bench.guests[0].send(burst: sent)
      _ = bench.worker.breathe()
      let now = bench.worker.core.state.ports.active.now
      try bench.guests[0].reclaim()
      var count = 0
      for pair in 0..<4 {
        for (flow, numbers) in try numbers(bench, pair: pair) {
          #expect(open.contains(pair))
          #expect(numbers == Array((next[flow] - numbers.count)..<next[flow]))
          count += numbers.count
          if let last = last[flow], last.pair != pair, closed[last.pair] <= last.turn {
            #expect(now - last.time >= FlowTable.silence - FlowTable.silence / 8)
          }
          last[flow] = (pair, now, turn)
        }
      }
      #expect(count == sent.count)
    }
  }
}

extension DrivenBench {
  /// Has every buffer of a receive ring lie where the guest has no memory.
  func breakDescriptors(port: Int, pair: Int) throws {
    let ring = guests[port].rings[2 * pair]
    for slot in 0..<ring.size {
      guests[port].memory.write([UInt8](repeating: 0x7F, count: 8), at: ring.descriptorTable + UInt64(16 * slot))
    }
  }
}
