import Dataplane
import GuestKit
import TestSupport
import Testing

/// What protocols on the control side get to see of the frames at the ports of their switches.
@Suite(.timeLimit(.minutes(2))) struct PuntTests {
  /// 01-80-C2-00-00-00 to -0F.
  private static func linkLocal() throws -> FilterProgram {
    try FilterProgram([
      FilterInstruction(0x20, 0, 0, 0), FilterInstruction(0x15, 0, 4, 0x0180_C200), FilterInstruction(0x28, 0, 0, 4),
      FilterInstruction(0x54, 0, 0, 0xFFF0), FilterInstruction(0x15, 0, 1, 0), FilterInstruction(6, 0, 0, 0xFFFF),
      FilterInstruction(6, 0, 0, 0),
    ])
  }

  private func bpdu(_ source: Int, _ last: UInt8 = 0, tags: [FrameBuilder.Tag] = [], size: Int = 60) -> [UInt8] {
    FrameBuilder(to: [1, 0x80, 0xC2, 0, 0, last], from: FrameBuilder.station(source), tags: tags).plain(size: size)
  }

  private func drain(_ punt: PuntHandle, _ bench: Bench) async -> [PuntedFrame] {
    // Records become visible at the end of a breath.
    _ = await bench.dataplane.ports()
    var frames: [PuntedFrame] = []
    while let frame = punt.next() { frames.append(frame) }
    return frames
  }

  /// What a punted frame says, in a line.
  private func line(_ frame: PuntedFrame) -> String {
    "\(frame.switchName) \(frame.port) \(frame.vlan.map(String.init) ?? "-") \(frame.drop.name ?? "on")"
  }

  @Test func theSwitchsVerdictComesWithTheFrame() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addSwitch("open") { $0.linkLocal = .transparent }
      try await bench.addGuest("a", .access(vlan: 10))
      try await bench.addGuest("t", .trunk(allowed: VLANSet([20...20]), native: nil))
      try await bench.addGuest("o", .access(vlan: 30), on: "open")
      try await bench.addGuest("p", .access(vlan: 30), on: "open")
      let punt = try await bench.dataplane.punt(from: ["sw", "open"], matching: Self.linkLocal())
      #expect(punt.ports == ["a", "o", "p", "t"])
      try bench.exchange(frame(1), from: "a")
      try bench.exchange(bpdu(1), from: "a")
      try bench.exchange(bpdu(2, tags: [.init(20)]), from: "t")
      try bench.exchange(bpdu(2, tags: [.init(0)]), from: "t")
      try bench.exchange(bpdu(2), from: "t")
      try bench.expect(bpdu(3, 0x0E), from: "o", reaches: ["p": bpdu(3, 0x0E)])
      for state in [ForwardingState.discarding, .learning] {
        try await bench.dataplane.setForwarding(port: "o", vlans: .all, state)
        try bench.expect(bpdu(3, 0x0E), from: "o", reaches: [:])
        try bench.exchange(bpdu(3, 1), from: "o")
      }
      let got = await drain(punt, bench)
      try #require(
        got.map(line) == [
          "sw a 10 link-local", "sw t 20 link-local", "sw t - vlan-filtered", "sw t - vlan-filtered", "open o 30 on",
          "open o 30 not-forwarding", "open o 30 link-local", "open o 30 not-forwarding", "open o 30 link-local",
        ])
      #expect(got[0].bytes == bpdu(1) && got[1].bytes == bpdu(2, tags: [.init(20)]))
      #expect(got.allSatisfy { $0.timestamp > 1_700_000_000_000_000_000 && !$0.hasPartialChecksum })
      #expect(got.map(\.timestamp) == got.map(\.timestamp).sorted() && Set(got.map(\.packetID)).count == 9)
      let counts = punt.counts
      #expect([counts.received, counts.filtered, counts.dropped, counts.captured] == [10, 1, 0, 9])
      await bench.dataplane.stopPunt(punt)
      await bench.dataplane.stopPunt(punt)
      try bench.exchange(bpdu(1), from: "a")
      #expect(await drain(punt, bench).isEmpty && punt.end == .stopped && punt.ports.isEmpty)
    }
  }

  @Test func portsComeAndGo() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addSwitch("other")
      let punt = try await bench.dataplane.punt(from: ["sw"], matching: nil)
      try await bench.addGuest("z", .access(vlan: 1), on: "other")
      for turn in 0..<3 {
        try await bench.addGuest("a", .access(vlan: 1))
        try bench.exchange(frame(turn), from: "a")
        try bench.exchange(frame(turn), from: "z")
        bench.dropGuest("a")
        try await bench.dataplane.removePort("a")
      }
      let got = await drain(punt, bench)
      #expect(got.map(\.bytes) == (0..<3).map { frame($0) } && got.allSatisfy { $0.port == "a" })
      // The same name, and the same number in the data plane; each is another port.
      #expect(got.map(\.portID) == [1, 2, 3])
      #expect(punt.ports.isEmpty && punt.end == nil)
      #expect(punt.counts.captured == 3, "what ports had counts when they are gone")
      // Ends of trunks are ports of their switches.
      try await bench.dataplane.addPatch(
        name: "t", between: "sw", and: "other", mode: .trunk(allowed: .all, native: 1))
      #expect(punt.ports == ["sw:t"])
      try bench.exchange(frame(9), from: "z")
      #expect(await drain(punt, bench).map(line) == ["sw sw:t 1 on"])
      try await bench.dataplane.removePort("sw:t")
      #expect(punt.ports.isEmpty)
    }
  }

  /// A reader that does not come costs itself frames, and nobody else.
  @Test func aSlowReaderLosesWhatHasNoRoom() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      try await bench.addGuest("b", .access(vlan: 1))
      let punt = try await bench.dataplane.punt(from: ["sw"], matching: nil, ringSize: 1 << 18)
      let a = try bench.guest("a")
      for turn in 0..<20 {
        let frames = (0..<32).map { frame(1, size: 1500, seed: turn * 32 + $0) }
        try a.send(burst: frames)
        #expect(try bench.collect(after: a)["b"]?.map(\.frame) == frames)
      }
      let got = await drain(punt, bench)
      let counts = punt.counts
      #expect(counts.received == 640 && counts.captured == UInt64(got.count) && counts.captured + counts.dropped == 640)
      #expect((100..<200).contains(got.count), "256 KiB of frames of 1500 bytes: \(got.count)")
      #expect(got.enumerated().allSatisfy { $1.bytes == frame(1, size: 1500, seed: $0) })
      try bench.exchange(frame(2), from: "a")
      #expect(await drain(punt, bench).map(\.bytes) == [frame(2)])
    }
  }

  /// A protocol hears what its switch hears: neither what a link lost, nor what came while the port was down, and what is
  /// held when it is let go, once.
  @Test func impairmentsComeFirst() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      let punt = try await bench.dataplane.punt(from: ["sw"], matching: nil)
      let capture = try await bench.dataplane.startCapture(ports: ["a"])
      try await bench.dataplane.setImpairment(port: "a", fromNode: .with { $0.loss = 1 }, toNode: nil)
      try bench.exchange(bpdu(1), from: "a")
      #expect(await drain(punt, bench).isEmpty)
      try await bench.dataplane.setImpairment(port: "a", fromNode: .with { $0.delay = 3_600_000_000_000 }, toNode: nil)
      try bench.exchange(bpdu(2), from: "a")
      #expect(await drain(punt, bench).isEmpty)
      // Without the impairment what is held goes on.
      try await bench.dataplane.setImpairment(port: "a", fromNode: nil, toNode: nil)
      #expect(await drain(punt, bench).map(line) == ["sw a 1 link-local"])
      try await bench.dataplane.setCarrier(port: "a", up: false)
      try await bench.dataplane.inject(port: "a", frames: [bpdu(3)])
      #expect(await drain(punt, bench).isEmpty)
      // Captures have all that came to the port.
      #expect(await bench.drain(capture).map(\.bytes) == [bpdu(1), bpdu(2), bpdu(3)])
    }
  }

  /// What leaves is not what comes: a punt beside a capture changes nothing for it, and has no frame to a node.
  @Test func onlyWhatComesInIsPunted() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let punt = try await bench.dataplane.punt(from: ["sw"], matching: nil)
      let capture = try await bench.dataplane.startCapture(ports: ["a", "b"])
      for number in 1...3 { try bench.exchange(frame(number), from: "a") }
      try await bench.dataplane.send(outOf: "b", frames: [frame(4)])
      #expect(await drain(punt, bench).map(\.bytes) == (1...3).map { frame($0) })
      #expect(await bench.drain(capture).count == 7)
    }
  }

  @Test func framesComeAsASequence() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addPort("a", .access(vlan: 1))
      try await bench.addGuest("b", .access(vlan: 1))
      let punt = try await bench.dataplane.punt(from: ["sw"], matching: nil)
      let reader = Task {
        var frames: [[UInt8]] = []
        for await frame in punt.frames { frames.append(frame.bytes) }
        return frames
      }
      for number in 1...5 { try bench.exchange(frame(number), from: "b") }
      await bench.dataplane.stopPunt(punt)
      #expect(await reader.value == (1...5).map { frame($0) })
      // A reader that is cancelled ends.
      let other = try await bench.dataplane.punt(from: ["sw"], matching: nil)
      let (isLate, isLast) = (Flag(), Flag())
      let late = Task { for await _ in other.frames { isLate.set() } }
      // It has a frame, and waits for the next.
      try bench.exchange(frame(6), from: "b")
      #expect(await eventually { isLate.isSet })
      late.cancel()
      await late.value
      // So does one when the data plane ends.
      let last = Task { for await _ in other.frames { isLast.set() } }
      try bench.exchange(frame(7), from: "b")
      #expect(await eventually { isLast.isSet })
      await bench.dataplane.stop()
      await last.value
      #expect(other.end == .stopped)
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.punt(from: ["sw"], matching: nil) }
    }
  }

  @Test func whatCannotBeIsRefused() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let dataplane = bench.dataplane
      await #expect(throws: DataplaneError.unknownSwitch("x")) {
        try await dataplane.punt(from: ["sw", "x"], matching: nil)
      }
      await #expect(throws: DataplaneError.self) { try await dataplane.punt(from: [], matching: nil) }
      for size in [0, -1, 1 << 17, .max] {
        await #expect(throws: DataplaneError.self) {
          try await dataplane.punt(from: ["sw"], matching: nil, ringSize: size)
        }
      }
      var punts: [PuntHandle] = []
      for _ in 0..<64 { punts.append(try await dataplane.punt(from: ["sw"], matching: nil, ringSize: 1 << 18)) }
      await #expect(throws: DataplaneError.invalid("64 captures and punts run already")) {
        try await dataplane.punt(from: ["sw"], matching: nil)
      }
      for punt in punts { await dataplane.stopPunt(punt) }
      // Bits that captures get now are not punts any more.
      try await bench.addGuest("a", .access(vlan: 1))
      let capture = try await dataplane.startCapture(ports: ["a"])
      try bench.exchange(frame(1), from: "a")
      try await dataplane.send(outOf: "a", frames: [frame(2)])
      #expect(await bench.drain(capture).map(\.bytes) == [frame(1), frame(2)])
    }
  }
}
