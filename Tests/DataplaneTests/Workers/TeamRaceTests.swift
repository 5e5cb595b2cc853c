import Frames
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Several workers whose turns threads of the test draw, under guests that send all the time: what workers share is shared
/// without a race (tools/check-races runs this under the thread sanitizer).
struct TeamRaceTests {
  /// Others than the first.
  private static let others = 2

  /// A team of which the test's thread is the first worker.
  private final class Team: @unchecked Sendable {
    let bench: DrivenBench
    private let isEnding = Atomic<Bool>(false)
    private var threads: [HostThread] = []

    init(_ guests: Int) throws {
      bench = try DrivenBench(workers: TeamRaceTests.others + 1)
      for number in 0..<guests {
        try bench.alone { try $0.addGuest(.access(vlan: 1), ringSize: 256) }
        bench.worker.know(FrameBuilder.address(number + 1).bits, port: number)
      }
    }

    func start() throws {
      for worker in 1...TeamRaceTests.others {
        let breathe = bench.worker.breathing(worker)
        threads.append(
          try HostThread.start(name: "worker\(worker)", cpu: nil) { [self] in
            while !isEnding.load(ordering: .relaxed) { if breathe() == 0 { HostClock.pause(microseconds: 20) } }
          })
      }
    }

    func end() {
      isEnding.store(true, ordering: .relaxed)
      for thread in threads { thread.join() }
    }
  }

  /// Guests talk while `change` is run again and again by the first worker, with how often it was.
  private func talk(frames: Int, _ change: (DrivenBench, Int) throws -> Void) throws {
    let team = try Team(4)
    let counts = TalkCounts(guests: 4)
    let talkers = team.bench.guests.enumerated().map { Talker($1, number: $0, counts) }
    try team.start()
    for talker in talkers { try talker.start(frames: frames) }
    var turn = 0
    while talkers.contains(where: { !$0.hasEnded }) {
      for _ in 0..<50 { if team.bench.worker.breathe() == 0 { HostClock.pause(microseconds: 10) } }
      try change(team.bench, turn)
      turn += 1
    }
    for talker in talkers { talker.join() }
    team.end()
    for (port, talker) in talkers.enumerated() {
      #expect(talker.problem == nil)
      #expect(team.bench.drops(port).isEmpty, "\(team.bench.drops(port))")
    }
    #expect(team.bench.worker.takeFaults().isEmpty)
    #expect(turn > 0)
  }

  @Test func queuesMove() throws {
    try talk(frames: 3000) { bench, _ in
      let (port, worker) = (Int.random(in: 0..<4), Int.random(in: 0...Self.others))
      bench.alone { $0.worker.move(port: port, to: worker) }
    }
  }

  @Test func settingsChange() throws {
    try talk(frames: 3000) { bench, turn in
      bench.alone { bench in
        // A port that nobody is at.
        let port = bench.worker.addPort(.access(vlan: 1))
        bench.worker.setMode(port: port, .access(vlan: 2))
        bench.worker.setCarrier(port: port, up: false)
        if turn % 2 == 0 { bench.worker.move(port: turn % 4, to: turn % 3) }
      }
      bench.alone { $0.worker.removeLast() }
    }
  }

  @Test func queuesAreSpreadByLoad() throws {
    try talk(frames: 3000) { bench, _ in bench.worker.core.coldRespread() }
  }

  @Test func framesAreHeldByAllWorkers() throws {
    let team = try Team(4)
    let counts = TalkCounts(guests: 4)
    let talkers = team.bench.guests.enumerated().map { Talker($1, number: $0, counts) }
    team.bench.alone { bench in
      for port in 0..<2 {
        bench.impair(port, toNode: .with { $0.delay = 100_000 })
        bench.impair(port + 2, fromNode: .with { $0.delay = 50_000 })
      }
      bench.worker.core.state.delays.isDriven = false
    }
    try team.start()
    for talker in talkers { try talker.start(frames: 1000) }
    while talkers.contains(where: { !$0.hasEnded }) {
      team.bench.worker.core.state.delays.readClock()
      if team.bench.worker.breathe() == 0 { HostClock.pause(microseconds: 10) }
    }
    for talker in talkers { talker.join() }
    team.end()
    for talker in talkers { #expect(talker.problem == nil) }
  }
}
