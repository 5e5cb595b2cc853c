import Dataplane
import GuestKit
import Synchronization
import Testing

/// The recorder that knows the last frames before anybody asks.
@Suite struct FlightRecorderTests {
  /// What a recorded frame says, in a line: port, outputs, reason.
  private func line(_ frame: RecordedFrame) -> String {
    let outputs = frame.outputs.map(String.init).joined(separator: ",")
    return "\(frame.port)>\(outputs)" + (frame.drop.name.map { " \($0)" } ?? "")
  }

  private func bench(ports modes: [PortMode], ringSize: Int = 256) throws -> DrivenBench {
    let bench = try DrivenBench(recorderSize: 1 << 20)
    for mode in modes { try bench.addGuest(mode, ringSize: ringSize) }
    return bench
  }

  @Test func framesAreRecordedOnceWithWhereTheyWent() throws {
    let bench = try bench(ports: Array(repeating: .access(vlan: 1), count: 4))
    try bench.send([frame(1)], from: 0, at: 1)
    try bench.send([frame(2, to: 1, size: 60)], from: 1, at: 2)
    let talk = (0..<70).map { frame(1, to: 2, size: 64 + $0, seed: $0) }
    try bench.send(talk, from: 0, at: 3)
    try bench.send(
      [frame(9, tags: [.init(7)]), frame(2, to: 9), frame(2, to: 1), Array(frame(1).prefix(9))], from: 1, at: 4)
    let recording = bench.worker.recording()
    #expect(recording.ports.map(\.name) == ["0", "1", "2", "3"])
    let lines = recording.frames.map(line)
    #expect(lines.prefix(2) == ["0>1,2,3", "1>0"])
    #expect(lines.dropFirst(2).prefix(70).allSatisfy { $0 == "0>1" })
    #expect(lines.suffix(4) == ["1> vlan-filtered", "1>0,2,3", "1>0", "1> runt"])
    #expect(recording.frames.dropFirst(2).prefix(70).map(\.bytes) == talk.map { Array($0.prefix(64)) })
    #expect(recording.frames.dropFirst(2).prefix(70).map(\.length) == talk.map(\.count))
    #expect(recording.frames.last?.bytes == Array(frame(1).prefix(9)))
    let times = recording.frames.map(\.timestamp)
    #expect(times == times.sorted() && times[0] > 1_700_000_000_000_000_000)
  }

  @Test func floodsToManyAreCounted() throws {
    let bench = try bench(ports: Array(repeating: .access(vlan: 1), count: 12), ringSize: 32)
    try bench.send([frame(1)], from: 4, at: 1)
    let frame = try #require(bench.worker.recording().frames.first)
    #expect(frame.port == 4 && frame.outputCount == 11 && frame.outputs == [0, 1, 2, 3, 5, 6, 7])
  }

  @Test func dropsOnTheWayOutAreNoted() throws {
    let bench = try bench(ports: [.wire, .wire], ringSize: 16)
    bench.worker.connect(0, 1)
    for seed in 0..<20 { try bench.send([frame(1, seed: seed)], from: 0, at: UInt64(seed)) }
    bench.setCarrier(1, up: false)
    try bench.send([frame(1)], from: 0, at: 100)
    bench.setCarrier(0, up: false)
    try bench.send([frame(1)], from: 0, at: 101)
    let lines = bench.worker.recording().frames.map(line)
    #expect(lines.prefix(16).allSatisfy { $0 == "0>1" })
    #expect(lines.dropFirst(16).prefix(4).allSatisfy { $0 == "0>1 no-buffer" })
    #expect(lines.suffix(2) == ["0>1 carrier-down", "0> port-down"])
  }

  /// Frames that are held are recorded when they come, and not again when they go on.
  @Test func heldFramesAreRecordedWhenTheyCome() throws {
    let bench = try bench(ports: [.wire, .wire])
    bench.worker.connect(0, 1)
    bench.impair(0, fromNode: .with { $0.delay = 10 })
    try bench.send((0..<5).map { frame(1, seed: $0) }, from: 0, at: 1)
    bench.breathe(at: 20)
    #expect(try bench.frames(1).count == 5)
    #expect(bench.worker.recording().frames.map(line) == Array(repeating: "0>", count: 5))
    bench.impair(0, fromNode: .with { $0.loss = 1 })
    try bench.send([frame(1)], from: 0, at: 21)
    #expect(bench.worker.recording().frames.last.map(line) == "0> impaired-loss")
  }

