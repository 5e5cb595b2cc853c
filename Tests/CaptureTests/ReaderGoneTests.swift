import Capture
import Dataplane
import Glibc
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// Captures whose reader goes while no frame comes, and FIFOs that nobody reads.
@Suite struct ReaderGoneTests {
  /// How a capture of a quiet port ends, and how long that takes after `leave`.
  private func end(
    _ bench: CaptureBench, _ sink: any CaptureSink, _ leave: () -> Void
  ) async throws -> (outcome: CaptureOutcome?, time: Duration) {
    let session = try await CaptureSession.start(
      on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: sink)
    try await Task.sleep(for: .milliseconds(50))
    #expect(session.status.outcome == nil)
    let start = ContinuousClock.now
    leave()
    let outcome = await session.ended().outcome
    #expect(await eventually { await bench.dataplane.runningCaptures().isEmpty })
    return (outcome, ContinuousClock.now - start)
  }

  @Test(.timeLimit(.minutes(1))) func anAbandonedStreamEndsOnAQuietPort() async throws {
    try await CaptureBench.with { bench in
      let sink = StreamSink()
      let (outcome, time) = try await end(bench, sink) { sink.abandon() }
      #expect(outcome == .readerGone && time < .seconds(20))
    }
  }

  @Test(.timeLimit(.minutes(1))) func aClosedPipeEndsOnAQuietPort() async throws {
    try await CaptureBench.with { bench in
      Signals.ignorePipe()
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0)
      let reader = ends[0]
      let sink = DescriptorSink(Descriptor(owning: ends[1]), name: "pipe")
      let (outcome, time) = try await end(bench, sink) { close(reader) }
      #expect(outcome == .readerGone && time < .seconds(20))
    }
  }

  @Test(.timeLimit(.minutes(1))) func aFileIsNeverAbandoned() throws {
    let directory = try TemporaryDirectory()
    #expect(try !DescriptorSink(path: directory.path("x")).isAbandoned)
    #expect(try !DescriptorSink(path: "/dev/null").isAbandoned)
  }

  @Test(.timeLimit(.minutes(1))) func aFIFOIsNotWaitedForUnlessThatIsWanted() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("fifo")
    try #require(mkfifo(path, 0o600) == 0)
    #expect(throws: CaptureSinkError.failed("\(path): nobody reads it (ENXIO)")) {
      try DescriptorSink(path: path, mayWait: false)
    }
    let reader = try Descriptor.openFile(path)
    let sink = try DescriptorSink(path: path, mayWait: false)
    #expect(!sink.isAbandoned)
    try sink.write([1, 2, 3]) { false }
    #expect(try reader.read(size: 10) == [1, 2, 3])
  }
}
