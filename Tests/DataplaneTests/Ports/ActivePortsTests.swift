import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// Workers of many ports: those that are silent are at rest, and are heard all the same.
@Suite struct ActivePortsTests {
  private func bench(_ count: Int) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<count { try bench.addGuest(.access(vlan: 1), ringSize: 16, bufferSize: 256) }
    return bench
  }

  /// Breaths until a port's frame is taken.
  private func breaths(_ bench: DrivenBench, until port: Int, _ frame: [UInt8]) throws -> Int {
    let before = bench.worker.counts(port: port).received
    try bench.guests[port].send(burst: [frame])
    for breath in 1...1000 {
      _ = bench.worker.breathe()
      if bench.worker.counts(port: port).received > before { return breath }
    }
    return .max
  }

  /// A frame of a port that was silent waits for its turn, the next ones do not.
  @Test func aPortAtRestIsHeardInItsTurn() throws {
    let count = 200
    let bench = try bench(count)
    for _ in 0..<60 { _ = bench.worker.breathe() }
    for port in [199, 3, 64, 130] {
      #expect(try breaths(bench, until: port, frame(port + 1)) <= count / ActivePorts.asideCount + 1)
      for _ in 0..<3 { #expect(try breaths(bench, until: port, frame(port + 1)) == 1) }
    }
  }

  /// A node at rest is asked to kick, one that speaks is not.
  @Test func aPortAtRestKicks() throws {
    let bench = try bench(80)
    var kicks: [Int] { bench.guests.map { $0.rings[1].kickCount } }
    for _ in 0..<60 { _ = bench.worker.breathe() }
    let before = kicks
    try bench.guests[70].send(burst: [frame(71)])
    #expect(kicks[70] == before[70] + 1)
    for _ in 0..<20 { _ = bench.worker.breathe() }
    for _ in 0..<5 { #expect(try breaths(bench, until: 70, frame(71)) == 1) }
    #expect(kicks[70] == before[70] + 1)
  }

  /// Empty breaths alone bring no port to rest: one that sends every some microseconds is looked at in each of them.
  @Test func restTakesItsTime() throws {
    let bench = try bench(80)
    for _ in 0..<60 { _ = bench.worker.breathe() }
    _ = try breaths(bench, until: 70, frame(71))
    let kicks = bench.guests[70].rings[1].kickCount
    bench.worker.cyclesPerBreath = ActivePorts.silence / 100
    for _ in 0..<3 {
      for _ in 0..<98 { _ = bench.worker.breathe() }
      #expect(try breaths(bench, until: 70, frame(71)) == 1)
      #expect(bench.guests[70].rings[1].kickCount == kicks)
    }
    for _ in 0..<110 { _ = bench.worker.breathe() }
    _ = try breaths(bench, until: 70, frame(71))
    #expect(bench.guests[70].rings[1].kickCount == kicks + 1)
  }

  /// Up to the crowd nothing rests: each port is looked at in each breath.
  @Test func fewPortsNeverRest() throws {
    let bench = try bench(ActivePorts.crowd)
    for _ in 0..<60 { _ = bench.worker.breathe() }
    for port in [63, 5] { #expect(try breaths(bench, until: port, frame(port + 1)) == 1) }
  }

  /// A worker with a thread of its own, which sleeps between frames: every port wakes it, and every frame arrives.
  @Test func aWorkerOfManyPortsIsWokenByEach() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for number in 0..<70 {
        try await bench.addGuest("n\(number)", .access(vlan: 1)) {
          $0.memorySize = 2 << 20
          $0.ringSize = 16
          $0.transmitSize = 512
        }
      }
      for number in 0..<70 { try bench.exchange(frame(number + 1), from: "n\(number)") }
      for round in 0..<70 {
        // Time enough to come to rest, and to sleep.
        if round % 10 == 0 { HostClock.pause(microseconds: 20_000) }
        let (from, to) = (round, (round * 31 + 7) % 70)
        guard from != to else { continue }
        let sent = frame(from + 1, to: to + 1, seed: round)
        try bench.expect(sent, from: "n\(from)", reaches: ["n\(to)": sent])
      }
    }
  }
}
