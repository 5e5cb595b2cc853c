import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// What people are told of front-ends that are refused or do not get on.
@Suite struct RefusalTests {
  private static func details(_ bench: Bench, _ port: String = "bad") async throws -> VhostUserStatus {
    try #require(try await bench.status(port).vhostUser)
  }

  /// Sends a message that must be nacked.
  private static func expectNack(
    _ guest: VirtualGuest, _ request: Request, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (FrontEnd) throws -> Void
  ) {
    #expect(throws: GuestKitError.nacked(request: request.rawValue, value: 1), sourceLocation: sourceLocation) {
      try guest.say {
        $0.asksForReply = true
        try body($0)
      }
    }
  }

  @Test func aNackIsToldAndTheSessionGoesOn() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      Self.expectNack(bad, .setRingSize) { try $0.setRingSize(2, 64) }
      var status = try await Self.details(victim.bench)
      #expect(status.refusals == 1)
      #expect(status.lastRefusal == "SET_VRING_NUM: ring 2 is of queue pair 2, but 1 pair is offered, rings 0 to 1")
      #expect(status.isConnected && status.faults == 0)
      try victim.expectTraffic()
      Self.expectNack(bad, .setMTU) { try $0.setMTU(7) }
      status = try await Self.details(victim.bench)
      #expect(status.refusals == 2 && status.lastRefusal == "NET_SET_MTU: MTU 7, expected 68 to 65521")
      // They are the port's, not the session's: a front-end that is refused often leaves.
      try await victim.recover()
      status = try await Self.details(victim.bench)
      #expect(status.refusals == 2 && status.lastRefusal?.hasPrefix("NET_SET_MTU") == true)
    }
  }

  /// QEMU with `queues=2` does not ask for an answer to SET_VRING_CALL: the session ends, with both numbers.
  @Test func ringsBeyondTheOfferEndASessionThatAsksNothing() async throws {
    try await Victim.with { victim in
      try victim.bad.disconnect()
      let frontEnd = try FrontEnd(path: victim.bench.path("bad"))
      #expect(try frontEnd.getQueueCount() == 1)
      frontEnd.asksForReply = false
      try frontEnd.setRingCall(2, EventDescriptor().descriptor)
      let reason = "SET_VRING_CALL: ring 2 is of queue pair 2, but 1 pair is offered, rings 0 to 1"
      try await victim.expectFault(reason)
      let status = try await Self.details(victim.bench)
      #expect(status.refusals == 1 && status.lastRefusal == reason)
    }
  }

  @Test func theSameRefusalIsLoggedOnce() async throws {
    try await Bench.with { bench in
      let events = bench.dataplane.events.subscribe()
      let guest = try await bench.addGuest("a", .wire)
      for _ in 0..<50 { Self.expectNack(guest, .setRingSize) { try $0.setRingSize(9, 64) } }
      Self.expectNack(guest, .setMTU) { try $0.setMTU(1) }
      #expect(try await Self.details(bench, "a").refusals == 51)
      await bench.dataplane.stop()
      var refusals: [String] = []
      for await case .element(.portRefusal("a", let reason)) in events { refusals.append(reason) }
      #expect(
        refusals == [
          "SET_VRING_NUM: ring 9 is of queue pair 5, but 1 pair is offered, rings 0 to 1",
          "NET_SET_MTU: MTU 1, expected 68 to 65521",
        ])
    }
  }

  @Test func aSecondFrontEndIsNamed() async throws {
    try await Bench.with { bench in
      let events = bench.dataplane.events.subscribe()
      let (a, b) = try await bench.addWire()
      for count in 1...3 {
        let second = try SocketTransport(path: bench.path("a"))
        #expect(second.waitForClose(until: Deadline(milliseconds: 10_000)))
        #expect(try await eventually { try await Self.details(bench, "a").refusals == UInt64(count) })
        try a.send(Victim.frame(1, to: 2, seed: count))
        #expect(try b.receive()?.frame == Victim.frame(1, to: 2, seed: count))
      }
      let reason = try #require(try await Self.details(bench, "a").lastRefusal)
      let me = "process \(getpid())"
      #expect(reason.hasPrefix("a second front-end (") && reason.contains("\(me)) was turned away, as one ("))
      #expect(reason.hasSuffix("\(me)) is served"))
      #expect(try await bench.status("a").error == nil)
      await bench.dataplane.stop()
      var told = 0
      for await case .element(.portRefusal("a", reason)) in events { told += 1 }
      #expect(told == 1)
    }
  }

  /// QEMU whose guest's memory is not shared: rings are started, no region ever comes, and nobody says so.
  @Test func aGuestWithoutSharedMemoryGetsAdvice() async throws {
    try await Bench.with { bench in
      let events = bench.dataplane.events.subscribe()
      let path = try await bench.addPort("a", .wire)
      let guest = try VirtualGuest()
      var plan = guest.plan
      plan.keepsMemory = true
      let frontEnd = try FrontEnd(path: path)
      try frontEnd.connectLikeQEMU(plan)
      try frontEnd.deviceStartLikeQEMU(plan)
      #expect(try await eventually { try await Self.details(bench, "a").advice != nil })
      let advice = try #require(try await Self.details(bench, "a").advice)
      #expect(advice.hasPrefix("the front-end has started its rings but given no memory"))
      #expect(advice.contains("-object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram"))
      #expect(try await bench.status("a").hasEnd == false)
      // Memory that comes at last is all that was missing.
      try frontEnd.addMemory(guest.memory.regions[0], guest.memory.descriptors[0])
      #expect(try await eventually { try await bench.status("a").hasEnd })
      #expect(try await eventually { try await Self.details(bench, "a").advice == nil })
      await bench.dataplane.stop()
      var told: [String] = []
      for await case .element(.portAdvice("a", let text)) in events { told.append(text) }
      #expect(told == [advice])
    }
  }

  @Test func aFrontEndThatOnlyToldItsFeaturesGetsAdviceUntilItLeaves() async throws {
    try await Bench.with { bench in
      let path = try await bench.addPort("a", .wire)
      var frontEnd: FrontEnd? = try FrontEnd(path: path)
      try frontEnd?.setFeatures(VirtioFeature.version1)
      #expect(
        try await eventually {
          try await Self.details(bench, "a").advice?.contains("neither memory nor a ring") == true
        })
      frontEnd = nil
      #expect(try await eventually { try await Self.details(bench, "a").advice == nil })
      withExtendedLifetime(frontEnd) {}
    }
  }

  /// QEMU 7.2 gives the file of `memory-backend-file` also where it has mapped it privately: nothing changes in it.
  @Test(.everyRingFormat) func aGuestWhoseMemoryIsMappedPrivatelyGetsAdvice() async throws {
    try await Bench.with { bench in
      let path = try await bench.addPort("a", .wire)
      let guest = try VirtualGuest()
      let frontEnd = try FrontEnd(path: path)
      try frontEnd.startLikeQEMU(guest.plan)
      #expect(try await eventually { try await bench.status("a").hasEnd })
      // Until the second kick is seen as one of its own.
      #expect(
        try await eventually {
          guest.receiveRing().kickEvent.signal()
          return try await Self.details(bench, "a").advice?.contains("share=on") == true
        })
      // A guest that lives after all.
      guest.receiveRing().offerUnseen([0])
      guest.receiveRing().kick()
      #expect(try await eventually { try await Self.details(bench, "a").advice == nil })
    }
  }

  /// QEMU without `reconnect` connects again at once, for ever, unless nobody listens.
  @Test func frontEndsThatNeverBeginAreNotListenedToForAWhile() async throws {
    try await Victim.with { victim in
      try victim.bad.disconnect()
      let path = victim.bench.path("bad")
      let end = Deadline(milliseconds: 60_000)
      var wasClosed = false
      while !wasClosed, end.remaining > 0 {
        do { _ = try FrontEnd(path: path, timeoutMilliseconds: 0).getQueueCount() } catch { wasClosed = true }
      }
      #expect(wasClosed)
      #expect(try await Self.details(victim.bench).advice?.contains("this port offers 1 queue pair)") == true)
      try victim.expectOthersUnharmed()
      // It listens again, and a guest that stays is all that was missing.
      let node = try #require(victim.bench.nodes.first { $0.name == "bad" })
      node.guest = try VirtualGuest(node.guest.options)
      try node.guest.connect(path: path, timeoutMilliseconds: 10_000)
      try victim.expectTraffic()
      #expect(try await eventually { try await Self.details(victim.bench).advice == nil })
    }
  }

  @Test func guestsThatGetOnGetNoAdvice() async throws {
    try await Victim.with { victim in
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .seconds(3) { try victim.expectTraffic() }
      for port in ["bad", "neighbour", "near", "far"] {
        let status = try await Self.details(victim.bench, port)
        #expect(status.advice == nil && status.refusals == 0)
      }
    }
  }
}
