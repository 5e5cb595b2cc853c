import Foundation
import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// What a data plane has come to, written down and put into another one that has nothing of it but the configuration.
@Suite struct SavedPlaneTests {
  private static func written(_ state: PlaneState) throws -> PlaneState {
    try JSONDecoder().decode(PlaneState.self, from: JSONEncoder().encode(state))
  }

  private static func delayed(_ milliseconds: UInt64) -> Impairment { .with { $0.delay = milliseconds * 1_000_000 } }

  /// Two guests of a switch that know each other, the second behind a slow link.
  private static func makeLab(_ relay: Relay, delay: UInt64?) async throws {
    try await relay.addSwitch()
    for name in ["a", "b"] { try await relay.addGuest(name, .access(vlan: 1)) }
    if let delay { try await relay.impair("b", toNode: delayed(delay)) }
  }

  /// A lab that is saved with frames on its way, and its state.
  private static func saved(frames: Int) async throws -> PlaneState {
    var state = PlaneState()
    try await Relay.with { relay in
      try await makeLab(relay, delay: 3_600_000)
      let (a, b) = (try relay.guest("a"), try relay.guest("b"))
      try b.send(frame(2))
      #expect(try a.receive() != nil)
      for seed in 0..<frames { try a.send(frame(1, to: 2, size: 60 + 20 * seed, seed: seed)) }
      #expect(try a.waitForTransmitted())
      await relay.plane.freezeLines()
      state = try written(await relay.plane.save())
      await relay.plane.thawLines()
    }
    return state
  }

