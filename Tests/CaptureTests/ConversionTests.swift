import Capture
import Dataplane
import GuestKit
import Testing
import TestSupport

/// What Wireshark's own programs make of our captures is as whole as these.
@Suite struct ConversionTests {
  private static let fields = [
    "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.interface_name", "-e",
    "frame.packet_flags", "-e", "frame.packet_id", "-e", "frame.comment", "-e", "eth.src",
  ]

  private static let names = [
    PcapngName(address: CaptureBench.addressA, name: "a"), PcapngName(address: [10, 0, 0, 1], name: "a"),
  ]

  /// A capture with drops, cut frames, and names.
  private func capture(_ bench: CaptureBench, _ path: String) async throws {
    let session = try await bench.capture(path) {
      $0.tap.drops = .included
      $0.tap.snapLength = 80
      $0.names = Self.names
    }
    for seed in 0..<20 { try bench.a.send(bench.frame(seed: seed)) }
    #expect(try bench.a.waitForTransmitted())
    _ = await session.stop()
  }

  /// Each must be able to read the file, write it, and read what it wrote, to the same frames.
  private func convert(_ path: String, _ directory: TemporaryDirectory) async throws {
    let before = try await tshark(path, Self.fields)
    #expect(before.split(separator: "\n").count == 40 && before.contains("dropped: no-buffer"))
    let commands: [(String, [String])] = [
      ("editcap", ["editcap", path, "OUT"]), ("mergecap", ["mergecap", "-w", "OUT", path]),
      ("reordercap", ["reordercap", path, "OUT"]), ("tshark", ["tshark", "-r", path, "-w", "OUT"]),
    ]
    for (name, command) in commands {
      let result = directory.path("\(name).pcapng")
      _ = try await output(of: command.map { $0 == "OUT" ? result : $0 }, mayComplain: true)
      #expect(try await tshark(result, Self.fields) == before, "\(name)")
      #expect(try FileContents(path: result).packets.count == 40, "\(name)")
    }
    for form in ["pcap", "nsecpcap"] {
      let result = directory.path(form)
      _ = try await output(of: ["tshark", "-F", form, "-r", path, "-w", result], mayComplain: true)
      #expect(try FileContents(path: result).packets.count == 40)
      _ = try await output(of: ["editcap", "-F", form, path, result], mayComplain: true)
      #expect(try FileContents(path: result).packets.count == 40)
    }
  }

  @Test func capturesCanBeConverted() async throws {
    try await CaptureBench.with(ringSize: 16) { bench in
      let path = bench.directory.path("drops.pcapng")
      try await capture(bench, path)
      try await convert(path, bench.directory)
      // One snap length for all: programs that know one for a file read what was merged.
      let whole = bench.directory.path("whole.pcapng")
      _ = await (try await bench.capture(whole)).stop()
      let merged = bench.directory.path("merged.pcapng")
      for mode in ["any", "all", "none"] {
        _ = try await output(of: ["mergecap", "-I", mode, "-w", merged, path, whole], mayComplain: true)
        let contents = try FileContents(path: merged)
        #expect(contents.packets.count == 40 && Set(contents.interfaces.map(\.snapLength)).count == 1, "\(mode)")
        if mode == "any" { #expect(contents.interfaces.map(\.name) == ["a.eth0", "b.eth0"]) }
      }
    }
  }

  @Test func ringsAndRecordingsToo() async throws {
    try await CaptureBench.with { bench in
      let sink = RingFileSink(
        path: bench.directory.path("ring"), files: RingFiles(count: 3, size: 4096), clock: { 1_700_000_000 })
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0"], .with { $0.names = Self.names }, to: sink)
      for round in 0..<6 {
        try bench.send((0..<10).map { bench.frame(size: 500, seed: round * 10 + $0) })
        // A port and a name that come later stand where the first do in the files that follow.
        if round == 3 {
          try await session.addPort("b.eth0")
          session.add(names: Self.names + [PcapngName(address: [10, 0, 0, 2], name: "later")])
        }
      }
      _ = await session.stop()
      let recording = bench.directory.path("last.pcapng")
      var options = RecordingWriter.Options()
      options.settings.names = Self.names
      _ = try RecordingWriter.write(
        await bench.dataplane.recording(), options, to: DescriptorSink(path: recording))
      for path in sink.paths + [recording] {
        let result = bench.directory.path("converted")
        _ = try await output(of: ["editcap", "-F", "pcap", path, result], mayComplain: true)
        #expect(try FileContents(path: result).packets.count == FileContents(path: path).packets.count)
        #expect(try blocks(of: path).prefix(2) == [0x0A0D_0D0A, 1])
      }
    }
  }

  /// Behind the first interface at the earliest, once each, and later ones when they come.
  @Test func namesStandBehindTheFirstInterfaces() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("names.pcapng")
      let session = try await bench.capture(path, ports: []) {
        $0.names = Self.names
        $0.tap.endsWithPorts = false
      }
      try await eventually("the head is written") { session.status.bytes > 0 }
      try await session.addPort("a.eth0")
      try bench.send([bench.frame()])
      try await eventually("the frame is written") { session.status.packets == 1 }
      session.add(names: Self.names + [PcapngName(address: [10, 0, 0, 2], name: "later")])
      try await eventually("the name is written") { try self.blocks(of: path).filter { $0 == 4 }.count == 2 }
      session.add(names: Self.names)
      _ = await session.stop()
      #expect(try blocks(of: path) == [0x0A0D_0D0A, 1, 4, 6, 4, 5])
      let text = String(decoding: try read(path), as: UTF8.self)
      #expect(text.components(of: "later") == 1)
      _ = try await output(of: ["editcap", path, bench.directory.path("converted")], mayComplain: true)
    }
  }

  /// The types of a file's blocks, one after the other.
  private func blocks(of path: String) throws -> [UInt32] {
    let bytes = try read(path)
    var types: [UInt32] = []
    var offset = 0
    let word = { (place: Int) in (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) } }
    while offset + 12 <= bytes.count {
      types.append(word(offset))
      offset += Int(word(offset + 4))
    }
    return types
  }
}

extension String {
  /// How often a text is in this one.
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
