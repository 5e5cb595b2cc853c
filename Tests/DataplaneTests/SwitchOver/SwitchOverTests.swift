import Frames
import GuestKit
import Testing
import VhostUser

@testable import Dataplane

extension DrivenBench {
  /// Stops a guest's rings as a machine does that moves: the receive rings first.
  ///
  /// - Returns: where each ring stood.
  @discardableResult
  func stop(_ port: Int, isMoving: Bool = true) -> [UInt32] {
    guests[port].rings.map { worker.core.coldStopRing(port, ring: $0.index, isMoving: isMoving) }
  }

  /// Starts a guest's rings where they stood, in the memory that it has.
  func start(_ port: Int, at bases: [UInt32]) throws {
    let guest = guests[port]
    let starts = zip(guest.rings, bases).map { ring, base in
      var start = Self.start(ring, guest.features)
      start.base = base
      start.isPositionOurs = true
      return start
    }
    try worker.start(port: port, memory: Self.regions(guest.memory), rings: starts)
  }

  func isUp(_ port: Int) -> Bool { worker.core.state.ports.cables[port].isUp }
  func held(_ port: Int) -> HeldStatus? { worker.core.coldHeld(port) }

  /// Frames to a port wait, whatever its node does.
  func hold(_ port: Int, seconds: UInt64 = 30) {
    worker.core.coldHoldFrames(port, limit: seconds * 1000 * Self.millisecond, isAsked: true)
  }

  func release(_ port: Int) { worker.core.coldReleaseFrames(port) }
}

/// Ports whose machines move: frames wait, and come in order when it is there again, or go where it is.
@Suite(.everyRingFormat) struct SwitchOverTests {
  private static let ms = DrivenBench.millisecond
  private static let second = 1000 * ms

  private func frame(_ source: Int, to destination: Int, size: Int = 100, seed: Int = 0) -> [UInt8] {
    GuestKit.frame(source, to: destination, size: size, seed: seed)
  }