  @Test func framesStationsAndCountersComeBack() async throws {
    var state = try await Self.saved(frames: 50)
    #expect(state.ports.isEmpty && state.takenAt == nil)
    let line = try #require(state.lines.first)
    #expect(line.port == "b" && line.direction == .toNode && line.frames.count == 50)
    #expect(line.frames.allSatisfy { (3_000_000_000_000...3_600_000_000_000).contains($0.remaining) })
    // As if nearly all of the time had been over; the first of them last, since each keeps its place.
    for index in state.lines[0].frames.indices { state.lines[0].frames[index].remaining = 400_000_000 }
    let saved = state
    try await Relay.with { relay in
      try await Self.makeLab(relay, delay: 3_600_000)
      let start = ContinuousClock.now
      await relay.plane.restore(saved)
      #expect(try await relay.status("b").impairments.first?.held == 50)
      #expect(Set(await relay.plane.fdb(switchName: nil).map(\.port)) == ["a", "b"])
      #expect(try await relay.status("a").receivePackets == 50)
      let b = try relay.guest("b")
      for seed in 0..<50 { #expect(try b.receive()?.frame == frame(1, to: 2, size: 60 + 20 * seed, seed: seed)) }
      #expect(ContinuousClock.now - start >= .milliseconds(400))
      let status = try await relay.status("b")
      #expect(status.transmitPackets == 50 && status.receivePackets == 1)
      #expect(status.impairments.first?.delayed == 50)
    }
  }

  /// The link is not slow any more: what was on its way has arrived.
  @Test func framesOfALineThatIsGoneGoOnAtOnce() async throws {
    let state = try await Self.saved(frames: 5)
    try await Relay.with { relay in
      try await Self.makeLab(relay, delay: nil)
      await relay.plane.restore(state)
      let b = try relay.guest("b")
      for seed in 0..<5 { #expect(try b.receive()?.frame == frame(1, to: 2, size: 60 + 20 * seed, seed: seed)) }
      #expect(try await relay.status("b").impairments.isEmpty)
    }
  }

  /// A shorter queue has room for the first ones, as when they came.
  @Test func aShorterQueueKeepsTheOldest() async throws {
    let state = try await Self.saved(frames: 10)
    try await Relay.with { relay in
      try await Self.makeLab(relay, delay: nil)
      try await relay.impair("b", toNode: .with { ($0.delay, $0.queueCount) = (3_600_000_000_000, 4) })
      await relay.plane.restore(state)
      let status = try await relay.status("b").impairments.first
      #expect(status?.held == 4 && status?.refused == 6)
    }
  }

  /// Nothing leaves while lines stand still, and everything leaves later by that time.
  @Test(arguments: [1, 2])
  func frozenLinesStandStill(workers: Int) async throws {
    try await Relay.with(workers: workers) { relay in
      try await Self.makeLab(relay, delay: 2000)
      let (a, b) = (try relay.guest("a"), try relay.guest("b"))
      let start = ContinuousClock.now
      try a.send(frame(1, seed: 1))
      #expect(try a.waitForTransmitted())
      await relay.plane.freezeLines()
      let frozen = ContinuousClock.now
      // Comes meanwhile, and waits as long.
      try a.send(frame(1, seed: 2))
      #expect(try a.waitForTransmitted())
      #expect(try b.receive(timeout: 600) == nil)
      await relay.plane.freezeLines()
      let thawed = ContinuousClock.now
      await relay.plane.thawLines()
      await relay.plane.thawLines()
      #expect(try b.receive()?.frame == frame(1, seed: 1))
      #expect(ContinuousClock.now - start >= .seconds(2) + (thawed - frozen))
      #expect(try b.receive()?.frame == frame(1, seed: 2))
      // The clock goes on for others.
      let again = ContinuousClock.now
      try a.send(frame(1, seed: 3))
      #expect(try b.receive()?.frame == frame(1, seed: 3))
      #expect(ContinuousClock.now - again >= .seconds(2))
    }
  }

  /// Frames that cross a patch keep what their switch had found out; partial checksums stay so.
  @Test func framesOnATrunkKeepTheirVLAN() async throws {
    let trunk = PortMode.trunk(allowed: .all, native: 7)
    func makeLab(_ relay: Relay) async throws {
      for name in ["near", "far"] { try await relay.addSwitch(name) }
      try await relay.addGuest("a", .access(vlan: 5), on: "near")
      try await relay.addGuest("b", .trunk(allowed: .all, native: nil), on: "far")
      try await relay.addPatch(PatchEnd("near:far", on: "near", trunk), PatchEnd("far:near", on: "far", trunk))
      try await relay.impair("near:far", toNode: Self.delayed(3_600_000))
    }
    let sent = frame(1, size: 200, seed: 3)
    var state = PlaneState()
    try await Relay.with { relay in
      try await makeLab(relay)
      try relay.guest("a").send(sent, header: NetworkHeader(checksumStart: 34, checksumOffset: 6))
      #expect(try relay.guest("a").waitForTransmitted())
      state = try Self.written(await relay.plane.save())
    }
    #expect(state.lines.first?.frames.first?.checksum == HeldFrameState.Checksum(start: 34, offset: 6))
    for index in state.lines.indices {
      for frame in state.lines[index].frames.indices { state.lines[index].frames[frame].remaining = 0 }
    }
    let saved = state
    try await Relay.with { relay in
      try await makeLab(relay)
      await relay.plane.restore(saved)
      let got = try #require(try relay.guest("b").receive())
      #expect(got.frame == Array(sent[..<12] + [0x81, 0, 0, 5] + sent[12...]))
      var header = NetworkHeader(checksumStart: 38, checksumOffset: 6)
      header.bufferCount = 1
      #expect(got.header == header)
    }
  }

  // What cannot be.

  private static func edited(_ state: PlaneState, _ replacements: [(String, String)]) throws -> Data {
    var text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
    for (old, new) in replacements {
      #expect(text.contains(old), "\(old)")
      text = text.replacingOccurrences(of: old, with: new)
    }
    return Data(text.utf8)
  }

  @Test func anotherVersionIsRefused() throws {
    let later = try Self.edited(PlaneState(), [("\"version\":1", "\"version\":2")])
    let refusal = StateError.version(of: "data plane state", found: 2, expected: 1)
    #expect(throws: refusal) { try JSONDecoder().decode(PlaneState.self, from: later) }
  }

  @Test func textsThatAreNoBytesAreRefused() throws {
    for (bytes, text) in [
      ([], ""), ([1], "AQ=="), ([1, 2], "AQI="), ([1, 2, 3], "AQID"), ([255, 254, 253, 252], "//79/A=="),
    ] as [([UInt8], String)] {
      #expect(Base64.text(bytes) == text && Base64.bytes(text) == bytes)
      #expect(Base64.text(bytes) == Data(bytes).base64EncodedString())
    }
    let random = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    #expect(Base64.text(random) == Data(random).base64EncodedString())
    for bad in ["A", "AQ", "AQI", "A===", "====", "AQ=I", "AQ==AQID", "AQI\u{e9}", "AQ I"] {
      #expect(Base64.bytes(bad) == nil, "\(bad)")
    }
    var state = PlaneState()
    state.switches = [
      SwitchSnapshot(
        SwitchConfiguration(name: "sw"),
        [.init(vlan: 1, address: FrameBuilder.address(1), port: "a", origin: .learned, age: 1)])
    ]
    for (old, new) in [
      ("\"ports\":[\"a\"]", "\"ports\":[]"), ("\"stations\":\"", "\"stations\":\"AAAA"),
      ("\"stations\":\"", "\"stations\":\"*"),
    ] {
      let data = try Self.edited(state, [(old, new)])
      #expect(throws: DecodingError.self) { try JSONDecoder().decode(PlaneState.self, from: data) }
    }
  }

  /// Frames of any size, with checksums anywhere and times without end, are left out or bounded; nothing traps.
  @Test func framesThatCannotBeAreLeftOut() async throws {
    var state = try await Self.saved(frames: 1)
    let good = state.lines[0].frames[0]
    func frame(_ size: Int, _ checksum: HeldFrameState.Checksum? = nil, remaining: UInt64 = 0) -> HeldFrameState {
      HeldFrameState(
        [UInt8](repeating: 2, count: size), remaining: remaining, checksum: checksum, note: .max,
        overtakes: size % 2 == 0)
    }
    state.lines[0].frames = [
      frame(0), frame(13), frame(70_000), frame(100, .init(start: 99, offset: 0)),
      frame(100, .init(start: 5, offset: 0)),
      frame(100, .init(start: .max, offset: .max)), frame(1000, .init(start: 300, offset: 2)), good,
      frame(14, remaining: .max), frame(15, remaining: .max), frame(65_539, remaining: .max),
    ]
    state.lines[0].schedule = LineState.Schedule(
      random: .max, lastInOrder: .max, lastOvertaking: .max, passed: .max, passedRest: .max)
    state.lines[0].counts = LineState.Counts(held: .max, duplicated: .max, lost: .max, refused: .max)
    var other = state.lines[0]
    other.port = "a"
    other.direction = .fromNode
    state.lines.append(other)
    other.port = "nobody"
    state.lines.append(other)
    state.counters = [
      PortCounters(
        port: "a", receivePackets: .max, receiveBytes: .max, transmitPackets: .max, transmitBytes: .max,
        dropsIn: ["runt": .max, "no such": 1], dropsOut: [:])
    ]
    let hostile = try Self.written(state)
    try await Relay.with { relay in
      try await Self.makeLab(relay, delay: 1)
      try await relay.impair("b", toNode: .with { ($0.delay, $0.rate) = (1_000_000, 1_000_000) })
      await relay.plane.restore(hostile)
      // Those of its own, and what was on a line that is gone.
      #expect(try await relay.status("b").impairments.first?.held ?? 0 >= 4)
      // The way from it is as it was.
      try relay.guest("b").send(GuestKit.frame(2, to: 1))
      let a = try relay.guest("a")
      var isThere = false
      while !isThere, let got = try a.receive() { isThere = got.frame == GuestKit.frame(2, to: 1) }
      #expect(isThere)
    }
  }

  /// A program that offers less than a front-end has acknowledged says so before frames move, and the other one goes on.
  @Test func aSessionThatCannotGoOnIsNotTakenOver() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("a", .access(vlan: 1))
      var given = try await relay.given()
      for index in given.state.ports.indices {
        given.state.ports[index].frontEnd?.session?.state.features |= 1 << 63
      }
      let next = try? await relay.successor(given)
      let isRefused = next == nil
      #expect(isRefused)
      await next?.stop()
      await relay.plane.resume()
      #expect(try await relay.status("a").carrier)
      #expect(throws: Never.self) { try guest.frontEnd?.barrier() }
    }
  }

