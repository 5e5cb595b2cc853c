import Capture
import Dataplane
import GuestKit
import Testing
import TestSupport

/// What was there before anybody asked, as a file.
@Suite struct RecordingTests {
  @Test func theRecorderIsWrittenAsACapture() async throws {
    try await CaptureBench.with { bench in
      let frames = (0..<40).map { bench.frame(size: 60 + 40 * $0, seed: $0) }
      try bench.send(frames)
      try await bench.dataplane.setCarrier(port: "b.eth0", up: false)
      let live = try await bench.dataplane.startCapture(ports: ["a.eth0"])
      try bench.a.send(bench.frame())
      #expect(try bench.a.waitForTransmitted())
      await bench.dataplane.stopCapture(live)
      let recording = await bench.dataplane.recording(last: .seconds(30))
      let path = bench.directory.path("last.pcapng")
      #expect(try RecordingWriter.write(recording, .init(), to: DescriptorSink(path: path)) == 41)
      let contents = try FileContents(path: path)
      #expect(contents.interfaces.map(\.name) == ["a.eth0", "b.eth0"])
      #expect(contents.packets.prefix(40).map(\.bytes) == frames.map { Array($0.prefix(64)) })
      #expect(contents.packets.prefix(40).map(\.packet.originalLength) == frames.map(\.count))
      #expect(contents.packets.prefix(40).allSatisfy { $0.packet.comment == "to b.eth0" && $0.packet.flags == 5 })
      let last = try #require(contents.packets.last).packet
      #expect(last.comment?.contains("dropped: ") == true && last.verdict == nil)
      // A frame has one number wherever it is seen.
      var bytes: [UInt8] = []
      #expect(last.packetID != nil && live.next(into: &bytes)?.packetID == last.packetID)
      #expect(Set(contents.packets.map(\.packet.packetID)).count == 41)
      #expect(contents.interfaces.allSatisfy { $0.snapLength == 0 })
      let text = try await tshark(path, ["-T", "fields", "-e", "frame.len", "-e", "frame.comment"])
      #expect(text.hasPrefix("60\tto b.eth0\n100\tto b.eth0\n"))
      try await some(of: recording, bench)
    }
  }

  /// A frame that the switch itself sent is no frame of the port's node.
  @Test func whatWasSentWentOut() async throws {
    try await CaptureBench.with { bench in
      try await bench.dataplane.send(outOf: "b.eth0", frames: [bench.frame()])
      let recording = await bench.dataplane.recording()
      let path = bench.directory.path("sent.pcapng")
      #expect(try RecordingWriter.write(recording, .init(), to: DescriptorSink(path: path)) == 1)
      let packet = try #require(try FileContents(path: path).packets.first).packet
      #expect(packet.interface == 1 && packet.flags == 6 && packet.comment == "to b.eth0")
      var options = RecordingWriter.Options()
      options.ports = ["b.eth0"]
      for (directions, count) in [(.fromNode, 0), (.toNode, 1), (.both, 1)] as [(CaptureDirections, UInt64)] {
        options.settings.tap.directions = directions
        #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == count)
      }
    }
  }

  private func some(of recording: FlightRecording, _ bench: CaptureBench) async throws {
    let path = bench.directory.path("some.pcapng")
    var options = RecordingWriter.Options()
    options.filter = try Filter("greater 1000")
    options.drops = .ignored
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 16)
    // What went to a port is found there too, unless only one direction is wanted.
    options.ports = ["b.eth0"]
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 16)
    options.settings.tap.directions = .fromNode
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 0)
    options.ports = ["a.eth0"]
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 16)
    options.settings.tap.directions = .toNode
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 0)
    // Of ports that were not asked for, only those that frames came in by are named.
    #expect(try FileContents(path: path).interfaces.map(\.name) == ["a.eth0"])
    options.settings.tap.directions = .both
    options.ports = ["b.eth0"]
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 16)
    let both = try FileContents(path: path)
    #expect(
      both.interfaces.map(\.name) == ["a.eth0", "b.eth0"] && both.packets.allSatisfy { $0.packet.interface == 0 })
    _ = try await tshark(path)
    options = RecordingWriter.Options()
    options.settings.count = 3
    options.settings.tap.snapLength = 20
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 3)
    #expect(try FileContents(path: path).packets.map(\.bytes.count) == [20, 20, 20])
    options = RecordingWriter.Options()
    options.drops = .only
    options.settings.writesVerdicts = true
    #expect(try RecordingWriter.write(recording, options, to: DescriptorSink(path: path)) == 1)
    #expect(try FileContents(path: path).packets.first?.packet.verdict != nil)
  }
}
