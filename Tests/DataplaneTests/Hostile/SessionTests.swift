import Dataplane
import Glibc
import GuestKit
import LinuxHost
import Synchronization
import Testing
import VhostUser

/// Front-ends that come, go, flood and hang up (M13, M15, M16), and sockets (connect role, second client, carrier).
@Suite(.everyRingFormat) struct SessionTests {
  /// Hangs up instead of sending its last message, or in the middle of it.
  private final class CutTransport: Transport {
    private let socket: SocketTransport
    private var left: Int
    private let cutsInside: Bool
    private(set) var isCut = false

    init(path: String, messages: Int, cutsInside: Bool) throws {
      socket = try SocketTransport(path: path)
      left = messages
      self.cutsInside = cutsInside
    }

    func send(_ bytes: [UInt8], descriptors: [Descriptor]) throws {
      guard left > 0 else {
        isCut = true
        if cutsInside { try socket.send(Array(bytes.prefix(max(1, bytes.count / 2))), descriptors: descriptors) }
        throw GuestKitError.closed
      }
      left -= 1
      try socket.send(bytes, descriptors: descriptors)
    }

    func receive(_ count: Int, until deadline: Deadline) throws -> [UInt8] {
      try socket.receive(count, until: deadline)
    }

    func takeDescriptors() -> [Descriptor] { socket.takeDescriptors() }
  }

  /// Connects to the port under attack and hangs up at message `count`; true if there were more.
  private func hangUp(_ victim: Victim, at count: Int, _ order: VirtualGuest.Order, cutsInside: Bool) throws -> Bool {
    var options = VirtualGuest.Options()
    options.order = order
    options.ringSize = 16
    options.memorySize = 1 << 20
    options.transmitSize = 2048
    let guest = try VirtualGuest(options)
    let path = victim.bench.path("bad")
    let transport = try CutTransport(path: path, messages: count, cutsInside: cutsInside)
    do {
      try guest.start(FrontEnd(transport))
      try guest.send(Victim.frame(21, to: 22))
    } catch {
      // Hung up by this test, never by the back-end.
      #expect(transport.isCut)
    }
    return transport.isCut
  }

  @Test(arguments: VirtualGuest.Order.allCases, [false, true])
  func aFrontEndMayHangUpAtEveryMessage(order: VirtualGuest.Order, cutsInside: Bool) async throws {
    try await Victim.with { victim in
      try victim.bad.disconnect()
      var count = 0
      while try hangUp(victim, at: count, order, cutsInside: cutsInside) {
        count += 1
        try victim.expectOthersUnharmed()
        try victim.neighbour.send(Victim.frame(22, to: 21))
        #expect(try victim.neighbour.waitForTransmitted())
        _ = try victim.neighbour.receiveAll(quiet: 0)
      }
      #expect(count >= 15)
      try await victim.recover()
      // Hanging up is no fault.
      #expect(try await victim.bench.status("bad").error == nil)
      #expect(try await victim.bench.status("bad").vhostUser?.faults == 0)
    }
  }

  @Test func twoHundredConnectionsLeaveNothingBehind() async throws {
    try await Victim.with { victim in
      let node = try #require(victim.bench.nodes.first { $0.name == "bad" })
      var options = VirtualGuest.Options()
      options.ringSize = 16
      options.memorySize = 1 << 18
      options.transmitSize = 2048
      var some: [VirtualGuest] = [node.guest]
      for turn in 0..<200 {
        try victim.replaceBad(with: options)
        if turn % 20 == 0 { some.append(node.guest) }
        let frame = Victim.frame(21, to: 22, seed: turn)
        try node.guest.send(frame)
        // The last frame of the turn before may come first.
        var received = try victim.neighbour.receive()?.frame
        if received == Victim.frame(21, to: 99, seed: turn - 1) { received = try victim.neighbour.receive()?.frame }
        #expect(received == frame)
        // Hangs up while a frame is on its way to it, and one from it.
        try victim.neighbour.send(Victim.frame(22, to: 21, seed: turn))
        try node.guest.send(Victim.frame(21, to: 99, seed: turn))
        if turn % 20 == 0 { try victim.expectOthersUnharmed() }
      }
      // The last frame of the last turn is on its way yet; nothing hangs up before it has come.
      var last: [UInt8]?
      repeat { last = try victim.neighbour.receive()?.frame } while last == Victim.frame(21, to: 22, seed: 199)
      #expect(last == Victim.frame(21, to: 99, seed: 199))
      #expect(try await victim.bench.status("bad").error == nil)
      try await victim.recover()
      for guest in some { try await victim.expectNothingKept(of: guest) }
    }
  }

  @Test func aSecondClientIsRefusedWhileTheFirstIsServed() async throws {
    try await Victim.with { victim in
      for _ in 0..<5 {
        let second = try SocketTransport(path: victim.bench.path("bad"))
        #expect(second.waitForClose(until: Deadline(milliseconds: 5000)))
        try victim.expectTraffic()
      }
      // As soon as the first is gone there is room, whatever the order in which the two are noticed.
      for _ in 0..<20 {
        try victim.replaceBad()
        try victim.expectTraffic()
      }
    }
  }

