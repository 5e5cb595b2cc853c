import Capture
import Dataplane
import GuestKit
import Testing
import TestSupport

/// Which frames of a file are sent: of our own captures of several ports, of other programs' files, compressed ones.
@Suite struct ReplayFileTests {
  /// Two ports, both directions, dropped frames: of each frame several copies.
  private func capture(_ bench: CaptureBench, _ path: String) async throws -> [[UInt8]] {
    let session = try await bench.capture(path) { $0.tap.drops = .included }
    let frames = (0..<8).map { bench.frame(size: 100 + $0, seed: $0) }
    try bench.send(frames)
    var impairment = Impairment()
    impairment.loss = 1
    try await bench.dataplane.setImpairment(port: "b.eth0", fromNode: nil, toNode: impairment)
    try bench.a.send(bench.frame(seed: 99))
    #expect(try bench.a.waitForTransmitted())
    try await bench.dataplane.setImpairment(port: "b.eth0", fromNode: nil, toNode: nil)
    _ = await session.stop()
    return frames
  }

  /// Replays with some settings; what came out of it, and what was delivered.
  private func replay(
    _ bench: CaptureBench, _ path: String, _ configure: (inout Replay) -> Void = { _ in }
  ) async throws -> (counts: Replay.Counts, frames: [[UInt8]]) {
    var replay = Replay()
    replay.speed = 0
    configure(&replay)
    let counts = try await replay.run(path, into: "a.eth0", of: bench.dataplane)
    return (counts, try bench.b.receiveAll(quiet: 20).map(\.frame))
  }

  @Test func ourOwnCaptureOfSeveralPorts() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("all.pcapng")
      let frames = try await capture(bench, path)
      let lost = bench.frame(seed: 99)
      let all = try await replay(bench, path)
      // The lost frame was sent, and counts as sent by its node; at the other port it was not there.
      #expect(all.counts.sent == 17 && all.counts.outbound == 8 && all.counts.dropped == 1, "\(all.counts)")
      let sent = try await replay(bench, path) { $0.directions = .fromNode }
      #expect(sent.frames == frames + [lost] && sent.counts.others == 9 && sent.counts.outbound == 0)
      let received = try await replay(bench, path) { $0.directions = .toNode }
      #expect(received.frames == frames && received.counts.dropped == 1 && received.counts.outbound == 8)
      for names in [["b.eth0"], ["b:eth0", "b.eth0"]] {
        let one = try await replay(bench, path) { $0.interfaces = names }
        #expect(one.frames == frames && one.counts.others == 9 && one.counts.dropped == 1)
      }
      await #expect {
        try await replay(bench, path) { $0.interfaces = ["c.eth0"] }
      } throws: {
        "\($0)" == "\(path) has no interface \"c.eth0\"; there are a.eth0, b.eth0"
      }
      // Two sections: numbers of interfaces begin anew, names go with them.
      let twice = bench.directory.path("twice.pcapng")
      try DescriptorSink(path: twice).write(read(path) + read(path)) { false }
      let both = try await replay(bench, twice) { $0.interfaces = ["b.eth0"] }
      #expect(both.frames == frames + frames)
    }
  }

  @Test func framesOfAnotherLinkTypeAreLeftOut() async throws {
    try await CaptureBench.with { bench in
      let (path, raw) = (bench.directory.path("two.pcapng"), bench.directory.path("raw.pcap"))
      var writer = PcapngWriter()
      writer.add(PcapngSection())
      writer.add(PcapngInterface())
      var packet = PcapngPacket()
      packet.originalLength = 100
      writer.add(packet, bench.frame())
      var bytes = writer.take()
      // A second interface of raw IP, a frame of it, and one of Ethernet.
      bytes += [1, 0, 0, 0, 20, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]
      packet.interface = 1
      writer.add(packet, bench.frame())
      packet.interface = 0
      writer.add(packet, bench.frame(seed: 1))
      try DescriptorSink(path: path).write(bytes + writer.take()) { false }
      let counts = try await replay(bench, path)
      #expect(counts.frames == [bench.frame(), bench.frame(seed: 1)] && counts.counts.foreign == 1)
      // Nothing else in the file is no error either.
      _ = try await output(of: ["editcap", "-F", "pcap", "-T", "rawip", path, raw], mayComplain: true)
      let none = try await replay(bench, raw).counts
      #expect(none.sent == 0 && none.foreign == 3)
    }
  }

  @Test func compressedFiles() async throws {
    try await CaptureBench.with { bench in
      let path = bench.directory.path("in.pcapng")
      let frames = try await capture(bench, path)
      _ = try await output(of: ["sh", "-c", "gzip -k '\(path)'; editcap -F pcap '\(path)' - | gzip >'\(path).pcap.gz'"])
      for name in ["\(path).gz", "\(path).pcap.gz"] {
        let all = try await replay(bench, name)
        #expect(all.counts.sent == (name.hasSuffix("pcap.gz") ? 18 : 17), "\(name) \(all.counts)")
        #expect(all.frames.prefix(1) == frames.prefix(1))
      }
      // Longer than a pipe, and ended while gzip runs.
      var writer = PcapngWriter()
      writer.add(PcapngSection())
      writer.add(PcapngInterface())
      for seed in 0..<3000 { writer.add(PcapngPacket.whole(1000), bench.frame(size: 1000, seed: seed)) }
      let long = bench.directory.path("long")
      try DescriptorSink(path: long).write(writer.take()) { false }
      _ = try await output(of: ["gzip", "-1", long])
      let task = Task { [dataplane = bench.dataplane] in
        try await Replay().run("\(long).gz", into: "a.eth0", of: dataplane)
      }
      #expect(try await task.value.sent == 3000)
      let cut = bench.directory.path("cut")
      try DescriptorSink(path: cut).write(Array(read("\(long).gz").dropLast(2000))) { false }
      await #expect {
        try await replay(bench, cut)
      } throws: { error in
        let text = "\(error)"
        return text.contains(" frames were sent, then: ") && text.contains("unexpected end of file")
      }
      _ = try await output(of: ["sh", "-c", "gzip </dev/null >'\(cut)'"])
      await #expect {
        try await replay(bench, cut)
      } throws: {
        "\($0)" == "\(cut) is empty: no capture file"
      }
      try DescriptorSink(path: cut).write([0x1F, 0x8B, 1, 2, 3]) { false }
      await #expect(throws: ReplayError.self) { try await replay(bench, cut) }
      // Something else inside.
      _ = try await output(of: ["sh", "-c", "echo hello | gzip >'\(cut)'"])
      await #expect {
        try await replay(bench, cut)
      } throws: {
        "\($0)" == "\(cut): not a capture file: neither pcapng nor pcap"
      }
    }
  }
}

extension PcapngPacket {
  /// Of a frame that is there from its first byte to its last.
  fileprivate static func whole(_ length: Int) -> PcapngPacket {
    var packet = PcapngPacket()
    packet.originalLength = length
    return packet
  }
}