  /// What ports have open is checked as what peers say is: places, kinds, sizes.
  @Test func portsThatCannotBeAreOpenedAnewOrWait() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      try await relay.addGuest("a", .access(vlan: 1))
      try await relay.addPort("s", .access(vlan: 1), .stream(SocketPeer(stream: relay.path("s"))))
      let peer = try StreamPeer(path: relay.path("s"))
      #expect(try await eventually { try await relay.status("s").carrier })
      let edits: [(inout InheritedPort) -> Void] = [
        { $0.frontEnd?.session?.descriptors = [] }, { $0.frontEnd?.session?.descriptors = [99_999, -1] },
        { $0.frontEnd?.session?.connection = -7 }, { $0.frontEnd?.session?.state.rings.removeLast() },
        { $0.frontEnd?.session?.state.regions[0].size = .max }, { $0.frontEnd?.candidate = .max },
        { $0.frontEnd?.session?.state.rings[0].queue.size = 77 },
        { $0.frontEnd?.queues = .init(repeating: .init(kicks: 1, calls: 1, segmented: 1, merged: 1), count: 99) },
        { $0.frontEnd?.session?.unsent = [.init(bytes: [], descriptors: [5_000])] },
        { $0.listener = 12_345 }, { $0.place = "/elsewhere" }, { $0.stream?.connection = 4_711 },
        { $0.stream?.packedInput = PackedBytes([UInt8](repeating: 255, count: 1 << 20)) },
        { $0.stream?.packedInput = PackedBytes([255, 255, 255, 255]) },
        { $0.stream?.packedOutput = PackedBytes([UInt8](repeating: 1, count: 1 << 20)) },
        { $0.stream?.epoch = .max },
      ]
      for (number, edit) in edits.enumerated() {
        var given = try await relay.given()
        for index in given.state.ports.indices { edit(&given.state.ports[index]) }
        let next = try? await relay.successor(given)
        // Where it cannot listen since the other one does, it says so.
        if let next {
          while await next.reactor.run({ $0.endpoints.values.contains { $0.session?.isTakingUp == true } }) {
            await next.worker.run { _ in }
          }
          #expect(await next.ports().count == 2, "\(number)")
          await next.stop()
        }
        await relay.plane.resume()
        #expect(try await relay.status("a").carrier, "\(number)")
      }
      withExtendedLifetime(peer) {}
    }
  }
}