  /// The oldest go, the newest stay, whole and in order.
  @Test func itGoesRound() throws {
    let bench = try DrivenBench(recorderSize: 1)
    for _ in 0..<2 { try bench.addGuest(.wire) }
    bench.worker.connect(0, 1)
    var sent: [[UInt8]] = []
    for round in 0..<200 {
      let burst = (0..<(1 + round % 60)).map { frame(1, size: 60 + ($0 + round) % 40, seed: round * 3 + $0) }
      try bench.send(burst, from: 0, at: UInt64(round))
      _ = try bench.frames(1)
      sent += burst
    }
    let frames = bench.worker.recording().frames
    // 512 KiB, less those that the next burst might be written over.
    #expect(frames.count > 5000 && frames.count < (1 << 19) / 96)
    #expect(frames.map(\.bytes) == sent.suffix(frames.count).map { Array($0.prefix(64)) })
  }

  @Test func withoutARecorderThereIsNothing() throws {
    let bench = try DrivenBench.wire()
    try bench.send([frame(1)], from: 0, at: 1)
    #expect(bench.worker.recording().frames.isEmpty)
  }

  @Test func theDataPlaneKnowsThePortsOfThePast() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      _ = try bench.exchange(frame(1), from: "a")
      try await bench.dataplane.removePort("a")
      bench.dropGuest("a")
      // Takes the same number.
      try await bench.addGuest("c", .access(vlan: 1))
      _ = try bench.exchange(frame(2), from: "c")
      let recording = await bench.dataplane.recording(last: .seconds(60))
      let names = recording.frames.map { frame in
        [recording.ports[frame.port].name] + frame.outputs.map { recording.ports[$0].name }
      }
      #expect(names == [["a", "b"], ["c", "b"]])
      #expect(recording.ports.map(\.name) == ["a", "b", "c"] && recording.ports[0].switchName == "sw")
      #expect(await bench.dataplane.recording(last: .zero).frames.isEmpty)
      #expect(await bench.dataplane.recording().frames.count == 2)
    }
  }

  /// Read again and again while frames pass: no record is torn.
  @Test func recordsAreWholeWhileFramesPass() async throws {
    try await Bench.with(recorderSize: 1) { bench in
      let (a, b) = try await bench.addWire { $0.ringSize = 256 }
      let isDone = Mutex(false)
      let reader = Task.detached { [dataplane = bench.dataplane] in
        var (looks, seen, torn) = (0, 0, 0)
        while !isDone.withLock({ $0 }) {
          let recording = await dataplane.recording()
          looks += 1
          seen += recording.frames.count
          torn += recording.frames.filter { !Self.isWhole($0) }.count
        }
        return (looks, seen, torn)
      }
      for round in 0..<150 {
        let burst = (0..<50).map { frame(1, to: 2, size: 60 + ($0 * 7) % 500, seed: round + $0) }
        try a.send(burst: burst)
        #expect(try a.waitForTransmitted())
        _ = try b.receiveAll(quiet: 0)
      }
      isDone.withLock { $0 = true }
      let (looks, seen, torn) = await reader.value
      #expect(looks > 2 && seen > 1000 && torn == 0)
    }
  }

  /// The bytes of `FrameBuilder.plain` follow from the first of them.
  private static func isWhole(_ frame: RecordedFrame) -> Bool {
    guard frame.bytes.count == min(frame.length, 64), frame.bytes.count > 14, frame.outputs.count == 1 else {
      return false
    }
    return (14..<frame.bytes.count).allSatisfy {
      frame.bytes[$0] == frame.bytes[14] &+ UInt8(truncatingIfNeeded: ($0 - 14) &* 31)
    }
  }
}
