import Foundation
import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// A data plane that goes from one process to another under guests that talk all the time.
@Suite(.everyRingFormat) struct HandOverTests {
  private static func talkers(_ relay: Relay) throws -> [Talker] {
    let counts = TalkCounts(guests: 3)
    return try (0..<3).map { Talker(try relay.guest("g\($0)"), number: $0, counts) }
  }

  /// Three guests of a switch that know each other.
  private static func addTalkers(_ relay: Relay, pairs: Int = 1) async throws -> [Talker] {
    try await relay.addSwitch()
    for number in 0..<3 {
      try await relay.addGuest("g\(number)", .access(vlan: 1)) {
        $0.pairs = pairs
        // The index wraps in the first round, so that a position is more than a count.
        $0.firstIndex = 0xFFF0
      }
    }
    let talkers = try Self.talkers(relay)
    for talker in talkers { try talker.introduce() }
    for talker in talkers { try talker.drain() }
    return talkers
  }

  /// Every frame comes once and in order, whoever moves it, while it changes hands again and again.
  @Test(arguments: [(1, 1), (1, 2), (2, 1), (3, 2)])
  func noFrameIsLostOrRepeatedOrOvertaken(workers: Int, later: Int) async throws {
    try await Relay.with(workers: workers) { relay in
      let talkers = try await Self.addTalkers(relay)
      for talker in talkers { try talker.start(frames: 4_000) }
      var turns = 0
      while talkers.contains(where: { !$0.hasEnded }) {
        try await relay.handOver(workers: turns % 2 == 0 ? later : workers)
        turns += 1
        try await Task.sleep(for: .milliseconds(5))
      }
      for talker in talkers { talker.join() }
      #expect(talkers.compactMap(\.problem) == [])
      #expect(turns > 0)
      // Counted from the beginning, by whom ever.
      for name in ["g0", "g1", "g2"] {
        let status = try await relay.status(name)
        #expect(status.receivePackets == 8_001 && status.transmitPackets >= 8_000)
        #expect(status.dropsIn.isEmpty && status.dropsOut.isEmpty)
        #expect(status.carrier && status.vhostUser?.isConnected == true && status.error == nil)
        #expect(status.vhostUser?.refusals == 0 && status.vhostUser?.faults == 0)
      }
      #expect(await relay.stopAndHear() == [], "nobody's carrier has changed")
    }
  }

  /// The other process does not take it over after all; nothing is lost either, though it had everything.
  @Test(arguments: [1, 2], [false, true])
  func whatIsNotTakenOverGoesOn(workers: Int, hasAll: Bool) async throws {
    try await Relay.with(workers: workers) { relay in
      let talkers = try await Self.addTalkers(relay)
      for talker in talkers { try talker.start(frames: 3_000) }
      var turns = 0
      while talkers.contains(where: { !$0.hasEnded }) {
        let given = try await relay.given()
        let next = hasAll ? try await relay.successor(given, workers: 3 - workers) : nil
        await next?.stop()
        await relay.plane.resume()
        turns += 1
        try await Task.sleep(for: .milliseconds(5))
      }
      for talker in talkers { talker.join() }
      #expect(talkers.compactMap(\.problem) == [])
      #expect(turns > 0)
      // Sockets are where they were.
      let last = try VirtualGuest()
      #expect(throws: Never.self) { try relay.guest("g0").disconnect() }
      try last.connect(path: relay.path("g0"))
      #expect(try await eventually { try await relay.status("g0").carrier })
    }
  }

