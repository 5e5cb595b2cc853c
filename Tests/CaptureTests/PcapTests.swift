import Capture
import Dataplane
import GuestKit
import Testing
import TestSupport

/// Files for programs that read pcap, or frames of one port alone.
@Suite struct PcapTests {
  private func times(_ path: String) async throws -> String {
    try await tshark(path, ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"])
  }

  @Test func onePortAsPcap() async throws {
    try await CaptureBench.with { bench in
      let (path, other) = (bench.directory.path("a.pcap"), bench.directory.path("a.pcapng"))
      let configure = { (settings: inout CaptureSettings) in settings.tap.snapLength = 90 }
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with(configure),
        to: PcapSink { () throws(CaptureSinkError) in try DescriptorSink(path: path) })
      let beside = try await bench.capture(other, ports: ["a.eth0"], configure)
      try bench.send((0..<30).map { bench.frame(size: 80 + $0, seed: $0) })
      for session in [session, beside] { _ = await session.stop() }
      let (contents, wanted) = (try FileContents(path: path), try FileContents(path: other))
      #expect(contents.interfaces.isEmpty && contents.packets.count == 30)
      #expect(contents.packets.map(\.bytes) == wanted.packets.map(\.bytes))
      #expect(contents.packets.map(\.packet.timestamp) == wanted.packets.map(\.packet.timestamp))
      #expect(contents.packets.map(\.packet.originalLength) == wanted.packets.map(\.packet.originalLength))
      #expect(try await times(path) == (try await times(other)))
      #expect(try await output(of: ["capinfos", "-t", path]).contains("nanosecond"))
    }
  }

  /// Nothing is made where there are several, and what there is stays.
  @Test func severalPortsAreRefused() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("a.pcap")
      try DescriptorSink(path: path).write([1, 2, 3]) { false }
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0", "b.eth0"], CaptureSettings(),
        to: PcapSink { () throws(CaptureSinkError) in try DescriptorSink(path: path) })
      let outcome = await session.ended().outcome
      #expect(outcome == .failed("a pcap file has the frames of one port, and here are a.eth0, b.eth0"))
      #expect(try read(path) == [1, 2, 3])
    }
  }

  @Test(arguments: [false, true]) func aFileForEachPort(isPcap: Bool) async throws {
    try await CaptureBench.with(ringSize: 16) { bench in
      let folder = bench.directory.path("new/ports")
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"],
        .with {
          $0.tap.drops = .included
          $0.tap.endsWithPorts = false
          $0.names = [PcapngName(address: [10, 0, 0, 1], name: "a")]
        }, to: PortFilesSink(folder: folder, isPcap: isPcap))
      let frames = (0..<10).map { bench.frame(seed: $0) }
      try bench.send(Array(frames[..<4]))
      try await session.addPort("b.eth0")
      try bench.send(Array(frames[4..<7]))
      // The same port again: another interface of the same file.
      try await session.removePort("a.eth0")
      try await session.addPort("a.eth0")
      try bench.send(Array(frames[7...]))
      _ = await session.stop()
      let ending = isPcap ? "pcap" : "pcapng"
      let (a, b) = ("\(folder)/a.eth0.\(ending)", "\(folder)/b.eth0.\(ending)")
      let (mine, others) = (try FileContents(path: a), try FileContents(path: b))
      #expect(mine.packets.map(\.bytes) == frames && others.packets.map(\.bytes) == Array(frames[4...]))
      for path in [a, b] {
        #expect(try await times(path).split(separator: "\n").count == (path == a ? 10 : 6))
        _ = try await output(of: ["editcap", path, bench.directory.path("converted")], mayComplain: true)
      }
      guard !isPcap else { return }
      #expect(mine.interfaces.map(\.name) == ["a.eth0", "a.eth0"] && others.interfaces.map(\.name) == ["b.eth0"])
      #expect(mine.packets.map(\.packet.interface) == (0..<10).map { $0 < 7 ? 0 : 1 })
      #expect(mine.statistics.map(\.delivered).reduce(0, max) >= 7 && others.statistics.last?.delivered == 6)
    }
  }

  @Test func aFolderThatCannotBeIsSaid() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("file")
      try DescriptorSink(path: path).write([1]) { false }
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], CaptureSettings(), to: PortFilesSink(folder: "\(path)/x", isPcap: false)
      )
      let outcome = await session.ended().outcome
      #expect(outcome == .failed("\(path)/x: Not a directory (ENOTDIR)"))
    }
  }
}