  /// Three access ports of one switch, whose stations 1, 2 and 3 are known.
  private func bench(ringSize: Int = 256, receiveCount: Int? = nil) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<3 {
      try bench.addGuest(.access(vlan: 1), features: 0) {
        $0.ringSize = ringSize
        $0.receiveCount = receiveCount
      }
    }
    for port in 0..<3 {
      let hello = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(port + 1)).plain(size: 60)
      try bench.send([hello], from: port, at: 1)
    }
    for port in 0..<3 { _ = try bench.frames(port) }
    return bench
  }

  @Test func framesWaitAndComeInOrder() throws {
    let bench = try bench()
    let bases = bench.stop(1)
    #expect(bench.isUp(1), "who moves is not gone")
    let flood = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(3)).plain(size: 80)
    var sent: [[UInt8]] = []
    for round in 0..<5 {
      let burst = (0..<40).map { frame(1, to: 2, size: 60 + $0 * 30, seed: round * 40 + $0) }
      try bench.send(burst, from: 0, at: 2)
      try bench.send([flood], from: 2, at: 2)
      sent += burst + [flood]
    }
    #expect(bench.held(1)?.frames == sent.count)
    #expect(bench.held(1)?.bytes == sent.map(\.count).reduce(0, +))
    #expect(try bench.frames(1).isEmpty)
    #expect(try bench.frames(0).count == 5, "others have their copies at once")
    #expect(bench.worker.counts(port: 1).transmitted == 2)
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    #expect(try bench.frames(1) == sent)
    #expect(bench.held(1) == nil && bench.isUp(1))
    #expect(bench.worker.counts(port: 1).transmitted == UInt64(2 + sent.count))
    #expect(bench.drops(1).isEmpty && bench.worker.core.state.delays.count == 0)
    try bench.send([frame(1, to: 2)], from: 0, at: 4)
    #expect(try bench.frames(1).count == 1)
    #expect(bench.worker.stationCount == 3)
  }

  /// Nobody waits for a machine that only stops.
  @Test func aPlainStopIsNoSwitchOver() throws {
    let bench = try bench()
    bench.stop(1, isMoving: false)
    #expect(!bench.isUp(1) && bench.held(1) == nil)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    #expect(bench.worker.counts(port: 1).transmitted == 2)
  }

  /// What finds no room is counted; 0 keeps nothing, but the carrier.
  @Test(arguments: [0, 20]) func aFullBufferDrops(count: Int) throws {
    let bench = try bench()
    bench.worker.core.coldSetBufferLimit(1, count * (100 + HeldQueue.overhead))
    let bases = bench.stop(1)
    let sent = (0..<50).map { frame(1, to: 2, seed: $0) }
    try bench.send(sent, from: 0, at: 2)
    #expect(bench.isUp(1))
    #expect(bench.drops(1) == ["migration-buffer": UInt64(50 - count)])
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    #expect(try bench.frames(1) == Array(sent.prefix(count)))
  }

  /// A ring with few buffers is given what it has room for, and the rest when there is room; what comes meanwhile is behind.
  @Test func aShortRingIsFilledAsItGoes() throws {
    let bench = try bench(ringSize: 16)
    let bases = bench.stop(1)
    let sent = (0..<100).map { frame(1, to: 2, seed: $0) }
    for start in stride(from: 0, to: 90, by: 10) { try bench.send(Array(sent[start..<(start + 10)]), from: 0, at: 2) }
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    #expect(bench.held(1)?.frames == 90 - 16)
    try bench.send(Array(sent[90...]), from: 0, at: 4)
    #expect(bench.held(1)?.frames == 100 - 16)
    var (got, now) = ([[UInt8]](), UInt64(5))
    for _ in 0..<20 where got.count < 100 {
      got += try bench.frames(1)
      now += SwitchOver.bufferPause
      bench.breathe(at: now)
    }
    got += try bench.frames(1)
    #expect(got == sent)
    #expect(bench.held(1) == nil && bench.drops(1).isEmpty)
  }

  /// A guest that takes nothing once it is there again has its frames in vain, as it would have had.
  @Test func aGuestThatTakesNothingIsNotWaitedForForEver() throws {
    let bench = try bench(ringSize: 16)
    let bases = bench.stop(1)
    let sent = (0..<40).map { frame(1, to: 2, seed: $0) }
    for start in stride(from: 0, to: 40, by: 10) { try bench.send(Array(sent[start..<(start + 10)]), from: 0, at: 2) }
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    bench.breathe(at: 3 + SwitchOver.bufferPause)
    bench.breathe(at: 3 + SwitchOver.bufferPause + SwitchOver.bufferPatience)
    #expect(bench.held(1) == nil && bench.isUp(1))
    #expect(bench.drops(1) == ["no-buffer": 24])
    #expect(try bench.frames(1) == Array(sent.prefix(16)))
  }

  @Test func aMachineThatDoesNotComeBackIsGivenUp() throws {
    let bench = try bench()
    bench.stop(1)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    bench.breathe(at: 29 * Self.second)
    #expect(bench.isUp(1) && bench.held(1)?.frames == 1)
    bench.breathe(at: 30 * Self.second + 2)
    #expect(!bench.isUp(1) && bench.held(1) == nil)
    #expect(bench.drops(1) == ["migration-buffer": 1])
    #expect(bench.worker.nextRelease == nil)
  }

  /// For who saves a lab: frames wait while the guest runs, and while it is paused.
  @Test func framesWaitAsLongAsSomebodyAsksForIt() throws {
    let bench = try bench()
    bench.hold(1)
    let sent = (0..<3).map { frame(1, to: 2, seed: $0) }
    try bench.send([sent[0]], from: 0, at: 2)
    let bases = bench.stop(1, isMoving: false)
    #expect(bench.isUp(1))
    try bench.send([sent[1]], from: 0, at: 3)
    try bench.start(1, at: bases)
    try bench.send([sent[2]], from: 0, at: 4)
    #expect(try bench.frames(1).isEmpty)
    // The guest goes on sending meanwhile.
    try bench.send([frame(2, to: 1)], from: 1, at: 4)
    #expect(try bench.frames(0).count == 1)
    bench.release(1)
    bench.breathe(at: 5)
    #expect(try bench.frames(1) == sent && bench.held(1) == nil)
    bench.release(1)
    // Whoever forgets to release them is helped.
    bench.hold(1, seconds: 2)
    try bench.send([sent[0]], from: 0, at: 6)
    bench.breathe(at: 3 * Self.second)
    #expect(try bench.frames(1) == [sent[0]] && bench.held(1) == nil)
  }

  /// Released while the machine is paused, they come when it runs.
  @Test func framesReleasedTooEarlyWaitForTheGuest() throws {
    let bench = try bench()
    bench.hold(1)
    let bases = bench.stop(1, isMoving: false)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    bench.release(1)
    bench.breathe(at: 3)
    #expect(bench.held(1)?.frames == 1 && bench.isUp(1))
    try bench.start(1, at: bases)
    bench.breathe(at: 4)
    #expect(try bench.frames(1).count == 1 && bench.held(1) == nil)
  }

  /// A stop does not cut short what somebody asked for; once that is over, a guest that is not there has the usual time.
  @Test func whatWasAskedForLastsAndThenEndsAsUsual() throws {
    let bench = try bench()
    bench.hold(1, seconds: 3600)
    bench.stop(1)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    bench.breathe(at: 100 * Self.second)
    #expect(bench.held(1)?.frames == 1 && bench.isUp(1))
    bench.release(1)
    bench.breathe(at: 129 * Self.second)
    #expect(bench.held(1)?.frames == 1 && bench.isUp(1))
    // To release it again does not make it longer.
    bench.release(1)
    bench.breathe(at: 131 * Self.second)
    #expect(bench.held(1) == nil && !bench.isUp(1))
    #expect(bench.drops(1) == ["migration-buffer": 1])
  }

  @Test func aLinkThatIsSetDownKeepsNothing() throws {
    let bench = try bench()
    let bases = bench.stop(1)
    try bench.send([frame(1, to: 2), frame(1, to: 2)], from: 0, at: 2)
    bench.setCarrier(1, up: false)
    #expect(bench.held(1) == nil && !bench.isUp(1))
    #expect(bench.drops(1) == ["carrier-down": 2])
    try bench.start(1, at: bases)
    bench.setCarrier(1, up: true)
    try bench.send([frame(1, to: 2)], from: 0, at: 3)
    #expect(try bench.frames(1).count == 1)
  }

  @Test func aPortThatIsRemovedTakesItsFramesWithIt() throws {
    let bench = try bench()
    bench.stop(1)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    bench.remove(1)
    #expect(bench.worker.core.state.delays.count == 0 && bench.worker.nextRelease == nil)
    try bench.send([frame(1, to: 3)], from: 0, at: 3)
    #expect(try bench.frames(2).count == 1)
  }

  /// Its machine is on another host: what was kept follows it to the port by which that is reached.
  @Test(arguments: [false, true]) func framesFollowAMachineThatHasMoved(isKnownAtOnce: Bool) throws {
    let bench = try bench()
    let trunk = try bench.addGuest(.trunk(allowed: .all, native: nil), ringSize: 256)
    bench.stop(1)
    let sent = (0..<100).map { frame(1, to: 2, seed: $0) }
    try bench.send(sent, from: 0, at: 2)
    let group = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
    try bench.send([group], from: 0, at: 2)
    _ = try bench.frames(trunk)
    let announcement = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(2), tags: [.init(1)])
    if isKnownAtOnce { try bench.send([announcement.plain(size: 64)], from: trunk, at: 3) }
    bench.worker.core.coldClearRings(1)
    #expect(bench.isUp(1))
    bench.worker.core.coldLoseNode(1)
    #expect(!bench.isUp(1))
    bench.breathe(at: 4)
    if !isKnownAtOnce {
      #expect(try bench.frames(trunk).isEmpty)
      try bench.send([announcement.plain(size: 64)], from: trunk, at: 5)
      bench.breathe(at: 5 + SwitchOver.stationPause)
    }
    let tag: [UInt8] = [0x81, 0, 0, 1]
    #expect(try bench.frames(trunk) == sent.map { Array($0[..<12]) + tag + Array($0[12...]) })
    #expect(bench.held(1) == nil && bench.worker.core.state.delays.count == 0)
    #expect(
      bench.drops(1) == ["migration-buffer": isKnownAtOnce ? 2 : 1], "what was for all went to all others when it came")
  }

  @Test func framesOfAMachineThatIsNowhereAreDropped() throws {
    let bench = try bench()
    bench.stop(1)
    try bench.send((0..<70).map { frame(1, to: 2, seed: $0) }, from: 0, at: 2)
    bench.worker.core.coldClearRings(1)
    bench.worker.core.coldLoseNode(1)
    bench.breathe(at: Self.second - 1)
    #expect(bench.held(1)?.frames == 70)
    bench.breathe(at: Self.second + 2)
    #expect(bench.held(1) == nil)
    #expect(bench.drops(1) == ["migration-buffer": 70])
  }

  /// Another front-end at the port may be the machine again.
  @Test func aMachineThatConnectsAnewGetsItsFrames() throws {
    let bench = try bench()
    let bases = bench.stop(1)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    bench.worker.core.coldClearRings(1)
    bench.worker.core.coldLoseNode(1)
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    #expect(try bench.frames(1).count == 1 && bench.held(1) == nil && bench.isUp(1))
  }

  /// First the line has them, then the switch-over.
  @Test func impairedFramesWaitTwice() throws {
    let bench = try bench()
    bench.impair(1, toNode: Impairment.with { $0.delay = 10 * Self.ms })
    let bases = bench.stop(1)
    let sent = (0..<5).map { frame(1, to: 2, seed: $0) }
    try bench.send(sent, from: 0, at: 2)
    #expect(bench.held(1)?.frames == 0)
    bench.breathe(at: 10 * Self.ms + 2)
    #expect(bench.held(1)?.frames == 5)
    try bench.start(1, at: bases)
    bench.breathe(at: 11 * Self.ms)
    #expect(try bench.frames(1) == sent && bench.drops(1).isEmpty)
    try bench.send(sent, from: 0, at: 20 * Self.ms)
    #expect(try bench.frames(1).isEmpty)
    bench.breathe(at: 30 * Self.ms)
    #expect(try bench.frames(1) == sent)
  }

  @Test func bothEndsOfAWireStayUp() throws {
    let bench = try DrivenBench.wire()
    let bases = bench.stop(1)
    #expect(bench.isUp(0) && bench.isUp(1))
    try bench.send([frame(1, to: 2)], from: 0, at: 1)
    try bench.start(1, at: bases)
    bench.breathe(at: 2)
    #expect(try bench.frames(1).count == 1)
  }

  private func captured(_ capture: CaptureHandle) -> [[UInt8]] {
    var (frames, bytes): ([[UInt8]], [UInt8]) = ([], [])
    while capture.next(into: &bytes) != nil { frames.append(bytes) }
    return frames
  }

  /// A capture has them when they leave, and a trace says that they wait.
  @Test func aCaptureSeesFramesWhenTheyLeave() throws {
    let bench = try bench()
    let started = bench.worker.capture(ports: [1], CaptureConfiguration())
    let capture = try #require(started)
    let bases = bench.stop(1)
    try bench.send([frame(1, to: 2)], from: 0, at: 2)
    let trace = bench.worker.core.forwarder.coldTrace(0, frame(1, to: 2), bench.worker.core.state)
    #expect(trace.events.contains(.held(port: 1)) && trace.outputs.map(\.port) == [1] && trace.drops.isEmpty)
    #expect(captured(capture).isEmpty)
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    #expect(captured(capture) == [frame(1, to: 2)])
  }
}