  /// Flows of a guest with several queues keep their order too.
  @Test func queuesOfAGuestGoTogether() async throws {
    try await Relay.with(workers: 2) { relay in
      try await relay.addSwitch()
      let near = try await relay.addGuest("near", .access(vlan: 1))
      let far = try await relay.addGuest("far", .access(vlan: 1)) { $0.pairs = 4 }
      for pair in 0..<4 { try far.send(frame(2, seed: pair), pair: pair) }
      for pair in 0..<4 { #expect(try far.waitForTransmitted(pair: pair)) }
      while try near.receive(timeout: 50) != nil {}
      for turn in 0..<6 {
        try near.send(frame(1, to: 2, seed: turn))
        for pair in 0..<4 { try far.send(frame(2, to: 1, seed: 10 * turn + pair), pair: pair) }
        try await relay.handOver(workers: 1 + turn % 3)
        #expect(try far.receiveAny()?.frame.frame == frame(1, to: 2, seed: turn))
        var got: [[UInt8]] = []
        while got.count < 4, let received = try near.receive() { got.append(received.frame) }
        #expect(Set(got) == Set((0..<4).map { frame(2, to: 1, seed: 10 * turn + $0) }))
      }
      #expect(try await relay.status("far").vhostUser?.queues.count == 8)
    }
  }

  /// What a front-end was about to say, and what it has not heard yet, go with its session.
  @Test func messagesGoOnWhereTheyStopped() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("a", .access(vlan: 1))
      // Not kept: the connection ends with the last that has it.
      func frontEnd() throws -> FrontEnd { try #require(guest.frontEnd) }
      let bytes = MessageHeader(request: Request.setMTU.rawValue, flags: 9, size: 8).bytes + words64(1200)
      try frontEnd().sendRaw(Array(bytes.prefix(15)))
      try await relay.handOver()
      try frontEnd().sendRaw(Array(bytes.dropFirst(15)))
      #expect(try frontEnd().readReply(Request.setMTU.rawValue) == words64(0))
      #expect(try await relay.status("a").mtu == 1200)
      try await relay.handOver()
      #expect(try await relay.status("a").mtu == 1200)
      try frontEnd().barrier()
      // Nobody was asked to connect again, and who does later finds the socket.
      guest.disconnect()
      let next = try VirtualGuest()
      try next.connect(path: relay.path("a"))
      #expect(try await eventually { try await relay.status("a").carrier })
    }
  }

  /// A front-end goes on with the MTU that it had said before the port got a lower one.
  @Test func aLoweredMTUKeepsNobodyOut() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("a", .access(vlan: 1))
      func frontEnd() throws -> FrontEnd { try #require(guest.frontEnd) }
      let bytes = MessageHeader(request: Request.setMTU.rawValue, flags: 9, size: 8).bytes + words64(1400)
      try frontEnd().sendRaw(bytes)
      #expect(try frontEnd().readReply(Request.setMTU.rawValue) == words64(0))
      try await relay.setMTU("a", 1000)
      for _ in 0..<2 {
        try await relay.handOver()
        let status = try await relay.status("a")
        #expect(status.mtu == 1000 && status.carrier && status.error == nil)
        #expect(status.vhostUser?.isConnected == true)
      }
      try frontEnd().barrier()
    }
  }

  /// A machine that moves to another host meanwhile: each page is marked, whoever writes it.
  @Test func theLogOfAMachineThatMovesGoesOn() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let (near, guest) = (
        try await relay.addGuest("a", .access(vlan: 1)), try await relay.addGuest("b", .access(vlan: 1))
      )
      let frontEnd = try #require(guest.frontEnd)
      frontEnd.asksForReply = true
      let log = try DirtyPages(of: guest.memory)
      try frontEnd.setLog(log)
      try frontEnd.setLogging(true, guest.rings)
      for seed in 0..<4 {
        try await relay.handOver(workers: 1 + seed % 2)
        _ = log.take()
        let ring = guest.receiveRing()
        let descriptor = ring.descriptorTable + 16 * UInt64(ring.slotToTake(after: 0))
        let (low, high) = (guest.memory.load32(descriptor), guest.memory.load32(descriptor + 4))
        try near.send(frame(1, to: 2, seed: seed))
        #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed))
        try frontEnd.barrier()
        #expect(log.take().contains(Int(UInt64(low) | UInt64(high) << 32) / DirtyPages.pageSize))
      }
    }
  }

  /// Answers that nobody reads do not hold it up, and none is lost.
  @Test func answersThatNobodyReadsGoWithTheSession() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      var socket = VhostUserSocket(path: relay.path("a"))
      socket.queuePairs = 1
      try await relay.addPort("a", .access(vlan: 1), .vhostUser(socket))
      let transport = try SocketTransport(path: socket.path)
      transport.sendTimeout = 200
      let ask = MessageHeader(request: Request.getFeatures.rawValue, flags: 1, size: 0).bytes
      var asked = 0
      while (try? transport.send(ask, descriptors: [])) != nil { asked += 1 }
      try await relay.handOver()
      try await relay.handOver()
      // A message that was sent in part counts as not asked.
      var answered = 0
      let deadline = ContinuousClock.now + .seconds(60)
      var rest = 0
      while answered < asked, ContinuousClock.now < deadline {
        guard case .data(let bytes, _)? = try? UnixSocket.receive(transport.socket, size: 4096, maximumDescriptors: 0)
        else {
          try await Task.sleep(for: .milliseconds(1))
          continue
        }
        rest += bytes.count
        answered = rest / 20
      }
      #expect(answered >= asked)
      #expect(try await relay.status("a").error == nil)
    }
  }
}
