import Capture
import Dataplane
import Glibc
import GuestKit
import Testing
import TestSupport

/// A captured file is sent again, frame by frame, at its own pace.
@Suite struct ReplayTests {
  private func file(_ path: String, _ frames: [(frame: [UInt8], time: UInt64, flags: UInt32)]) throws {
    var writer = PcapngWriter()
    writer.add(PcapngSection())
    for name in ["x", "y"] {
      var interface = PcapngInterface()
      interface.name = name
      writer.add(interface)
    }
    for (number, item) in frames.enumerated() {
      var packet = PcapngPacket()
      packet.interface = UInt32(number % 2)
      packet.timestamp = item.time
      packet.originalLength = item.frame.count
      packet.flags = item.flags
      writer.add(packet, item.frame)
    }
    try DescriptorSink(path: path).write(writer.take()) { false }
  }

  @Test func framesComeAgainInTheirTime() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("in.pcapng")
      let frames = (0..<30).map { bench.frame(size: 60 + $0, seed: $0) }
      try file(
        path, frames.enumerated().map { ($1, 1_000_000_000 + UInt64($0 / 10) * 40_000_000, $0 % 2 == 0 ? 1 : 2) })
      let capture = try await bench.dataplane.startCapture(ports: ["a.eth0"])
      let start = ContinuousClock.now
      let counts = try await Replay().run(path, into: "a.eth0", of: bench.dataplane)
      #expect(ContinuousClock.now - start >= .milliseconds(80))
      #expect(counts.sent == 30 && counts.outbound == 15 && counts.others == 0)
      #expect(try bench.b.receiveAll(quiet: 20).map(\.frame) == frames)
      var times: [UInt64] = []
      var bytes: [UInt8] = []
      while let record = capture.next(into: &bytes) { times.append(record.timestamp) }
      // That it waits shows above; how long this machine lets it wait besides is no matter of the replay.
      #expect(times.count == 30 && times == times.sorted())

      var replay = Replay()
      replay.speed = 0
      replay.interfaces = ["x"]
      #expect(try await replay.run(path, into: "a.eth0", of: bench.dataplane).others == 15)
      replay.interfaces = nil
      replay.directions = .fromNode
      let half = try await replay.run(path, into: "a.eth0", of: bench.dataplane)
      #expect(half.sent == 15 && half.others == 15)
      replay.interfaces = ["y"]
      #expect(try await replay.run(path, into: "a.eth0", of: bench.dataplane).sent == 0)
    }
  }

  /// What is said of a file that was not replayed to its end.
  private func words(_ bench: CaptureBench, _ path: String, into port: String = "a.eth0") async -> String {
    do {
      let counts = try await Replay().run(path, into: port, of: bench.dataplane)
      return "\(counts)"
    } catch {
      return "\(error)"
    }
  }

  @Test(.timeLimit(.minutes(1))) func whatIsNoFileOfFramesIsRefused() async throws {
    try await CaptureBench.with { bench in
      let fifo = bench.directory.path("fifo")
      try #require(mkfifo(fifo, 0o600) == 0)
      let paths: [String] = [fifo, "/dev/null", bench.directory.path]
      for path in paths {
        #expect(await words(bench, path) == "\(path) is no regular file")
      }
      let empty = bench.directory.path("empty")
      _ = try DescriptorSink(path: empty)
      #expect(await words(bench, empty) == "\(empty) is empty: no capture file")
      #expect(await words(bench, "/nowhere") == "/nowhere: No such file or directory (ENOENT)")
    }
  }

  /// What was read whole is sent, and counted.
  @Test func aFileThatIsCutShortIsSentUpToThere() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("in.pcapng")
      let frames = (0..<30).map { bench.frame(size: 60 + $0, seed: $0) }
      try file(path, frames.map { ($0, 0, 1) })
      let whole = try read(path)
      try DescriptorSink(path: path).write(Array(whole.dropLast(3))) { false }
      let rest = "the capture file is cut short in the middle of a block"
      #expect(await words(bench, path) == "\(path): 29 frames were sent, then: \(rest)")
      #expect(try bench.b.receiveAll(quiet: 20).map(\.frame) == Array(frames.dropLast()))
      try DescriptorSink(path: path).write(whole + [6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]) { false }
      #expect(
        await words(bench, path)
          == "\(path): 30 frames were sent, then: the capture file is damaged at byte \(whole.count)")
      #expect(await words(bench, path, into: "nobody") == "there is no port nobody")
    }
  }

  @Test func whatCannotBeSentIsSaid() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("in.pcapng")
      try DescriptorSink(path: path).write([1, 2, 3, 4, 5]) { false }
      await #expect(throws: ReplayError.self) { try await Replay().run(path, into: "a.eth0", of: bench.dataplane) }
      await #expect(throws: ReplayError.self) {
        try await Replay().run("/nowhere", into: "a.eth0", of: bench.dataplane)
      }
      try file(path, [(bench.frame(), 1, 1)])
      await #expect(throws: ReplayError.self) { try await Replay().run(path, into: "nobody", of: bench.dataplane) }
      let task = Task { [dataplane = bench.dataplane] in
        try file(path, [(FrameBuilder.broadcast + FrameBuilder.broadcast + [8, 0], 0, 1), ([], 60_000_000_000, 1)])
        return try await Replay().run(path, into: "a.eth0", of: dataplane)
      }
      try await Task.sleep(for: .milliseconds(30))
      task.cancel()
      #expect(try await task.value.sent <= 1)
    }
  }
}
