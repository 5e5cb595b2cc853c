import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// Switches of so many stations that they are asked for ahead: frames go where they would go in a small one.
@Suite struct AskAheadTests {
  /// The rules, as plainly as they can be written: where each frame of a port goes, one after the other.
  private struct PlainSwitch {
    var ports: [Int: Int] = [:]

    mutating func outputs(_ source: Int, to destination: Int?, vlan: Int, from port: Int) -> [Int] {
      ports[vlan << 24 | source] = port
      guard let destination, let known = ports[vlan << 24 | destination] else { return (0..<3).filter { $0 != port } }
      return known == port ? [] : [known]
    }
  }

  /// Stations that nobody speaks of, so that the table is a large one.
  private func fill(_ bench: DrivenBench) {
    for station in 0..<20_000 { bench.worker.know(UInt64(station) << 24 | 0x0A_0002, vlan: 9, port: station % 3) }
  }

  @Test(arguments: [false, true])
  func framesGoWhereAPlainSwitchHasThemGo(isTrunk: Bool) throws {
    let bench = try DrivenBench { $0.fdbLimit = 1 << 17 }
    for _ in 0..<3 { try bench.addGuest(isTrunk ? .trunk(allowed: .all, native: 1) : .access(vlan: 1)) }
    fill(bench)
    var plain = PlainSwitch()
    var random = SeededRandom(seed: isTrunk ? 1 : 2)
    for round in 0..<120 {
      let port = round % 3
      var (frames, expected) = ([[UInt8]](), [[[UInt8]]](repeating: [], count: 3))
      for number in 0..<Int.random(in: 1...48, using: &random) {
        // Its own as a rule, now and then one that has moved here; within a burst too.
        let own = 3 * Int.random(in: 0..<40, using: &random) + port
        let source = 1 + (Int.random(in: 0..<12, using: &random) == 0 ? Int.random(in: 0..<120, using: &random) : own)
        let group = Int.random(in: 0..<20, using: &random) == 0
        let destination = group ? nil : 1 + Int.random(in: 0..<140, using: &random)
        let vlan = isTrunk ? Int.random(in: 1...3, using: &random) : 1
        // Now and then a conversation.
        for repeated in 0..<(number % 9 == 0 ? 5 : 1) {
          let frame = frame(
            source, to: destination, tags: vlan == 1 ? [] : [.init(UInt16(vlan))], size: 80,
            seed: round + number + repeated)
          frames.append(frame)
          for output in plain.outputs(source, to: destination, vlan: vlan, from: port) {
            expected[output].append(frame)
          }
        }
      }
      try bench.send(frames, from: port, at: 0)
      for output in 0..<3 { #expect(try bench.frames(output) == expected[output]) }
    }
  }

  /// What a port remembers of a station is not believed where the station has moved since, or its port into another VLAN.
  @Test(arguments: [false, true])
  func aStationThatIsElsewhereIsFollowed(inTurns: Bool) throws {
    let bench = try DrivenBench { $0.fdbLimit = 1 << 17 }
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    fill(bench)
    for (station, port) in [(1, 0), (2, 0), (3, 1), (4, 2)] { try bench.send([frame(station)], from: port, at: 0) }
    // Of two sources in turns no frame is of a conversation.
    let burst = (0..<8).map { frame(inTurns ? 1 + $0 % 2 : 1, to: 3, seed: $0) }
    func sent(_ frames: [[UInt8]], from port: Int) throws -> [[[UInt8]]] {
      for port in 0..<3 { _ = try bench.frames(port) }
      try bench.send(frames, from: port, at: 0)
      return try (0..<3).map { try bench.frames($0) }
    }
    // The port remembers where station 3 is.
    #expect(try sent([frame(1, to: 3)], from: 0) == [[], [frame(1, to: 3)], []])
    #expect(try sent(burst, from: 0) == [[], burst, []])
    _ = try sent([frame(3)], from: 2)
    #expect(try sent(burst, from: 0) == [[], [], burst])
    _ = try sent([frame(3)], from: 1)
    #expect(try sent([frame(1, to: 3)], from: 0) == [[], [frame(1, to: 3)], []])
    bench.worker.setMode(port: 1, .access(vlan: 2))
    #expect(try sent(burst, from: 0) == [[], [], burst])
  }

  /// A port that only learns, and one that discards, do so in a large table too.
  @Test func statesOfPortsAreKept() throws {
    let bench = try DrivenBench { $0.fdbLimit = 1 << 17 }
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    fill(bench)
    try bench.send((0..<8).map { frame(10 + $0, to: 99) }, from: 0, at: 0)
    try bench.send((0..<8).map { frame(20 + $0, to: 99) }, from: 1, at: 0)
    for port in 0..<3 { _ = try bench.frames(port) }
    let burst = (0..<8).map { frame(10 + $0, to: 20 + $0) }
    try bench.send(burst, from: 0, at: 0)
    #expect(try bench.frames(1) == burst)
    bench.worker.setForwarding(port: 0, discarding: VLANSet([1...1]))
    try bench.send(burst, from: 0, at: 0)
    #expect(try bench.frames(1).isEmpty)
    #expect(bench.drops(0)["not-forwarding"] == 8)
    bench.worker.setForwarding(port: 0, discarding: nil)
    bench.worker.setForwarding(port: 1, discarding: VLANSet([1...1]))
    try bench.send(burst, from: 0, at: 0)
    #expect(try bench.frames(1).isEmpty)
    #expect(try bench.frames(2).isEmpty)
  }

  /// A carrier that goes, and a second in which nobody of many was heard: the worker goes on, and forgets beside its work.
  @Test func manyStationsAreForgottenBesideTheWork() throws {
    let bench = try DrivenBench { $0.fdbLimit = 1 << 17 }
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    let count = 5000
    func know() {
      for station in 0..<count { bench.worker.know(UInt64(station) << 24 | 0x0A_0002, port: 0) }
    }
    func pay(_ most: Int) throws {
      var turns = 0
      while bench.worker.payDebts() {
        turns += 1
        guard turns < 1000 else { break }
        if turns % 10 == 0 {
          try bench.send([frame(2, to: 3)], from: 1, at: 0)
          #expect(try bench.frames(2).count == 1)
        }
      }
      #expect((count / FDB.pieceCount - 4...most).contains(turns))
    }
    know()
    #expect(bench.worker.stationCount == count)
    bench.setCarrier(0, up: false)
    #expect((count - 300..<count).contains(bench.worker.stationCount))
    try pay(count / FDB.pieceCount + 1)
    #expect(bench.worker.stationCount == 1)
    bench.setCarrier(0, up: true)
    know()
    bench.worker.tick += 400
    #expect((count - 300..<count).contains(bench.worker.stationCount))
    try pay(count / FDB.pieceCount + 2)
    #expect(bench.worker.stationCount == 1)
    #expect(bench.worker.longestHold <= FDB.pieceCount)
  }
}
