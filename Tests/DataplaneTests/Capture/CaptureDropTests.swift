import Dataplane
import GuestKit
import Testing

/// Captures on a switch: tags as they leave, and frames that are dropped, with the reason.
@Suite struct CaptureDropTests {
  @Test func framesAreRecordedWithTheTagsTheyLeaveWith() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 5))
    try bench.addGuest(.trunk(allowed: .all, native: nil))
    try bench.addGuest(.trunk(allowed: .all, native: 5))
    let capture = try bench.capture([0, 1, 2])
    try bench.send([frame(1)], from: 0, at: 1)
    try bench.send([frame(2, tags: [.init(5, priority: 6)])], from: 1, at: 2)
    // A priority tag gets the native VLAN; the other trunk sees it with that number.
    try bench.send([frame(3, tags: [.init(0, priority: 2)])], from: 2, at: 3)
    let got = capture.drain()
    for port in 0..<3 {
      let departures = got.filter { $0.record.interface == UInt32(port) && $0.record.direction == .toNode }
      #expect(departures.map(\.bytes) == (try bench.frames(port)))
    }
    let tagged = Array(frame(1)[..<12] + [0x81, 0, 0, 5] + frame(1)[12...])
    #expect(got.filter { $0.record.interface == 1 }.map(\.bytes).first == tagged)
    #expect(got.filter { $0.record.direction == .fromNode }.count == 3)
    #expect(Set(got.map(\.record.packetID)).count == 3)
  }

  /// Frames that the ingress filter refuses, on an access port of VLAN 5.
  @Test func refusedFramesHaveTheirReason() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 5))
    try bench.addGuest(.access(vlan: 5))
    let included = try bench.capture([0]) { $0.drops = .included }
    let only = try bench.capture([0]) { $0.drops = .only }
    let plain = try bench.capture([0])
    let outwards = try bench.capture([0]) {
      $0.drops = .included
      $0.directions = .toNode
    }
    var group = frame(1)
    group[6] = 1
    var linkLocal = frame(1)
    linkLocal.replaceSubrange(0..<6, with: [1, 0x80, 0xC2, 0, 0, 0])
    let sent: [([UInt8], String?)] = [
      (frame(1), nil), (Array(frame(1).prefix(13)), "runt"), (frame(1, tags: [.init(6)]), "vlan-filtered"),
      (frame(1, tags: [.init(4095)]), "vlan-invalid"), (group, "source-invalid"), (linkLocal, "link-local"),
      (Array(frame(1, tags: [.init(5)]).prefix(17)), "runt"), (frame(7, to: 1), "hairpin"), (frame(1), nil),
    ]
    try bench.send(sent.map(\.0), from: 0, at: 1)
    let got = included.drain()
    #expect(got.map(\.bytes) == sent.map(\.0))
    #expect(got.map(\.record.drop.name) == sent.map(\.1))
    let dropped = only.drain()
    #expect(dropped.map(\.bytes) == sent.filter { $0.1 != nil }.map(\.0))
    #expect(dropped.map(\.record.drop.name) == sent.compactMap(\.1))
    #expect(plain.drain().map(\.record.drop.name) == sent.map { _ in nil })
    #expect(outwards.drain().isEmpty)
    #expect(included.counts(0) == [9, 0, 0, 9] && only.counts(0) == [7, 0, 0, 7])
  }

  @Test func framesThatDoNotReachTheirNodeHaveTheirReason() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.wire, ringSize: 8, bufferSize: 4096)
    try bench.addGuest(.wire, ringSize: 16, bufferSize: 2048)
    bench.worker.connect(0, 1)
    let capture = try bench.capture([0, 1]) { $0.drops = .included }
    let ignoring = try bench.capture([1])
    try bench.guests[0].send(burst: (0..<8).map { frame($0, size: $0 == 3 ? 2040 : 100) })
    bench.breathe(at: 1)
    let arrived = try bench.frames(1)
    try bench.guests[0].send(burst: [frame(20)])
    bench.breathe(at: 2)
    _ = try bench.frames(1)
    bench.setCarrier(1, up: false)
    try bench.guests[0].send(burst: [frame(30)])
    bench.breathe(at: 3)
    bench.setCarrier(0, up: false)
    try bench.guests[0].send(burst: [frame(40)])
    bench.breathe(at: 4)
    let got = capture.drain()
    let departures = got.filter { $0.record.direction == .toNode }
    #expect(departures.filter { $0.record.drop == .none }.map(\.bytes).prefix(arrived.count) == arrived[...])
    #expect(departures.count == 10)
    #expect(departures.compactMap(\.record.drop.name).sorted() == ["carrier-down", "too-big"])
    #expect(got.filter { $0.record.direction == .fromNode }.last?.record.drop.name == "port-down")
    #expect(ignoring.drain().count == 8)
    let drops = departures.filter { $0.record.drop != .none }.count
    #expect(bench.drops(1).values.reduce(0, +) == UInt64(drops))
  }

  @Test func framesWithoutABufferAreDropped() throws {
    let bench = try DrivenBench.wire(ringSize: 8)
    let capture = try bench.capture([1]) { $0.drops = .included }
    for round in 0..<3 { try bench.send((0..<6).map { frame(6 * round + $0) }, from: 0, at: UInt64(round)) }
    let got = capture.drain()
    #expect(got.count == 18)
    #expect(got.prefix(8).allSatisfy { $0.record.drop == .none })
    #expect(got.dropFirst(8).allSatisfy { $0.record.drop.name == "no-buffer" })
    #expect(bench.drops(1) == ["no-buffer": 10])
    #expect(got.map(\.bytes) == (0..<18).map { frame($0) })
  }

  @Test func lostFramesHaveTheirReason() throws {
    let bench = try DrivenBench.wire()
    bench.impair(0, fromNode: .with { $0.loss = 0.5 }, toNode: .with { $0.queueCount = 1 })
    bench.impair(1, toNode: .with { $0.loss = 1 })
    let capture = try bench.capture([0, 1]) { $0.drops = .included }
    let sent = (0..<60).map { frame($0) }
    try bench.send(sent, from: 0, at: 1)
    bench.breathe(at: 2)
    let got = capture.drain()
    let (here, there) = (got.filter { $0.record.interface == 0 }, got.filter { $0.record.interface == 1 })
    #expect(here.map(\.bytes) == sent)
    let lost = here.filter { $0.record.drop.name == "impaired-loss" }.count
    #expect(UInt64(lost) == bench.drops(0)["impaired-loss"] && lost > 10 && lost < 50)
    #expect(there.count == 60 - lost && there.allSatisfy { $0.record.drop.name == "impaired-loss" })
  }

  /// A frame crosses a trunk: both ends show it, with the tag that it has there.
  @Test func trunksAreCapturedAtBothEnds() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("s1")
      try await bench.addSwitch("s2")
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: .all, native: 20))
      try await bench.addGuest("a", .access(vlan: 10), on: "s1")
      try await bench.addGuest("b", .access(vlan: 10), on: "s2")
      try await bench.addGuest("c", .access(vlan: 20), on: "s1")
      let capture = try await bench.dataplane.startCapture(ports: ["s1:t", "s2:t", "a", "b"])
      _ = try bench.exchange(frame(1), from: "a")
      _ = try bench.exchange(frame(3), from: "c")
      await bench.dataplane.stopCapture(capture)
      let got = capture.drain()
      let tagged = Array(frame(1)[..<12] + [0x81, 0, 0, 10] + frame(1)[12...])
      #expect(
        got.map { "\($0.record.interface) \($0.record.direction.rawValue)" }
          == ["2 1", "0 2", "1 1", "3 2", "0 2", "1 1"])
      #expect(got.map(\.bytes) == [frame(1), tagged, tagged, frame(1), frame(3), frame(3)])
      #expect(Set(got.prefix(4).map(\.record.packetID)).count == 1)
      #expect(capture.end == .stopped)
    }
  }

  /// A partial checksum is told; one that was completed for its receiver is recorded completed.
  @Test func partialChecksumsAreTold() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 1))
    try bench.addGuest(.access(vlan: 1))
    try bench.addGuest(.access(vlan: 1), takesPartialChecksums: false)
    try bench.addGuest(.trunk(allowed: .all, native: nil))
    let capture = try bench.capture([0, 1, 2, 3])
    let built = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1))
      .udp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: Array(0..<200), checksum: .partial)
    try bench.guests[0].send(built.frame, header: built.header)
    bench.breathe(at: 1)
    let got = capture.drain()
    #expect(got.map(\.record.needsChecksum) == [true, true, false, true])
    #expect(got.map(\.record.checksumStart) == [34, 34, 0, 38])
    #expect(got.map(\.record.checksumOffset) == [6, 6, 0, 6])
    #expect(got[0].bytes == built.frame && got[1].bytes == built.frame)
    #expect(checksumState(got[2].bytes) == .right && checksumState(got[3].bytes) == .wrong)
    for port in 1...3 { #expect(try bench.frames(port) == [got[port].bytes]) }
  }
}