  /// A port whose ring broke takes the next client although the first hangs on.
  @Test func aBrokenSessionMakesRoom() async throws {
    try await Victim.with { victim in
      let old = try victim.bad
      old.breakTransmitRing()
      _ = try await victim.bench.fault("bad")
      let node = try #require(victim.bench.nodes.first { $0.name == "bad" })
      node.guest = try VirtualGuest(old.options)
      try node.guest.connect(path: node.path)
      try victim.expectTraffic()
      #expect(throws: GuestKitError.self) { try old.say { _ in } }
    }
  }

  /// M13: channels that nobody reads.
  @Test func backEndChannelsAreReplacedAndClosed() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      var kept: [Descriptor] = []
      try bad.say { frontEnd in
        for turn in 0..<200 {
          let (near, far) = try UnixSocket.pair()
          try frontEnd.setBackendChannel(far)
          // Some stay open, unread, with garbage on them; some are closed at once.
          if turn % 2 == 0 {
            _ = try UnixSocket.send(near, [UInt8](repeating: 0xFF, count: 100))
            kept.append(near)
          }
        }
      }
      try victim.expectTraffic()
      // The other end of all but the last is closed.
      for channel in kept.dropLast() {
        #expect(Deadline(milliseconds: 5000).waitReadable([channel.raw]))
      }
      try await victim.recover()
    }
  }

  /// M15: a flood of messages and kicks; others are served meanwhile.
  @Test func floodsOfMessagesHoldNobody() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let flooder = try Flooder(bad.transmitRing().kickEvent)
      for turn in 0..<100 {
        try bad.say { for _ in 0..<50 { try $0.setRingEnable(1, turn % 2 == 0) } }
        try victim.expectOthersUnharmed()
      }
      flooder.stop()
      try bad.say { try $0.setRingEnable(1, true) }
      try victim.expectTraffic()
    }
  }

  /// Kicks without end, on a thread of its own.
  private final class Flooder: Sendable {
    private let isDone = Flag()
    private let thread: HostThread

    init(_ event: EventDescriptor) throws {
      let isDone = isDone
      thread = try HostThread.start(name: "apd-flooder", cpu: nil) {
        while !isDone.isSet { event.signal() }
      }
    }

    func stop() {
      isDone.set()
      thread.join()
    }
  }

  @Test func replyHungryFrontEndsAreNotWaitedFor() async throws {
    try await Victim.with { victim in
      try victim.bad.disconnect()
      let transport = try SocketTransport(path: victim.bench.path("bad"))
      transport.sendTimeout = 200
      // Asks and never reads: sooner or later nothing more is taken from it.
      #expect(throws: GuestKitError.self) {
        let ask = MessageHeader(request: Request.getFeatures.rawValue, flags: 1, size: 0).bytes
        for _ in 0..<200_000 { try transport.send(ask, descriptors: []) }
      }
      try victim.expectOthersUnharmed()
    }
  }

  /// The carrier as the user sets it: the session ends and none begins until it is given back.
  @Test func aPortWithoutCarrierServesNobody() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      try await victim.bench.dataplane.setCarrier(port: "bad", up: false)
      #expect(throws: GuestKitError.self) { try bad.say { _ in } }
      let second = try SocketTransport(path: victim.bench.path("bad"))
      #expect(second.waitForClose(until: Deadline(milliseconds: 5000)))
      #expect(try await victim.bench.status("bad").carrier == false)
      try await victim.bench.dataplane.setCarrier(port: "bad", up: true)
      try await victim.recover()
      #expect(try await victim.bench.status("bad").carrier)
    }
  }

  /// `connect`: the port comes to the guest, again and again.
  @Test func aConnectingPortComesBack() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("b", .access(vlan: 1))
      let path = try await bench.addPort("a", .access(vlan: 1), role: .connect)
      for turn in 0..<3 {
        let guest = try VirtualGuest()
        let listener = try FrontEndListener(path: path)
        try guest.start(listener.accept())
        let frame = Victim.frame(1, to: 2, seed: turn)
        try guest.send(frame)
        #expect(try bench.guest("b").receive()?.frame == frame)
        guest.disconnect()
        withExtendedLifetime(listener) {}
      }
    }
  }

  /// A failed message ends the connection with its reason, counted once.
  @Test func garbageIsReported() async throws {
    try await Victim.with { victim in
      try victim.bad.disconnect()
      let transport = try SocketTransport(path: victim.bench.path("bad"))
      try transport.send(MessageHeader(request: 46, flags: 1, size: 0).bytes, descriptors: [])
      #expect(transport.waitForClose(until: Deadline(milliseconds: 5000)))
      try await victim.expectFault("46", "is not a message that is understood")
    }
  }
}
