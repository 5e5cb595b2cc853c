import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// A machine that moves to another process of this host: a second front-end for one port.
///
/// Messages are those of QEMU 7.2, in its order, at the source and at the target.
@Suite(.everyRingFormat) struct StandbyTests {
  /// A machine at port `b` that is to move, and others at `a` and `c`, all known.
  private func with(
    pairs: Int = 1, slots: Bool = true, workers: Int = Bench.workerCount, _ body: (Bench, Moving) async throws -> Void
  ) async throws {
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      let configure: (inout VirtualGuest.Options) -> Void = {
        $0.ringSize = 256
        if !slots { $0.protocolFeatures &= ~ProtocolFeature.memorySlots }
      }
      for name in ["a", "c"] { try await bench.addGuest(name, .access(vlan: 1), configure) }
      let guest = try await bench.addGuest("b", .access(vlan: 1)) {
        configure(&$0)
        $0.pairs = pairs
      }
      try bench.exchange(frame(1), from: "a")
      try bench.exchange(frame(2), from: "b")
      try bench.exchange(frame(3), from: "c")
      let path = bench.path("b-next")
      try await bench.dataplane.addStandby(port: "b", socket: VhostUserSocket(path: path))
      try await body(bench, try Moving(guest, path))
    }
  }

  /// The machine that moves: its guest, and the front-ends at both sides.
  private final class Moving {
    let guest: VirtualGuest
    let source: FrontEnd
    let target: FrontEnd
    private(set) var bases: [UInt32] = []

    /// The target is there, and waits for its machine.
    init(_ guest: VirtualGuest, _ path: String) throws {
      self.guest = guest
      source = try #require(guest.frontEnd)
      target = try FrontEnd(path: path)
      try target.connectLikeQEMU(guest.plan)
    }

    /// Switch-over: the source stops.
    ///
    /// - Parameter copies: its memory is copied, not shared.
    func stop(copies: Bool = false) throws {
      bases = try source.stopLikeQEMU(guest.plan)
      if copies { try guest.memory.moveToCopies() }
    }

    private func plan(keepsMemory: Bool) -> StartPlan {
      var plan = guest.plan
      (plan.bases, plan.keepsMemory) = (bases, keepsMemory)
      return plan
    }

    /// The target has loaded all and goes on, in the same memory.
    func resume() throws {
      guest.move(to: target)
      try target.deviceStartLikeQEMU(plan(keepsMemory: false))
    }

    /// It did not come to that, and the source goes on.
    ///
    /// Where regions are added one by one, no message about memory comes.
    func goBack() throws {
      try source.deviceStartLikeQEMU(plan(keepsMemory: source.protocolFeatures & ProtocolFeature.memorySlots != 0))
    }
  }

  /// All that came to a guest.
  private func received(_ guest: VirtualGuest) throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    for pair in 0..<guest.options.pairs {
      while let got = try guest.receive(timeout: 0, pair: pair) { frames.append(got.frame) }
    }
    return frames
  }

  /// Sends to the machine that moves, and waits until the switch has taken it.
  private func send(_ frames: [[UInt8]], _ bench: Bench) throws {
    let a = try bench.guest("a")
    try a.send(burst: frames)
    #expect(try a.waitForTransmitted())
  }

  @Test(arguments: [1, 2], [false, true]) func noFrameIsLostNoneComesTwice(pairs: Int, copies: Bool) async throws {
    try await with(pairs: pairs) { bench, moving in
      let events = Told(bench.dataplane)
      try send((0..<20).map { frame(1, to: 2, seed: $0) }, bench)
      #expect(try await bench.dataplane.standby(port: "b")?.isConnected == true)
      #expect(try await bench.dataplane.standby(port: "b")?.isServing == false)
      try moving.stop(copies: copies)
      try send((20..<120).map { frame(1, to: 2, seed: $0) }, bench)
      var status = try await bench.status("b")
      #expect(status.carrier && status.held?.frames == 100)
      try moving.resume()
      try send((120..<140).map { frame(1, to: 2, seed: $0) }, bench)
      #expect(try await bench.dataplane.standby(port: "b")?.isServing == true)
      try await bench.dataplane.promoteStandby(port: "b")
      #expect(try await eventually { try await bench.status("b").held == nil })
      let sent = (0..<140).map { frame(1, to: 2, seed: $0) }
      let rings = try (0..<pairs).map { try moving.guest.receiveAll(quiet: 0, pair: $0).map(\.frame) }
      let got = rings.flatMap(\.self)
      #expect(got.count == sent.count && Set(got) == Set(sent))
      // Of two rings both may have had the flow, one after the other: each has its part in order.
      for ring in rings {
        let part = Set(ring)
        #expect(ring == sent.filter { part.contains($0) })
      }
      let answer = frame(2, to: 1)
      try bench.expect(answer, from: "b", reaches: ["a": answer])
      status = try await bench.status("b")
      #expect(status.dropsOut.isEmpty && status.vhostUser?.socket == bench.path("b-next"))
      #expect(status.carrier && status.vhostUser?.isConnected == true && status.error == nil)
      #expect(throws: (any Error).self) { try moving.source.barrier() }
      #expect(!exists(bench.path("b")) && exists(bench.path("b-next")))
      #expect(try await bench.dataplane.standby(port: "b") == nil)
      #expect(await bench.stations()[Station(1, 2)] == "b")
      #expect(await events.carriers() == [], "nobody hears of a carrier")
      // And back, by the same path as at first.
      try await bench.dataplane.addStandby(port: "b", socket: VhostUserSocket(path: bench.path("b")))
      let back = try Moving(moving.guest, bench.path("b"))
      try back.stop()
      try send([frame(1, to: 2, seed: 200)], bench)
      try back.resume()
      try await bench.dataplane.promoteStandby(port: "b")
      #expect(try await eventually { try await bench.status("b").held == nil })
      #expect(try received(moving.guest) == [frame(1, to: 2, seed: 200)])
    }
  }

  /// There and back again while others send to it and it to them.
  @Test(arguments: [1, 2]) func manyMovesUnderLoadLoseNothing(workers: Int) async throws {
    try await with(workers: workers) { bench, first in
      var (moving, sent, got) = (first, 0, [[UInt8]]())
      func sendSome(_ count: Int) throws {
        try send((sent..<(sent + count)).map { frame(1, to: 2, seed: $0) }, bench)
        sent += count
      }
      for round in 0..<20 {
        try sendSome(7)
        // Taken from its ring where it goes on, if not before.
        try moving.guest.send(burst: (0..<3).map { frame(2, to: 3, seed: 3 * round + $0) })
        try moving.stop(copies: round % 3 == 2)
        try sendSome(5)
        try moving.resume()
        try sendSome(3)
        try await bench.dataplane.promoteStandby(port: "b")
        try sendSome(2)
        got += try received(moving.guest)
        let path = bench.path(round % 2 == 0 ? "b" : "b-next")
        try await bench.dataplane.addStandby(port: "b", socket: VhostUserSocket(path: path))
        moving = try Moving(moving.guest, path)
      }
      #expect(try await eventually { try await bench.status("b").held == nil })
      got += try received(moving.guest)
      #expect(got == (0..<sent).map { frame(1, to: 2, seed: $0) })
      #expect(try moving.guest.waitForTransmitted())
      #expect(try received(bench.guest("c")) == (0..<60).map { frame(2, to: 3, seed: $0) })
      let status = try await bench.status("b")
      #expect(status.dropsOut.isEmpty && status.carrier && status.vhostUser?.faults == 0)
    }
  }

  /// Two machines must not run on one memory.
  @Test func theTargetWaitsForTheSourceToStop() async throws {
    try await with { bench, moving in
      moving.target.asksForReply = true
      try moving.target.setFeatures(moving.source.features)
      let region = moving.guest.memory.regions[0]
      #expect(throws: GuestKitError.nacked(request: Request.addMemoryRegion.rawValue, value: 1)) {
        try moving.target.addMemory(region, moving.guest.memory.descriptors[0])
      }
      #expect(throws: GuestKitError.nacked(request: Request.setMemoryTable.rawValue, value: 1)) {
        try moving.target.setMemory(moving.guest.memory)
      }
      let status = try #require(try await bench.dataplane.standby(port: "b"))
      #expect(status.lastRefusal == "SET_MEM_TABLE: the machine that it takes over from still runs")
      let frame = frame(1, to: 2)
      try bench.expect(frame, from: "a", reaches: ["b": frame])
      #expect(try await bench.status("b").error == nil)
    }
  }

  /// The target dies, or is taken away, after the stop: the source goes on in the memory that the port has known.
  @Test(arguments: [true, false], [true, false])
  func theSourceGoesOnWhenTheTargetFails(slots: Bool, hasMemory: Bool) async throws {
    try await with(slots: slots) { bench, moving in
      try moving.stop()
      let sent = (0..<10).map { frame(1, to: 2, seed: $0) }
      try send(sent, bench)
      if hasMemory {
        try moving.target.setFeatures(moving.source.features)
        try moving.target.setMemory(moving.guest.memory)
        try moving.target.barrier()
      }
      try await bench.dataplane.removeStandby(port: "b")
      #expect(throws: (any Error).self) { try moving.target.barrier() }
      #expect(try await bench.status("b").held?.frames == 10, "the source may still go on")
      try moving.goBack()
      #expect(try await eventually { try await bench.status("b").held == nil })
      #expect(try received(moving.guest) == sent)
      let answer = frame(2, to: 1)
      try bench.expect(answer, from: "b", reaches: ["a": answer])
      #expect(!exists(bench.path("b-next")))
      #expect(try await bench.status("b").vhostUser?.memoryRegions.isEmpty == false)
    }
  }

  /// The source's word is the last one, as long as nobody has promoted the other.
  @Test func aSourceThatGoesOnEndsTheTarget() async throws {
    try await with { bench, moving in
      try moving.stop()
      try moving.target.deviceStartLikeQEMU(
        {
          var plan = moving.guest.plan
          plan.bases = moving.bases
          return plan
        }())
      try moving.goBack()
      #expect(throws: (any Error).self) { try moving.target.barrier() }
      let frame = frame(1, to: 2)
      try send([frame], bench)
      #expect(try await eventually { try await bench.status("b").held == nil })
      #expect(try received(moving.guest) == [frame])
    }
  }

  /// With the source gone and nobody who could come back, what waits is not kept for ever, and the port is down.
  @Test func whoIsLeftAloneIsDown() async throws {
    try await with { bench, moving in
      try moving.stop()
      try send([frame(1, to: 2)], bench)
      try await bench.dataplane.removeStandby(port: "b")
      #expect(try await bench.status("b").carrier)
      moving.guest.disconnect()
      let transport = try #require(moving.source.transport as? SocketTransport)
      shutdown(transport.socket.raw, CInt(SHUT_RDWR))
      #expect(try await eventually { try await !bench.status("b").carrier })
      #expect(try await eventually { try await bench.status("b").dropsOut == ["migration-buffer": 1] })
    }
  }

  @Test func portsGoAndEndWithAStandby() async throws {
    try await with { bench, moving in
      try moving.stop()
      try send([frame(1, to: 2)], bench)
      await #expect(throws: DataplaneError.invalid("port b: another front-end stands by already")) {
        try await bench.dataplane.addStandby(port: "b", socket: VhostUserSocket(path: bench.path("x")))
      }
      try await bench.dataplane.removePort("b")
      #expect(!exists(bench.path("b")) && !exists(bench.path("b-next")))
      #expect(throws: (any Error).self) { try moving.target.barrier() }
      await #expect(throws: DataplaneError.unknownPort("b")) { try await bench.dataplane.promoteStandby(port: "b") }
      await #expect(throws: DataplaneError.invalid("port a: no front-end stands by")) {
        try await bench.dataplane.promoteStandby(port: "a")
      }
      try await bench.dataplane.removeStandby(port: "a")
      // The data plane ends with one.
      try await bench.dataplane.addStandby(port: "a", socket: VhostUserSocket(path: bench.path("a-next")))
    }
  }

  /// Frames to others go on though one of the ports has gone meanwhile.
  @Test func aPortThatHasGoneKeepsNobodysFrames() async throws {
    try await with { bench, _ in
      try await bench.dataplane.holdFrames(ports: ["b", "c"])
      try send([frame(1, to: 2)], bench)
      #expect(try await bench.status("b").held?.frames == 1)
      try await bench.dataplane.removePort("c")
      await #expect(throws: DataplaneError.unknownPort("c")) {
        try await bench.dataplane.releaseFrames(ports: ["c", "b"])
      }
      #expect(try await eventually { try await bench.status("b").held == nil })
      #expect(try received(bench.guest("b")) == [frame(1, to: 2)])
    }
  }

  @Test func aLinkThatIsSetDownEndsBoth() async throws {
    try await with { bench, moving in
      try moving.stop()
      try send([frame(1, to: 2)], bench)
      try await bench.dataplane.setCarrier(port: "b", up: false)
      #expect(throws: (any Error).self) { try moving.target.barrier() }
      #expect(throws: (any Error).self) { try moving.source.barrier() }
      #expect(try await bench.status("b").dropsOut["carrier-down"] == 1)
      #expect(try await bench.status("b").held == nil)
    }
  }
}

/// What a data plane tells of carriers from now on.
private struct Told {
  private let events: Broadcast<DataplaneEvent>.Subscription

  init(_ dataplane: Dataplane) { events = dataplane.events.subscribe() }

  /// All that was told by now.
  func carriers() async -> [String] {
    let task = Task { [events] in
      var told: [String] = []
      for await heard in events {
        switch heard {
        case .element(.portUp(let port)): told.append("up \(port)")
        case .element(.portDown(let port)): told.append("down \(port)")
        default: break
        }
      }
      return told
    }
    // It hears what is there before it ends.
    task.cancel()
    return await task.value
  }
}

private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