/// What senders leave to others, through a switch-over.
@Suite(.everyRingFormat) struct SwitchOverLargeFrameTests {
  private static let sends = VirtioFeature.checksum | VirtioFeature.hostTSO4 | VirtioFeature.hostTSO6
  private static let takes =
    VirtioFeature.guestChecksum | VirtioFeature.guestTSO4 | VirtioFeature.guestTSO6
    | VirtioFeature.mergeableBuffers

  private func model(_ size: Int) -> LargeFrameModel {
    var model = LargeFrameModel()
    model.destination = FrameBuilder.station(2)
    model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) }
    return model
  }

  private func bench(_ features: UInt64, _ mode: PortMode) throws -> DrivenBench {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 7), features: Self.sends) { $0.ringSize = 64 }
    try bench.addGuest(mode, features: features) { $0.ringSize = 64 }
    return bench
  }

  private func send(_ models: [LargeFrameModel], _ bench: DrivenBench) throws {
    for model in models { try bench.guests[0].add(model.whole, header: model.header) }
    bench.guests[0].rings[1].publish()
    bench.breathe(at: 2)
  }

  @Test(arguments: [false, true]) func whoTakesThemGetsThemWhole(isTrunk: Bool) throws {
    let bench = try bench(Self.takes, isTrunk ? .trunk(allowed: .all, native: nil) : .access(vlan: 7))
    let bases = bench.stop(1)
    let models = [1449, 5000, 40_000].map { model($0) }
    try send(models, bench)
    try bench.start(1, at: bases)
    bench.breathe(at: 3)
    let received = try bench.received(1)
    let tag: [UInt8] = isTrunk ? [0x81, 0, 0, 7] : []
    #expect(received.map(\.frame) == models.map { Array($0.whole[..<12]) + tag + Array($0.whole[12...]) })
    #expect(received.map(\.header.segmentationType) == [1, 1, 1])
    #expect(received.allSatisfy { $0.header.segmentSize == 1448 && $0.header.checksumStart == 34 + tag.count })
    #expect(bench.drops(1).isEmpty)
  }

  /// Cut for a receiver that takes none, which has room for some of the segments at a time.
  @Test(arguments: [0, VirtioFeature.guestChecksum]) func othersGetTheirSegments(features: UInt64) throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 7), features: Self.sends) { $0.ringSize = 64 }
    try bench.addGuest(.access(vlan: 7), features: features) { $0.ringSize = 16 }
    let bases = bench.stop(1)
    let models = [40_000, 5000].map { model($0) }
    try send(models, bench)
    try bench.start(1, at: bases)
    var (got, now) = ([[UInt8]](), UInt64(3))
    for _ in 0..<10 {
      bench.breathe(at: now)
      got += try bench.frames(1)
      now += SwitchOver.bufferPause
    }
    let kind: FrameBuilder.Checksum = features == 0 ? .full : .partial
    #expect(got == models.flatMap { $0.segments(kind) })
    #expect(bench.drops(1).isEmpty && bench.held(1) == nil)
  }
}

