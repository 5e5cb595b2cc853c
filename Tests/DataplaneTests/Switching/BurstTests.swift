import GuestKit
import Testing

@testable import Dataplane

/// Frames that come in one burst: each is judged as if it had come alone.
@Suite(.everyRingFormat) struct BurstTests {
  private func frame(_ source: Int, to destination: Int, _ seed: Int) -> [UInt8] {
    GuestKit.frame(source, to: destination, size: 64, seed: seed)
  }

  private func threePorts() throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    return bench
  }

  /// That nobody knows a station is true until it speaks, be it in the same burst.
  @Test func aStationThatSpeaksInTheBurstIsKnownAfterwards() throws {
    let bench = try threePorts()
    // A broadcast: nobody is looked up for it, so that nothing takes the place of what is remembered.
    let hello = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(9)).plain(size: 64)
    let sent = [frame(1, to: 9, 0), frame(1, to: 9, 1), hello, frame(1, to: 9, 3), frame(1, to: 5, 4)]
    try bench.send(sent, from: 0, at: 1)
    let flooded = [sent[0], sent[1], sent[2], sent[4]]
    #expect(try bench.frames(1) == flooded)
    #expect(try bench.frames(2) == flooded)
    #expect(bench.drops(0) == ["hairpin": 1])
  }

  /// Nor is it remembered from one burst to the next.
  @Test func aStationThatSpeaksBetweenBurstsIsKnownAfterwards() throws {
    let bench = try threePorts()
    try bench.send([frame(1, to: 2, 0), frame(1, to: 2, 1)], from: 0, at: 1)
    #expect(try bench.frames(1).count == 2 && bench.frames(2).count == 2)
    try bench.send([frame(2, to: 7, 2)], from: 1, at: 2)
    _ = try (bench.frames(0), bench.frames(2))
    let known = [frame(1, to: 2, 3), frame(1, to: 2, 4)]
    try bench.send(known, from: 0, at: 3)
    #expect(try bench.frames(1) == known)
    #expect(try bench.frames(2) == [])
  }

  /// An unknown station of one VLAN may be known in another.
  @Test func unknownIsOfOneVLAN() throws {
    let bench = try DrivenBench()
    let trunk = PortMode.trunk(allowed: .all, native: nil)
    for _ in 0..<3 { try bench.addGuest(trunk) }
    func tagged(_ vlan: UInt16, _ seed: Int) -> [UInt8] {
      GuestKit.frame(1, to: 2, tags: [.init(vlan)], size: 68, seed: seed)
    }
    try bench.send([GuestKit.frame(2, to: 7, tags: [.init(20)], size: 68, seed: 9)], from: 1, at: 1)
    _ = try (bench.frames(0), bench.frames(2))
    let sent = [tagged(10, 0), tagged(10, 1), tagged(20, 2), tagged(10, 3), tagged(20, 4)]
    try bench.send(sent, from: 0, at: 2)
    #expect(try bench.frames(1) == sent)
    #expect(try bench.frames(2) == [sent[0], sent[1], sent[3]])
  }

  /// A wire passes on what it may around what it may not, in order.
  @Test func aRuntOnAWireIsDroppedAlone() throws {
    let bench = try DrivenBench.wire()
    let sent = (0..<5).map { frame(1, to: 2, $0) }
    try bench.send(
      [sent[0], [1, 2, 3], sent[1], sent[2], Array(sent[0].prefix(13)), sent[3], sent[4]], from: 0, at: 1)
    #expect(try bench.frames(1) == sent)
    #expect(bench.drops(0) == ["runt": 2])
    let counts = bench.worker.counts(port: 0)
    #expect(counts.received == 7)
  }

  /// Frames that need an edit among those that need none, in order.
  @Test func framesWithAndWithoutATagKeepTheirOrder() throws {
    let bench = try DrivenBench()
    let trunk = PortMode.trunk(allowed: .all, native: 1)
    for _ in 0..<2 { try bench.addGuest(trunk) }
    try bench.send(
      [frame(2, to: 7, 0), GuestKit.frame(2, to: 7, tags: [.init(10)], size: 68, seed: 0)], from: 1, at: 1)
    _ = try bench.frames(0)
    let sent = (0..<60).map { seed in
      seed % 5 < 2 ? GuestKit.frame(1, to: 2, tags: [.init(10)], size: 64 + seed, seed: seed) : frame(1, to: 2, seed)
    }
    try bench.send(sent, from: 0, at: 2)
    #expect(try bench.frames(1) == sent)
  }
}
