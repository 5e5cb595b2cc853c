import Capture
import Dataplane
import Frames
import Glibc
import GuestKit
import LinuxHost
import Synchronization
import Testing
import TestSupport

/// Captures from the wire to the file, and every way in which they end.
@Suite struct CaptureSessionTests {
  @Test func aFileHoldsWhatPassed() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("all.pcapng")
      let station = try #require(MACAddress(bytes: CaptureBench.addressA))
      let session = try await bench.capture(path) {
        $0.names = [PcapngName(address: station.bytes, name: "a")]
        $0.section.application = "apus test"
        $0.statisticsInterval = .milliseconds(20)
      }
      var sent: [[UInt8]] = []
      for round in 0..<30 {
        let frames = (0..<30).map { bench.frame(size: 60 + (round * 31 + $0 * 97) % 1455, seed: round + $0) }
        try bench.send(frames)
        sent += frames
        if round == 15 { try await Task.sleep(for: .milliseconds(60)) }
      }
      let status = await session.stop()
      #expect(status.outcome == .stopped && status.written == 1800 && status.packets == 1800)
      #expect(status.counts.received == 1800 && status.counts.captured == 1800 && status.counts.dropped == 0)
      #expect(status.bytes == UInt64(try read(path).count))
      #expect(status.ports == ["a.eth0", "b.eth0"])
      let contents = try FileContents(path: path)
      #expect(contents.interfaces.map(\.name) == ["a.eth0", "b.eth0"])
      #expect(contents.interfaces[0].address == CaptureBench.addressA)
      #expect(contents.interfaces[0].description == "end of a wire")
      #expect(contents.frames(0) == sent && contents.frames(1) == sent)
      let ids = { (number: UInt32) in contents.packets.filter { $0.packet.interface == number }.map(\.packet.packetID) }
      #expect(ids(0) == ids(1) && Set(ids(0)).count == sent.count)
      #expect(contents.packets.allSatisfy { $0.packet.flags == ($0.packet.interface == 0 ? 1 : 2) | 4 })
      // Some on the way, and the last of each.
      #expect(contents.statistics.count >= 4)
      let last = try #require(contents.statistics.last)
      #expect([last.received, last.dropped, last.accepted, last.delivered] == [900, 0, 900, 900])
      #expect(last.start < last.end)
      let text = try await tshark(path, ["-T", "fields", "-e", "frame.interface_name"])
      #expect(text.split(separator: "\n").count == 1800)
      let about = try await output(of: ["capinfos", path])
      #expect(about.contains("Number of packets = 900"))
    }
  }

  @Test func itEndsWithItsCount() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("count.pcapng")
      let session = try await bench.capture(path, ports: ["a.eth0"]) { $0.count = 7 }
      let frames = (0..<20).map { bench.frame(seed: $0) }
      try bench.send(frames)
      let status = await session.ended()
      #expect(status.outcome == .countReached && status.written == 7)
      #expect(try FileContents(path: path).packets.map(\.bytes) == Array(frames.prefix(7)))
      #expect(await eventually { await bench.dataplane.runningCaptures().isEmpty })
      #expect(await session.stop() == session.status)
    }
  }

  @Test func itEndsWithItsTime() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("time.pcapng")
      let start = ContinuousClock.now
      let session = try await bench.capture(path) { $0.duration = .seconds(1) }
      try bench.send([bench.frame()])
      let status = await session.ended()
      #expect(status.outcome == .durationOver && status.written == 2)
      #expect(ContinuousClock.now - start >= .seconds(1))
      #expect(try FileContents(path: path).packets.count == 2)
    }
  }

  @Test func itEndsWithItsPorts() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("ports.pcapng")
      let session = try await bench.capture(path)
      try bench.send([bench.frame()])
      try await bench.dataplane.removePort("a.eth0")
      #expect(session.status.outcome == nil)
      try await bench.dataplane.removePort("b.eth0")
      let status = await session.ended()
      #expect(status.outcome == .portsRemoved && status.written == 2)
      let contents = try FileContents(path: path)
      #expect(contents.packets.count == 2 && contents.statistics.count == 2)
      #expect(await eventually { await bench.dataplane.runningCaptures().isEmpty })
    }
  }

  @Test func itEndsWithTheDataPlane() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("end.pcapng")
    var session: CaptureSession?
    try await CaptureBench.with { bench in
      session = try await bench.capture(path)
      try bench.send([bench.frame()])
    }
    #expect(await session?.ended().outcome == .stopped)
    #expect(try FileContents(path: path).packets.count == 2)
  }

  @Test func aPortThatComesLaterIsAnInterfaceOfItsOwn() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("later.pcapng")
      let session = try await bench.capture(path, ports: ["a.eth0"])
      try bench.send([bench.frame(seed: 1)])
      try await session.addPort("b.eth0")
      try bench.send([bench.frame(seed: 2)])
      try await session.removePort("a.eth0")
      try bench.send([bench.frame(seed: 3)])
      _ = await session.stop()
      let contents = try FileContents(path: path)
      #expect(contents.interfaces.map(\.name) == ["a.eth0", "b.eth0"])
      #expect(contents.frames(0) == [bench.frame(seed: 1), bench.frame(seed: 2)])
      #expect(contents.frames(1) == [bench.frame(seed: 2), bench.frame(seed: 3)])
      _ = try await tshark(path)
    }
  }

  @Test func theFilterChangesOnTheWay() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("filter.pcapng")
      let first = try Filter("greater 200")
      let session = try await bench.capture(path, ports: ["a.eth0"]) { $0.filter = first }
      try bench.send([bench.frame(size: 100), bench.frame(size: 300)])
      try await session.changeFilter(to: Filter("less 150"))
      #expect(session.status.filter == "less 150")
      try bench.send([bench.frame(size: 100), bench.frame(size: 300)])
      let status = await session.stop()
      #expect(status.counts.received == 4 && status.counts.filtered == 2)
      let contents = try FileContents(path: path)
      #expect(contents.interfaces[0].filter == "greater 200")
      #expect(contents.packets.map(\.bytes.count) == [300, 100])
      #expect(contents.packets.map(\.packet.comment) == [nil, "from here on with the filter less 150"])
    }
  }

  @Test func checksumsAreCompletedUnlessRawOrCut() async throws {
    try await CaptureBench.with { bench in
      let paths = ["done", "raw", "cut"].map { bench.directory.path("\($0).pcapng") }
      let sessions = [
        try await bench.capture(paths[0], ports: ["a.eth0"]),
        try await bench.capture(paths[1], ports: ["a.eth0"]) { $0.isRaw = true },
        try await bench.capture(paths[2], ports: ["a.eth0"]) { $0.tap.snapLength = 80 },
      ]
      let builder = FrameBuilder(to: CaptureBench.addressB, from: CaptureBench.addressA)
      let partial = builder.tcp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: Array(0..<99), checksum: .partial)
      let full = builder.tcp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: Array(0..<99))
      try bench.send([partial.frame], header: partial.header)
      for session in sessions { _ = await session.stop() }
      let packets = try paths.map { try #require(try FileContents(path: $0).packets.first) }
      #expect(packets[0].bytes == full.frame && packets[0].packet.flags == 5)
      #expect(packets[1].bytes == partial.frame && packets[1].packet.flags == 5 | 1 << 9)
      #expect(packets[2].bytes == Array(partial.frame.prefix(80)) && packets[2].packet.flags == 5 | 1 << 9)
      let text = try await tshark(paths[0], ["-o", "tcp.check_checksum:TRUE", "-V"])
      #expect(text.contains("Checksum Status: Good"))
    }
  }

  /// A frame that its sender left whole for somebody else to cut: a capture keeps it so, or cuts it.
  @Test func framesToBeCutAreWholeOrCut() async throws {
    try await CaptureBench.with { bench in
      let paths = ["whole", "segments"].map { bench.directory.path("\($0).pcapng") }
      let sessions = [
        try await bench.capture(paths[0], ports: ["a.eth0"]),
        try await bench.capture(paths[1], ports: ["a.eth0"]) { $0.segments = true },
      ]
      let builder = FrameBuilder(to: CaptureBench.addressB, from: CaptureBench.addressA)
      let payload = (0..<1200).map { UInt8(truncatingIfNeeded: $0) }
      let big = builder.tcp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: payload, checksum: .partial)
      var header = big.header
      (header.segmentationType, header.segmentSize) = (1, 500)
      try bench.a.send(big.frame, header: header)
      #expect(try bench.a.waitForTransmitted())
      for session in sessions { _ = await session.stop() }
      let whole = try FileContents(path: paths[0]).packets
      #expect(whole.map(\.bytes) == [big.frame])
      // From the node, unicast, sum not ready, to be cut.
      let flags: UInt32 = 5 | 1 << 9 | 1 << 11
      #expect(whole.map(\.packet.flags) == [flags])
      #expect(whole.first?.packet.comment == nil)
      let segments = try FileContents(path: paths[1]).packets
      #expect(segments.map { $0.bytes.count - (big.frame.count - 1200) } == [500, 500, 200])
      #expect(segments.allSatisfy { $0.packet.flags == 5 })
      let text = try await tshark(
        paths[1], ["-o", "tcp.check_checksum:TRUE", "-T", "fields", "-e", "tcp.checksum.status"])
      #expect(text == "1\n1\n1\n")
    }
  }

  @Test func droppedFramesSayWhy() async throws {
    try await CaptureBench.with(ringSize: 16) { bench in
      let path = bench.directory.path("drops.pcapng")
      let session = try await bench.capture(path) { $0.tap.drops = .included }
      let verdicts = try await bench.capture(path + "v") {
        $0.tap.drops = .included
        $0.writesVerdicts = true
      }
      // Nobody takes the frames from b's ring.
      for seed in 0..<20 { try bench.a.send(bench.frame(seed: seed)) }
      #expect(try bench.a.waitForTransmitted())
      for session in [session, verdicts] { _ = await session.stop() }
      let packets = try FileContents(path: path).packets.filter { $0.packet.interface == 1 }
      #expect(packets.map(\.packet.comment) == (0..<20).map { $0 < 16 ? nil : "dropped: no-buffer" })
      #expect(packets.allSatisfy { $0.packet.verdict == nil })
      let told = try FileContents(path: path + "v").packets.filter { $0.packet.interface == 1 }
      #expect(told.last?.packet.verdict == FrameDrop(EgressDrop.noBuffer).rawValue)
      let text = try await tshark(path, ["-T", "fields", "-e", "frame.comment", "-Y", "frame.comment"])
      #expect(text == String(repeating: "dropped: no-buffer\n", count: 4))
    }
  }

  // Sinks that fail.

  @Test func aReaderThatGoesEndsIt() async throws {
    try await CaptureBench.with { bench in
      Signals.ignorePipe()
      let (reader, writer) = try openPipe()
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: DescriptorSink(writer, name: "pipe"))
      try bench.send([bench.frame()])
      var (got, buffer): ([UInt8], [UInt8]) = ([], Array(repeating: 0, count: 4096))
      while ((try? FileContents(got))?.packets.count ?? 0) < 1 {
        let count = Glibc.read(reader, &buffer, buffer.count)
        got += buffer.prefix(max(count, 0))
      }
      close(reader)
      try bench.send([bench.frame()])
      let status = await session.ended()
      #expect(status.outcome == .readerGone && status.written == 1)
      try bench.send([bench.frame()])
      #expect(await eventually { await bench.dataplane.runningCaptures().isEmpty })
    }
  }

  /// The number of a pipe's end that is read, and the end that is written.
  private func openPipe() throws -> (CInt, Descriptor) {
    var ends: [CInt] = [0, 0]
    try #require(pipe(&ends) == 0)
    return (ends[0], Descriptor(owning: ends[1]))
  }

  /// A reader that does not read costs records, not frames, and does not keep the capture from ending.
  @Test func aReaderThatIsStuckCostsRecordsOnly() async throws {
    try await CaptureBench.with { bench in
      let (reader, writer) = try openPipe()
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with { $0.tap.ringSize = 1 << 18 },
        to: DescriptorSink(writer, name: "pipe"))
      for round in 0..<40 { try bench.send((0..<30).map { bench.frame(size: 1400, seed: round + $0) }) }
      let start = ContinuousClock.now
      let status = await session.stop()
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(status.outcome == .stopped)
      #expect(status.counts.received == 1200 && status.counts.dropped > 0)
      #expect(status.counts.captured + status.counts.dropped == 1200 && status.written < status.counts.captured)
      close(reader)
    }
  }

  @Test func aFullDeviceEndsIt() async throws {
    try await CaptureBench.with { bench in
      let session = try await bench.capture("/dev/full")
      let status = await session.ended()
      #expect(status.outcome == .diskFull("/dev/full: No space left on device (ENOSPC)"))
      #expect(status.written == 0 && status.outcome?.isClean == false)
      try bench.send([bench.frame()])
    }
  }

  /// A disk that fills up: the file ends with a whole block, and what did not go in is counted.
  @Test func aDiskThatFillsUpLeavesAFileThatCanBeRead() async throws {
    try await CaptureBench.with { bench in
      let mount = bench.directory.path("disk")
      try #require(mkdir(mount, 0o755) == 0)
      _ = try await output(of: ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount])
      let path = "\(mount)/full.pcapng"
      let session = try await bench.capture(path)
      for round in 0..<20 { try bench.send((0..<30).map { bench.frame(size: 1400, seed: round + $0) }) }
      let status = await session.ended()
      #expect(status.outcome == .diskFull("\(path): No space left on device (ENOSPC)"))
      let contents = try FileContents(path: path)
      #expect(UInt64(contents.packets.count) == status.written && status.written > 20)
      #expect(UInt64(try read(path).count) == status.bytes)
      _ = try await tshark(path, ["-c", "1"])
      _ = try await output(of: ["umount", mount])
      rmdir(mount)
    }
  }

  @Test func aFileThatCannotBeMadeIsRefused() {
    #expect(throws: CaptureSinkError.failed("/nowhere/x: No such file or directory (ENOENT)")) {
      try DescriptorSink(path: "/nowhere/x")
    }
  }

  @Test func anUnknownPortClosesTheSink() async throws {
    try await CaptureBench.with { bench in
      let sink = try DescriptorSink(path: bench.directory.path("x"))
      await #expect(throws: DataplaneError.unknownPort("x")) {
        try await CaptureSession.start(on: bench.dataplane, ports: ["x"], CaptureSettings(), to: sink)
      }
      #expect(throws: CaptureSinkError.self) { try sink.write([1]) { false } }
    }
  }

  @Test func aStreamIsHandedOverPieceByPiece() async throws {
    try await CaptureBench.with { bench in
      let sink = StreamSink()
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: sink)
      let reader = Task { () -> [UInt8] in
        var all: [UInt8] = []
        while let piece = await sink.next() { all += piece }
        return all
      }
      let frames = (0..<50).map { bench.frame(seed: $0) }
      try bench.send(frames)
      #expect(await session.stop().written == 50)
      #expect(try FileContents(await reader.value).packets.map(\.bytes) == frames)
    }
  }

  @Test func aStreamThatIsAbandonedEndsTheCapture() async throws {
    try await CaptureBench.with { bench in
      let sink = StreamSink()
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: sink)
      let reader = Task { while await sink.next() != nil {} }
      try bench.send([bench.frame()])
      reader.cancel()
      await reader.value
      try bench.send([bench.frame()])
      #expect(await session.ended().outcome == .readerGone)
      #expect(await sink.next() == nil)
    }
  }

  /// Nothing is left behind by a capture: its thread lets go of session and sink, which closes the file.
  @Test func nothingIsLeftBehind() async throws {
    try await CaptureBench.with { bench in
      for round in 0..<10 {
        let path = bench.directory.path("r\(round)")
        let held = Held()
        try await run(bench, path, held)
        #expect(await eventually { held.session == nil && held.sink == nil })
        #expect(!openFiles().contains(path))
      }
    }
  }

  private final class Held {
    weak var session: CaptureSession?
    weak var sink: DescriptorSink?
  }

  private func run(_ bench: CaptureBench, _ path: String, _ held: Held) async throws {
    let sink = try DescriptorSink(path: path)
    let session = try await CaptureSession.start(
      on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: sink)
    (held.session, held.sink) = (session, sink)
    #expect(openFiles().contains(path))
    try bench.send([bench.frame()])
    _ = await session.stop()
  }

  /// Paths of the files that this process holds open.
  private func openFiles() -> Set<String> {
    var paths: Set<String> = []
    for name in HostFacts.entries(of: "/proc/self/fd") {
      var text = [CChar](repeating: 0, count: 512)
      let count = readlink("/proc/self/fd/\(name)", &text, text.count)
      paths.insert(String(decoding: text.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    return paths
  }
}
