import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Ports with many queues: what they have of the worker, what may be asked of them, what others notice.
@Suite(.everyRingFormat) struct ManyQueuesTests {
  private func received(_ bench: DrivenBench, _ port: Int) -> Int { Int(bench.worker.counts(port: port).received) }

  /// A turn is one share, of whatever queues, and all come to their turn.
  @Test func aPortOfManyQueuesHasOneShare() throws {
    let bench = try DrivenBench()
    for pairs in [4, 1, 1] {
      try bench.addGuest(.access(vlan: 1), features: 0) { options in
        options.pairs = pairs
        options.transmitSize = 2048
      }
    }
    try bench.send([frame(3)], from: 2, at: 0)
    for pair in 0..<4 {
      try bench.guests[0].send(burst: Array(repeating: frame(1, to: 3), count: 128), pair: pair)
    }
    try bench.guests[1].send(burst: Array(repeating: frame(2, to: 3), count: 128))
    for breath in 1...2 {
      _ = bench.worker.breathe()
      #expect(received(bench, 0) == breath * Burst.capacity)
      #expect(received(bench, 1) == breath * Burst.capacity)
    }
    for _ in 0..<2 { _ = bench.worker.breathe() }
    #expect((0..<4).map { bench.guests[0].rings[2 * $0 + 1].usedCount } == [64, 64, 64, 64])
    // One that is alone has all of the turn, and what is left of it others have.
    while bench.worker.breathe() > 0 {}
    for (pair, count) in [10, 0, 20, 100].enumerated() where count > 0 {
      try bench.guests[0].send(burst: Array(repeating: frame(1, to: 3), count: count), pair: pair)
    }
    let before = received(bench, 0)
    _ = bench.worker.breathe()
    #expect(received(bench, 0) == before + Burst.capacity)
    while bench.worker.breathe() > 0 {}
    #expect(received(bench, 0) == before + 130)
  }

  /// Copies of floods are counted over all queues of a turn.
  @Test func floodsOfManyQueuesOweTogether() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 1), features: 0) { options in
      options.pairs = 4
      options.transmitSize = 2048
    }
    for _ in 0..<5 { _ = bench.worker.addSink(.access(vlan: 1)) }
    for pair in 0..<4 { try bench.guests[0].send(burst: Array(repeating: frame(1), count: 8), pair: pair) }
    // 8 x 5 copies are within the share; twice as many are not, and end the turn.
    _ = bench.worker.breathe()
    #expect(received(bench, 0) == 16)
    #expect(bench.worker.core.state.ports[0].owedCopies == 16)
  }

  /// Both numbers are told, as people count them.
  @Test(arguments: [1, 16]) func aRingBeyondTheOfferIsRefused(pairs: Int) async throws {
    try await Bench.with { bench in
      try await bench.addPort("a", .wire, pairs: pairs)
      let frontEnd = try FrontEnd(path: bench.path("a"))
      try frontEnd.setProtocolFeatures(try frontEnd.getProtocolFeatures())
      #expect(try frontEnd.getQueueCount() == UInt64(pairs))
      try frontEnd.setRingSize(UInt32(2 * pairs - 1), 64)
      for ring in [2 * pairs, 2 * pairs + 1, 255] {
        #expect(throws: GuestKitError.self) { try frontEnd.setRingEnable(UInt32(ring), true) }
        #expect(throws: GuestKitError.self) {
          try frontEnd.setRingCall(UInt32(ring), try EventDescriptor().descriptor)
        }
        let refusal = try #require(try await bench.status("a").vhostUser?.lastRefusal)
        let offered = pairs == 1 ? "1 pair is offered, rings 0 to 1" : "16 pairs are offered, rings 0 to 31"
        #expect(refusal.contains("ring \(ring) is of queue pair \(ring / 2 + 1), but \(offered)"), "\(refusal)")
      }
      let status = try await bench.status("a")
      #expect(status.queues == pairs && status.vhostUser?.queues.isEmpty == true)
    }
  }

  /// Sixteen pairs are offered, one is used: nothing is there for the others.
  @Test func aPortHasRingsForThoseThatRanAlone() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let path = try await bench.addPort("a", .access(vlan: 1), pairs: 16)
      let guest = try VirtualGuest()
      try guest.connect(path: path)
      let status = try await bench.status("a")
      #expect(status.carrier && status.queues == 16)
      #expect(status.vhostUser?.queues.map(\.index) == [0, 1])
    }
  }

  /// Whatever size the rings have, frames of many flows come and go.
  @Test(arguments: [1, 2, 3, 32768]) func ringsOfAnySizeAreSpreadOver(size: Int) async throws {
    if RingFormat.current == .split, size == 3 { return }
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.pairs = 3
        $0.ringSize = size
        $0.receiveCount = min(size, 16)
        $0.transmitSize = 2048
        $0.memorySize = 64 << 20
      }
      for (from, to) in [(a, b), (b, a)] {
        for number in 0..<60 {
          let frame = SteeringTests.flowFrame(number, number)
          try from.send(frame, pair: number % 3)
          #expect(try to.receiveAny()?.frame.frame == frame)
        }
      }
    }
  }

  /// Another port goes on with all rings of a session, where they stood.
  @Test func aSessionOfSixteenPairsIsTakenOver() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.pairs = 16
        $0.ringSize = 64
        $0.transmitSize = 2048
      }
      for turn in 0..<3 {
        let taken = try #require(try await bench.dataplane.takeSession(port: "b"))
        #expect(taken.state.rings.count == 32)
        try await bench.dataplane.takeUp(taken, port: "b")
        let queues = try #require(try await bench.status("b").vhostUser?.queues)
        #expect(queues.count == 32 && queues.allSatisfy { $0.stopped == nil && $0.isEnabled })
        for pair in 0..<16 {
          let frame = SteeringTests.flowFrame(pair, turn)
          for (from, to) in [(a, b), (b, a)] {
            try from.send(frame, pair: pair)
            #expect(try to.receiveAny()?.frame.frame == frame)
          }
        }
      }
    }
  }

  /// A guest that flips its rings a thousand times under load loses only frames that are counted, and nobody else's.
  @Test func flippingRingsHarmsNobodyElse() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.pairs = 4
        $0.ringSize = 256
        $0.transmitSize = 2048
      }
      let (c, d) = try await bench.addWire("c", "d")
      var random = SeededRandom(seed: 5)
      var (sent, got) = (0, 0)
      for turn in 0..<1000 {
        try b.frontEnd?.setRingEnable(UInt32.random(in: 0..<8, using: &random), Bool.random(using: &random))
        let frames = (0..<8).map { _ in SteeringTests.flowFrame(Int.random(in: 0..<50, using: &random), turn) }
        try a.send(burst: frames, pair: turn % 4)
        sent += frames.count
        if turn % 20 == 0 {
          let frame = GuestKit.frame(1, to: 2, seed: turn)
          try c.send(frame)
          #expect(try d.receive()?.frame == frame)
        }
        while try b.receiveAny(timeout: 0) != nil { got += 1 }
      }
      for pair in 0..<4 { #expect(try a.waitForTransmitted(pair: pair)) }
      while try b.receiveAny(timeout: 0) != nil { got += 1 }
      let status = try await bench.status("b")
      #expect(status.error == nil)
      #expect(Int(status.transmitPackets) == got)
      #expect(Int(status.dropsOut.values.reduce(0, +)) == sent - got, "\(status.dropsOut)")
      #expect(Set(status.dropsOut.keys).isSubset(of: ["carrier-down", "no-buffer"]))
    }
  }
}