/// Several workers have frames for a port that moves.
@Suite(.everyRingFormat) struct SwitchOverTeamTests {
  @Test func framesOfAllWorkersWait() throws {
    let bench = try DrivenBench(workers: 2)
    try bench.alone { bench in
      for _ in 0..<3 { try bench.addGuest(.access(vlan: 1), features: 0) { $0.ringSize = 256 } }
    }
    bench.worker.beginAlone()
    bench.worker.move(port: 0, to: 1)
    bench.worker.move(port: 2, to: 0)
    bench.worker.know(FrameBuilder.address(2).bits, port: 1)
    bench.worker.endAlone()
    let other = bench.worker.breathing(1)
    var bases: [UInt32] = []
    bench.alone { bases = $0.stop(1) }
    let (first, second) = (
      (0..<100).map { GuestKit.frame(1, to: 2, seed: $0) }, (0..<100).map { GuestKit.frame(3, to: 2, seed: $0) }
    )
    try bench.guests[0].send(burst: first)
    try bench.guests[2].send(burst: second)
    while other() > 0 {}
    bench.breathe(at: 1)
    #expect(bench.held(1)?.frames == 200)
    try bench.alone { try $0.start(1, at: bases) }
    // Another worker's frames go behind those that wait.
    let late = (0..<20).map { GuestKit.frame(1, to: 2, seed: 100 + $0) }
    try bench.guests[0].send(burst: late)
    while other() > 0 {}
    #expect(bench.held(1)?.frames == 220)
    bench.breathe(at: 2)
    let got = try bench.frames(1)
    #expect(got == first + second + late)
    #expect(bench.held(1) == nil)
    try bench.guests[0].send(burst: late)
    while other() > 0 {}
    #expect(try bench.frames(1) == late)
  }
}
