import Capture
import Glibc
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// Captures that go round in a number of files.
@Suite struct RingFileTests {
  @Test func sizesAreRead() {
    #expect(RingFiles("4x10M") == RingFiles(count: 4, size: 10 << 20))
    #expect(RingFiles("1x4096") == RingFiles(count: 1, size: 4096))
    #expect(RingFiles("2x1GiB") == RingFiles(count: 2, size: 1 << 30))
    #expect(RingFiles("100000x4KB") == RingFiles(count: 100_000, size: 4096))
    for bad in [
      "", "x", "4", "4x", "x10M", "0x10M", "4x0", "4x1K", "4x10X", "-1x10M", "4x-10M", "100001x10M", "4x10M5",
      "4x99999999999999999999", "4x9999999999T", "4 x 10M", "4x10Mi", "4xM",
    ] {
      #expect(RingFiles(bad) == nil, "\(bad)")
    }
  }

  @Test func filesTurnAndTheOldestGo() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("lab.trace.pcapng")
      let sink = RingFileSink(path: path, files: RingFiles(count: 3, size: 20_000), clock: { 1_700_000_000 })
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with { $0.statisticsInterval = .milliseconds(5) }, to: sink)
      var sent: [[UInt8]] = []
      for round in 0..<20 {
        let frames = (0..<10).map { bench.frame(size: 500 + $0, seed: round * 10 + $0) }
        try bench.send(frames)
        sent += frames
        if round == 10 {
          try await session.addPort("b.eth0")
          try await session.removePort("b.eth0")
        }
      }
      #expect(await session.stop().written == 200)
      #expect(sink.paths.count == 3)
      let names = HostFacts.entries(of: bench.directory.path).filter { $0.hasPrefix("lab.trace_") }.sorted()
      #expect(names.map { "\(bench.directory.path)/\($0)" } == sink.paths)
      let last = try #require(names.last)
      #expect(last.hasPrefix("lab.trace_000") && last.hasSuffix(".pcapng") && last.contains("_20231114"))
      var kept: [[UInt8]] = []
      for path in sink.paths {
        let bytes = try read(path)
        #expect(bytes.count <= 20_000 + 2000)
        let contents = try FileContents(bytes)
        #expect(contents.interfaces.map(\.name) == ["a.eth0", "b.eth0"])
        #expect(!contents.packets.isEmpty)
        kept += contents.packets.map(\.bytes)
        _ = try await tshark(path)
      }
      #expect(kept == Array(sent.suffix(kept.count)) && kept.count > 60)
    }
  }

  /// Statistics come for ever, also where a filter finds nothing: they turn no file, and take no room.
  @Test func statisticsAreNoReasonToTurn() throws {
    let directory = try TemporaryDirectory()
    let sink = RingFileSink(path: directory.path("x"), files: RingFiles(count: 2, size: 4096), clock: { 0 })
    var writer = PcapngWriter()
    writer.add(PcapngSection())
    for name in ["a", "b"] {
      var interface = PcapngInterface()
      interface.name = name
      writer.add(interface)
    }
    func add(statistics number: Int) {
      var block = PcapngStatistics()
      block.interface = UInt32(number % 2)
      block.received = UInt64(number)
      writer.add(block)
    }
    for number in 0..<10 { writer.add(PcapngPacket(), [UInt8](repeating: UInt8(number), count: 300)) }
    for number in 1...400 { add(statistics: number) }
    try sink.write(writer.take()) { false }
    for number in 401...900 {
      add(statistics: number)
      try sink.write(writer.take()) { false }
    }
    for number in 10..<12 { writer.add(PcapngPacket(), [UInt8](repeating: UInt8(number), count: 300)) }
    for number in 901...1000 { add(statistics: number) }
    try sink.write(writer.take()) { false }
    sink.close()
    #expect(sink.paths.count == 2)
    let files = try sink.paths.map { try FileContents(path: $0) }
    #expect(files.flatMap(\.packets).map { $0.bytes.first } == (0..<12).map { UInt8($0) })
    // Each file ends with the last that were known of each interface.
    #expect(files.map { $0.statistics.suffix(2).map(\.received).sorted() } == [[899, 900], [999, 1000]])
    for path in sink.paths { #expect(try read(path).count < 5000) }
  }

  /// On a disk that is full no empty file is left.
  @Test func aFullDiskLeavesNoEmptyFile() async throws {
    let directory = try TemporaryDirectory()
    let mount = directory.path("disk")
    try #require(mkdir(mount, 0o755) == 0)
    _ = try await output(of: ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount])
    let sink = RingFileSink(path: "\(mount)/x", files: RingFiles(count: 100, size: 8192), clock: { 0 })
    var writer = PcapngWriter()
    writer.add(PcapngSection())
    writer.add(PcapngInterface())
    for _ in 0..<40 { writer.add(PcapngPacket(), [UInt8](repeating: 1, count: 3000)) }
    let blocks = writer.take()
    #expect(throws: CaptureSinkError.self) { try sink.write(blocks) { false } }
    sink.close()
    #expect(!sink.paths.isEmpty)
    #expect(HostFacts.entries(of: mount).sorted().map { "\(mount)/\($0)" } == sink.paths)
    for path in sink.paths { #expect(try !read(path).isEmpty) }
    _ = try await output(of: ["umount", mount])
    rmdir(mount)
  }

  /// A frame longer than a file is all that its file holds.
  @Test func aFrameLongerThanAFile() throws {
    let directory = try TemporaryDirectory()
    let sink = RingFileSink(path: directory.path("x"), files: RingFiles(count: 2, size: 4096), clock: { 0 })
    var writer = PcapngWriter()
    writer.add(PcapngSection())
    writer.add(PcapngInterface())
    for size in [9000, 60, 60, 9000] { writer.add(PcapngPacket(), [UInt8](repeating: 1, count: size)) }
    try sink.write(writer.take()) { false }
    sink.close()
    #expect(sink.paths.map { $0.split(separator: "_")[1] } == ["00002", "00003"])
    #expect(try sink.paths.map { try FileContents(path: $0).packets.map(\.bytes.count) } == [[60, 60], [9000]])
    #expect(throws: CaptureSinkError.self) { try sink.write([1, 2, 3]) { false } }
  }
}
