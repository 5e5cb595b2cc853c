import Dataplane
import GuestKit
import TestSupport
import Testing
import VhostUser

/// Large frames from guest to guest: each receiver gets them as it takes them.
@Suite(.everyRingFormat) struct LargeFrameRingTests {
  private static let sends = VirtioFeature.checksum | VirtioFeature.hostTSO4 | VirtioFeature.hostTSO6
  private static let takes =
    VirtioFeature.guestChecksum | VirtioFeature.guestTSO4 | VirtioFeature.guestTSO6
    | VirtioFeature.mergeableBuffers
  private static let ms = DrivenBench.millisecond

  private func model(_ size: Int, isVersion4: Bool = true, to station: Int = 2) -> LargeFrameModel {
    var model = LargeFrameModel()
    model.destination = FrameBuilder.station(station)
    model.isVersion4 = isVersion4
    model.segmentSize = isVersion4 ? 1448 : 1428
    model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) }
    return model
  }

  /// A sender of large frames at port 0.
  private func bench(_ mode: PortMode) throws -> DrivenBench {
    let bench = try DrivenBench()
    try bench.addGuest(mode, features: Self.sends) { $0.ringSize = 64 }
    return bench
  }

  private func send(_ models: [LargeFrameModel], _ bench: DrivenBench, pieces: [Int] = [], at now: UInt64 = 1) throws {
    for model in models { try bench.guests[0].add(model.whole, header: model.header, pieces: pieces) }
    bench.guests[0].rings[1].publish()
    bench.breathe(at: now)
  }

  @Test(arguments: [true, false], [[], [12], [12, 66, 4096, 20_000]])
  func whoTakesThemGetsThemWhole(isVersion4: Bool, pieces: [Int]) throws {
    for layout in [[2048], [66_000], [100, 4000, 62_000]] {
      let bench = try bench(.wire)
      try bench.addGuest(.wire, features: Self.takes) {
        $0.receiveLayout = layout
        $0.ringSize = 64
      }
      bench.worker.connect(0, 1)
      let models = [1449, 5000, 40_000, 65_000].map { model($0, isVersion4: isVersion4) }
      for model in models {
        try send([model], bench, pieces: pieces)
        let received = try bench.received(1)
        #expect(received.map(\.frame) == [model.whole])
        var header = model.header
        header.bufferCount = received.first?.header.bufferCount ?? 0
        #expect(received.map(\.header) == [header])
      }
      #expect(bench.worker.counts(port: 1).transmitted == 4 && bench.worker.counts(port: 0).received == 4)
    }
  }

  /// A flood to three receivers, each with other features, over access ports and a trunk.
  @Test(arguments: [true, false]) func everyReceiverOfAFloodGetsItsOwn(isVersion4: Bool) throws {
    let bench = try bench(.access(vlan: 7))
    try bench.addGuest(.access(vlan: 7), features: Self.takes) { _ in }
    try bench.addGuest(.access(vlan: 7), features: VirtioFeature.guestChecksum) { _ in }
    try bench.addGuest(.access(vlan: 7), features: 0) { _ in }
    try bench.addGuest(.trunk(allowed: .all, native: nil), features: Self.takes) { _ in }
    try bench.addGuest(.trunk(allowed: .all, native: nil), features: 0) { _ in }
    let sent = model(20_000, isVersion4: isVersion4, to: 99)
    try send([sent], bench)
    #expect(try bench.frames(1) == [sent.whole])
    let partial = try bench.received(2)
    #expect(partial.map(\.frame) == sent.segments(.partial))
    var header = sent.segmentHeader
    header.bufferCount = 1
    #expect(partial.allSatisfy { $0.header == header })
    #expect(try bench.frames(3) == sent.segments(.full))
    #expect(try bench.frames(4) == [tagged(7, sent.whole)])
    #expect(try bench.frames(5) == sent.segments(.full).map { tagged(7, $0) })
    #expect((0..<6).allSatisfy { bench.drops($0).isEmpty })
    #expect(bench.worker.counts(port: 3).transmitted == UInt64(sent.segments(.full).count))
  }

  /// Without room for every segment the rest is lost and counted, as frames that would have left; nothing else suffers.
  @Test func segmentsWithoutRoomAreCounted() throws {
    let bench = try bench(.wire)
    try bench.addGuest(.wire, features: 0) {
      $0.ringSize = 16
      $0.receiveCount = 10
    }
    bench.worker.connect(0, 1)
    let sent = model(20_000)
    let segments = sent.segments(.full)
    try send([sent, sent], bench)
    #expect(try bench.frames(1) == Array(segments.prefix(10)))
    #expect(bench.drops(1) == ["no-buffer": UInt64(2 * segments.count - 10)])
    #expect(bench.worker.counts(port: 1).transmitted == 10)
    try send([model(3000)], bench)
    #expect(try bench.frames(1) == model(3000).segments(.full))
    #expect(try bench.guests[0].waitForTransmitted(timeout: 0))
  }

  /// A line holds, counts and delays what will be on the wire.
  @Test func linesHoldSegments() throws {
    let bench = try bench(.wire)
    try bench.addGuest(.wire, features: Self.takes) { _ in }
    bench.worker.connect(0, 1)
    let sent = model(20_000)
    let segments = sent.segments(.partial)
    bench.impair(0, fromNode: .with { $0.delay = 10 * Self.ms })
    try send([sent], bench)
    #expect(try bench.frames(1).isEmpty)
    bench.breathe(at: 11 * Self.ms)
    #expect(try bench.frames(1) == segments)
    bench.impair(0)
    bench.impair(1, toNode: .with { $0.loss = 1 })
    try send([sent], bench, at: 12 * Self.ms)
    #expect(bench.drops(1) == ["impaired-loss": UInt64(segments.count)])
    bench.impair(1, toNode: .with { $0.rate = 14_480_000 })
    let start = 20 * Self.ms
    try send([sent], bench, at: start)
    bench.breathe(at: start + 5 * Self.ms)
    let early = try bench.frames(1).count
    #expect(early > 2 && early < 9, "about a millisecond a segment")
    bench.breathe(at: start + 100 * Self.ms)
    #expect(try bench.frames(1).count == segments.count - early)
  }

  /// Captures keep the whole on both sides, whatever leaves; the recorder says what it was.
  @Test func capturesAndTheRecorderSayWhatCame() throws {
    let bench = try DrivenBench(recorderSize: 1 << 20)
    try bench.addGuest(.wire, features: Self.sends) { _ in }
    try bench.addGuest(.wire, features: 0) { $0.receiveCount = 3 }
    bench.worker.connect(0, 1)
    let capture = try bench.capture([0, 1]) { $0.drops = .included }
    let sent = model(20_000)
    try send([sent, model(100), model(20_000)], bench)
    let captured = capture.drain()
    #expect(captured.prefix(3).map(\.bytes) == [sent.whole, model(100).whole, sent.whole])
    // In part gone, then not at all.
    #expect(captured.dropFirst(3).map(\.bytes) == captured.prefix(3).map(\.bytes))
    #expect(captured.map { $0.record.drop.name } == [nil, nil, nil, nil, "no-buffer", "no-buffer"])
    for frame in captured {
      #expect(frame.record.segmentationType == 1 && frame.record.segmentSize == 1448 && frame.record.needsChecksum)
    }
    let recorded = bench.worker.recording().frames
    #expect(recorded.map(\.segmentationType) == [1, 1, 1])
    #expect(recorded.map(\.length) == [sent.whole.count, model(100).whole.count, sent.whole.count])
    #expect(recorded.map { $0.drop.name } == [nil, "no-buffer", "no-buffer"])
  }

  /// What is more work than a burst may be is dropped and counted, and the sender's next bursts are smaller.
  @Test func oneGuestsWorkIsBounded() throws {
    let bench = try bench(.access(vlan: 1))
    let sinks = (0..<200).map { _ in bench.worker.addSink(.access(vlan: 1)) }
    let flood = model(60_000, to: 99)
    let work = flood.whole.count / 2048
    func total(_ count: (Int) -> UInt64) -> Int { Int(sinks.reduce(0) { $0 + count($1) }) }
    try send(Array(repeating: flood, count: 10), bench)
    let sent = total { bench.worker.counts(port: $0).transmitted }
    let dropped = total { bench.drops($0)["no-buffer"] ?? 0 }
    #expect(sent + dropped == 10 * sinks.count)
    #expect(sent * work <= 8192 + 64 * work && sent * work > 4096, "\(sent)")
    for _ in 0..<8 { try send([flood], bench) }
    #expect(total { bench.drops($0)["no-buffer"] ?? 0 } == dropped)
    // Ten again, one or two at a time.
    try send(Array(repeating: flood, count: 10), bench)
    let more = total { bench.drops($0)["no-buffer"] ?? 0 } - dropped
    #expect(more == 0, "\(more)")
  }

  /// Segments that a line makes, holds or refuses are the same work: bounded, and owed.
  @Test func aLinesWorkIsBounded() throws {
    let bench = try bench(.access(vlan: 1))
    try bench.addGuest(.access(vlan: 1), features: 0) { _ in }
    bench.impair(0, fromNode: .with { $0.delay = 10 * Self.ms })
    var frame = model(2000, to: 99)
    frame.segmentSize = 1
    try send(Array(repeating: frame, count: 40), bench)
    let drops = bench.drops(0)["impaired-queue"] ?? 0
    // Four frames are as much as there may be of one burst, most of it more than the line holds; the others are refused whole.
    #expect(drops > 30 && drops < 9000, "\(drops)")
    try send([frame], bench, at: 2)
    #expect(try bench.guests[0].waitForTransmitted(timeout: 0))
  }

  /// Broadcasts to many take nothing from a large frame beside them, and one alone goes to all ports.
  @Test func floodsOfOthersTakeNothingFromLargeFrames() throws {
    let bench = try bench(.access(vlan: 1))
    try bench.addGuest(.access(vlan: 1), features: Self.takes) { $0.receiveLayout = [66_000] }
    try bench.guests[1].send(burst: [frame(2, to: 1)])
    bench.breathe(at: 1)
    let sinks = (0..<900).map { _ in bench.worker.addSink(.access(vlan: 1)) }
    let broadcasts = (0..<12).map { _ in
      FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
    }
    for broadcast in broadcasts { try bench.guests[0].add(broadcast) }
    try send([model(20_000)], bench)
    #expect(try bench.frames(1).contains(model(20_000).whole))
    let before = sinks.map { bench.worker.counts(port: $0).transmitted }
    try send([model(60_000, to: 99)], bench)
    // Nobody takes the kick of a port that has come to rest among so many: its turn comes.
    for _ in 0..<100 { bench.breathe(at: 1) }
    #expect(sinks.map { bench.worker.counts(port: $0).transmitted } == before.map { $0 + 1 })
  }
}
