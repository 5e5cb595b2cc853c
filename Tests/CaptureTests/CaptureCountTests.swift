import Capture
import Dataplane
import GuestKit
import LinuxHost
import Synchronization
import Testing

/// The last counts in a file are those of its frames, however much still waited when the capture ended.
@Suite struct CaptureCountTests {
  /// Takes nothing until it is opened.
  private final class GatedSink: CaptureSink {
    private let isOpen = Mutex(false)
    private let taken = Mutex<[UInt8]>([])

    var bytes: [UInt8] { taken.withLock { $0 } }

    func open() { isOpen.withLock { $0 = true } }

    func write(_ blocks: [UInt8], isCancelled: () -> Bool) {
      while !isOpen.withLock({ $0 }) { HostClock.pause(microseconds: 1000) }
      taken.withLock { $0 += blocks }
    }

    func close() {}
  }

  /// Sends more frames than the capture takes in one go.
  private func sendMany(_ bench: CaptureBench) throws -> UInt64 {
    for round in 0..<200 { try bench.send((0..<30).map { bench.frame(seed: round + $0) }) }
    return 6000
  }

  @Test func atTheEndOfItsTime() async throws {
    try await CaptureBench.with { bench in
      let sink = GatedSink()
      defer { sink.open() }
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with { $0.duration = .milliseconds(1) }, to: sink)
      let sent = try sendMany(bench)
      sink.open()
      let status = await session.ended()
      #expect(status.outcome == .durationOver && status.counts.dropped == 0)
      #expect(status.counts.received == sent && status.written == sent)
      let contents = try FileContents(sink.bytes)
      #expect(contents.packets.count == Int(sent))
      let last = try #require(contents.statistics.last)
      #expect([last.received, last.dropped, last.accepted, last.delivered] == [sent, 0, sent, sent])
    }
  }

  /// A port that has gone, some of whose frames were not written yet when statistics were due.
  @Test func ofAPortThatHasGone() async throws {
    try await CaptureBench.with { bench in
      let sink = GatedSink()
      defer { sink.open() }
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with { $0.statisticsInterval = .milliseconds(1) }, to: sink)
      let sent = try sendMany(bench)
      try await bench.dataplane.removePort("a.eth0")
      sink.open()
      let status = await session.ended()
      #expect(status.outcome == .portsRemoved && status.written == sent)
      let last = try #require(try FileContents(sink.bytes).statistics.last)
      #expect([last.received, last.dropped, last.accepted, last.delivered] == [sent, 0, sent, sent])
    }
  }
}
