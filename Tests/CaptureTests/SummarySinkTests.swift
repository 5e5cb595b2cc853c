import GuestKit
import TestSupport
import Testing

@testable import Capture

/// Frames in words for who looks on, of which a flood is counted and not told.
@Suite struct SummarySinkTests {
  /// Blocks of a capture of `count` frames; the first of all with its head.
  private static func blocks(_ count: Int, hasHead: Bool = true, dropped: UInt64? = nil) -> [UInt8] {
    var writer = PcapngWriter()
    if hasHead {
      writer.add(PcapngSection())
      var interface = PcapngInterface()
      interface.name = "a.eth0"
      writer.add(interface)
    }
    for number in 0..<count {
      var packet = PcapngPacket()
      packet.timestamp = UInt64(number)
      packet.originalLength = 100 + number
      packet.flags = number % 2 == 0 ? Pcapng.Flags.inbound : Pcapng.Flags.outbound
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      writer.add(packet, builder.plain(size: 60, seed: number))
    }
    if let dropped {
      var statistics = PcapngStatistics()
      statistics.dropped = dropped
      writer.add(statistics)
    }
    return writer.take()
  }

  /// All that a sink has to tell, once it is closed.
  private static func all(_ sink: SummarySink) async -> (frames: [SummarizedFrame], lost: UInt64) {
    var (frames, lost): ([SummarizedFrame], UInt64) = ([], 0)
    while let news = await sink.next() {
      switch news {
      case .frame(let frame): frames.append(frame)
      case .lost(let count): lost += count
      }
    }
    return (frames, lost)
  }

  @Test func framesComeInOrderWithTheirWords() async throws {
    let sink = SummarySink(rate: 1000)
    try sink.write(Self.blocks(3)) { false }
    try sink.write(Self.blocks(2, hasHead: false)) { false }
    sink.close()
    let (frames, lost) = await Self.all(sink)
    #expect(frames.map(\.time) == [0, 1, 2, 0, 1] && lost == 0)
    #expect(frames.map(\.isInbound) == [true, false, true, true, false])
    #expect(frames.allSatisfy { $0.interface == "a.eth0" && $0.summary.source == "02:00:00:00:00:01" })
    #expect(frames.map(\.summary.length) == [100, 101, 102, 100, 101])
  }

  @Test func aFloodIsCounted() async throws {
    let sink = SummarySink(rate: 10)
    for round in 0..<100 { try sink.write(Self.blocks(50, hasHead: round == 0)) { false } }
    sink.close()
    let (frames, lost) = await Self.all(sink)
    // Half of the rate at once, and what was allowed meanwhile, on however slow a machine.
    #expect(frames.count >= 5 && frames.count < 2500, "\(frames.count)")
    #expect(UInt64(frames.count) + lost == 5000)
  }

  @Test func nobodyWhoAsksMakesNothingPileUp() async throws {
    let sink = SummarySink(rate: 1_000_000)
    for round in 0..<100 { try sink.write(Self.blocks(50, hasHead: round == 0)) { false } }
    sink.close()
    let (frames, lost) = await Self.all(sink)
    #expect(frames.count == 1024 && lost == 5000 - 1024)
  }

  @Test func whatTheCaptureLostIsTold() async throws {
    let sink = SummarySink(rate: 1000)
    try sink.write(Self.blocks(1, dropped: 7)) { false }
    try sink.write(Self.blocks(1, hasHead: false, dropped: 9)) { false }
    sink.close()
    let (frames, lost) = await Self.all(sink)
    #expect(frames.count == 2 && lost == 9)
  }

  @Test func itEndsWithItsCount() async throws {
    let sink = SummarySink(rate: 1000, count: 3)
    #expect(throws: CaptureSinkError.readerGone) { try sink.write(Self.blocks(5)) { false } }
    sink.close()
    #expect(await Self.all(sink).frames.count == 3)
  }

  @Test func whoGoesAwayEndsIt() async throws {
    let sink = SummarySink(rate: 1000)
    let waiting = Task { await sink.next() }
    waiting.cancel()
    #expect(await waiting.value == nil)
    #expect(sink.isAbandoned)
    #expect(throws: CaptureSinkError.readerGone) { try sink.write(Self.blocks(1)) { false } }
  }

  @Test func bytesThatAreNoCaptureAreRefused() {
    let sink = SummarySink(rate: 1000)
    #expect(throws: CaptureSinkError.self) { try sink.write([UInt8](repeating: 1, count: 64)) { false } }
  }

  /// Frames of a data plane, from its ring to the words.
  @Test func framesOfAPort() async throws {
    try await CaptureBench.with { bench in
      let sink = SummarySink(rate: 1000, count: 4)
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: sink)
      try bench.send((0..<6).map { bench.frame(seed: $0) })
      #expect(await session.ended().outcome == .readerGone)
      let (frames, _) = await Self.all(sink)
      #expect(frames.map(\.interface) == Array(repeating: "a.eth0", count: 4))
    }
  }
}
