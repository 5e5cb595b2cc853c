import Frames
import GuestKit
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Several workers, with guests that send all the time while queues move and ports, captures and settings come and go.
struct TeamTests {
  /// Guests `0...` on one switch, each of which sends to the next one and the one after that.
  private func talk(
    workers: Int, guests: Int = 4, frames: Int, meanwhile: @Sendable (Bench) async throws -> Void
  ) async throws -> [Talker] {
    let talkers = Mutex<[Talker]>([])
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      let counts = TalkCounts(guests: guests)
      var all: [Talker] = []
      for number in 0..<guests {
        let guest = try await bench.addGuest("g\(number)", .access(vlan: 1)) { $0.ringSize = 256 }
        all.append(Talker(guest, number: number, counts))
      }
      for talker in all { try talker.introduce() }
      for talker in all { try talker.drain() }
      for talker in all { try talker.start(frames: frames) }
      while all.contains(where: { !$0.hasEnded }) { try await meanwhile(bench) }
      for talker in all { talker.join() }
      talkers.withLock { $0 = all }
      for number in 0..<guests {
        let status = try await bench.status("g\(number)")
        #expect(status.dropsIn.isEmpty && status.dropsOut.isEmpty, "\(status.dropsIn) \(status.dropsOut)")
        #expect(status.receivePackets == UInt64(frames * 2 + 1))
      }
    }
    return talkers.withLock { $0 }
  }

  private func check(_ talkers: [Talker]) {
    for talker in talkers {
      #expect(talker.problem == nil)
    }
  }

  @Test(arguments: [2, 3]) func flowsKeepTheirOrderWhileQueuesMove(workers: Int) async throws {
    let talkers = try await talk(workers: workers, frames: 20_000) { bench in
      let (port, worker) = (Int.random(in: 0..<4), Int.random(in: 0..<workers))
      await bench.dataplane.move(port: port, queue: 0, to: worker)
      try await Task.sleep(for: .microseconds(300))
    }
    check(talkers)
  }

  @Test func portsComeAndGoWhileOthersTalk() async throws {
    let talkers = try await talk(workers: 3, frames: 15_000) { bench in
      _ = try await bench.addPort("extra", .access(vlan: 1))
      _ = await bench.dataplane.ports()
      try await bench.dataplane.setMode(port: "extra", .access(vlan: 2))
      try await bench.dataplane.setCarrier(port: "extra", up: false)
      try await bench.dataplane.removePort("extra")
      await bench.dataplane.move(port: Int.random(in: 0..<4), queue: 0, to: Int.random(in: 0..<3))
    }
    check(talkers)
  }

  @Test func capturesComeAndGoWhileGuestsTalk() async throws {
    let talkers = try await talk(workers: 2, frames: 10_000) { bench in
      let capture = try await bench.dataplane.startCapture(ports: ["g0", "g1"])
      try await Task.sleep(for: .milliseconds(2))
      _ = try await bench.dataplane.addPort("g2", to: capture)
      await bench.dataplane.move(port: Int.random(in: 0..<4), queue: 0, to: Int.random(in: 0..<2))
      try await bench.dataplane.removePort("g0", from: capture)
      await bench.dataplane.stopCapture(capture)
      var bytes: [UInt8] = []
      var last: [UInt64] = [0, 0, 0]
      while let record = capture.next(into: &bytes) {
        let interface = Int(record.interface)
        #expect(record.timestamp >= last[interface])
        last[interface] = record.timestamp
      }
    }
    check(talkers)
  }

  @Test func newQueuesAreSpread() async throws {
    try await Bench.with(workers: 3) { bench in
      try await bench.addSwitch()
      for number in 0..<6 { try await bench.addGuest("g\(number)", .access(vlan: 1)) }
      var workers: [Int: Int] = [:]
      for number in 0..<6 {
        let queues = try #require(try await bench.status("g\(number)").vhostUser?.queues)
        #expect(queues.count == 2)
        workers[queues[1].worker, default: 0] += 1
      }
      #expect(workers == [0: 2, 1: 2, 2: 2])
      // One that leaves and comes again.
      try await bench.dataplane.removePort("g0")
      bench.dropGuest("g0")
      try await bench.addGuest("g0", .access(vlan: 1))
      try bench.expect(
        FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(7)).plain(size: 60), from: "g1",
        reaches: Dictionary(
          uniqueKeysWithValues: [0, 2, 3, 4, 5].map {
            ("g\($0)", FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(7)).plain(size: 60))
          }))
    }
  }

  @Test func impairedFramesOfAnyWorkerLeaveInTime() async throws {
    try await Bench.with(workers: 3) { bench in
      try await bench.addSwitch()
      for number in 0..<3 { try await bench.addGuest("g\(number)", .access(vlan: 1)) }
      var delay = Impairment()
      delay.delay = 20_000_000
      try await bench.dataplane.setImpairment(port: "g2", fromNode: nil, toNode: delay)
      // Nobody else has anything to do, so the first worker sleeps, for a second at a time, and is woken for each: otherwise
      // these took ten seconds, and not two tenths of one.
      let start = ContinuousClock.now
      for turn in 0..<10 {
        let frame = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 60, seed: turn)
        try bench.guest("g1").send(frame)
        let received = try bench.guest("g2").receive(timeout: 5000)
        #expect(received?.frame == frame)
      }
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }

  @Test func aRingThatBreaksStopsAlone() async throws {
    try await Bench.with(workers: 3) { bench in
      try await bench.addSwitch()
      for number in 0..<4 { try await bench.addGuest("g\(number)", .access(vlan: 1)) }
      for broken in 0..<3 {
        // A descriptor outside of all memory.
        let ring = try bench.guest("g\(broken)").rings[1]
        _ = try ring.add([.init(1 << 60, 100, isWritable: false)], isIndirect: false)
        ring.publish()
        ring.kickIfWanted()
        _ = try await bench.fault("g\(broken)")
        #expect(await eventually { (try? await bench.status("g\(broken)").carrier) == false })
        #expect(try await bench.status("g3").carrier)
      }
    }
  }
}

extension Dataplane {
  /// Gives a queue of a port, by its number, to a worker.
  fileprivate func move(port: Int, queue: Int, to worker: Int) async {
    await self.worker.run { $0.coldMoveQueue(port, queue, to: worker) }
  }
}
