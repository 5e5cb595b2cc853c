import Foundation
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Sessions, queues and switches taken out of one data plane and put into another, under guests that notice nothing.
@Suite(.everyRingFormat) struct TakeoverTests {
  /// A second data plane beside that of a bench.
  private static func with(_ body: (Dataplane) async throws -> Void) async throws {
    var configuration = DataplaneConfiguration()
    configuration.recorderSize = 0
    let dataplane = try Dataplane(configuration)
    do {
      try await body(dataplane)
    } catch {
      await dataplane.stop()
      throw error
    }
    await dataplane.stop()
  }

  private static func port(_ name: String, _ path: String, pairs: Int = 1, mtu: Int? = nil) -> PortConfiguration {
    var socket = VhostUserSocket(path: path)
    socket.queuePairs = pairs
    var port = PortConfiguration(
      name: name, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
      backend: .vhostUser(socket))
    port.mtu = mtu
    return port
  }

  /// As another process would have it: the values as text, the descriptors as duplicates.
  private static func handedOver(_ taken: TakenSession?) throws -> TakenSession {
    let taken = try #require(taken)
    return TakenSession(
      state: try JSONDecoder().decode(SessionState.self, from: JSONEncoder().encode(taken.state)),
      descriptors: try taken.descriptors.map { try $0.duplicate() }, connection: try taken.connection.duplicate())
  }

  private static func handedOver(_ snapshot: SwitchSnapshot) throws -> SwitchSnapshot {
    try JSONDecoder().decode(SwitchSnapshot.self, from: JSONEncoder().encode(snapshot))
  }

  /// Moves switch and guests of a bench to another data plane, with frames on their way all the time.
  @Test(arguments: VirtualGuest.Order.allCases)
  func trafficGoesOnWhereItStopped(order: VirtualGuest.Order) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch { $0.aging = 120 }
      let names = ["a", "b", "c"]
      for name in names {
        try await bench.addGuest(name, .access(vlan: 1)) {
          $0.order = order
          // The index wraps in the first round, so that a position is more than a count.
          $0.firstIndex = 0xFFFE
        }
      }
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      try bench.exchange(frame(1, to: 2), from: "a")
      for seed in 0..<10 {
        try bench.expect(frame(2, to: 1, seed: seed), from: "b", reaches: ["a": frame(2, to: 1, seed: seed)])
      }
      try await Self.with { other in
        let snapshot = try await bench.dataplane.snapshot(switchName: "sw")
        var taken: [String: TakenSession] = [:]
        for name in names {
          taken[name] = try Self.handedOver(try await bench.dataplane.takeSession(port: name))
          #expect(try await bench.status(name).vhostUser?.isConnected == false)
          #expect(try await bench.status(name).carrier == false)
        }
        // Nobody takes these until the other one does.
        for seed in 0..<3 { try a.send(frame(1, to: 2, seed: 100 + seed)) }
        try await other.addSwitch(Self.handedOver(snapshot))
        for name in names { try await other.addPort(Self.port(name, bench.path("\(name)2"))) }
        #expect(try await other.restoreEntries(Self.handedOver(snapshot)) == 2)
        #expect(try await other.snapshot(switchName: "sw").configuration == snapshot.configuration)
        // Receivers first: a port that is not there yet drops.
        for name in ["c", "b", "a"] { try await other.takeUp(try #require(taken[name]), port: name) }
        taken = [:]
        for seed in 0..<3 { #expect(try b.receive()?.frame == frame(1, to: 2, seed: 100 + seed)) }
        #expect(try a.waitForTransmitted())
        // Both stations are known, so c hears nothing; and every guest's session is like any other.
        for seed in 0..<100 {
          let frame = GuestKit.frame(1, to: 2, seed: seed)
          try bench.expect(frame, from: "a", reaches: ["b": frame])
          let answer = GuestKit.frame(2, to: 1, seed: seed)
          try bench.expect(answer, from: "b", reaches: ["a": answer])
        }
        for name in names {
          let status = try #require(await other.ports().first { $0.name == name })
          #expect(status.carrier && status.vhostUser?.isConnected == true && status.error == nil)
          #expect(status.vhostUser?.refusals == 0 && status.vhostUser?.memoryRegions.isEmpty == false)
          let features = try #require(try bench.guest(name).frontEnd).features
          #expect(status.vhostUser?.features == featureNames(features))
        }
        try b.reboot()
        // Its port was down meanwhile, so its station was forgotten.
        try bench.exchange(frame(2, to: 1, seed: 6), from: "b")
        let frame = frame(1, to: 2, seed: 7)
        try bench.expect(frame, from: "a", reaches: ["b": frame])
        // The old ports serve anybody else.
        #expect(try await bench.status("a").error == nil)
        let next = try VirtualGuest()
        try next.connect(path: bench.path("a"))
        #expect(try await bench.status("a").vhostUser?.isConnected == true)
      }
    }
  }

  /// Out and in again at the same port while both guests send as fast as they can: each frame comes once, in order.
  @Test func manyMovesUnderLoadLoseNothing() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) { $0.ringSize = 256 } }
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      try bench.exchange(frame(2, to: 1), from: "b")
      try bench.exchange(frame(1, to: 2), from: "a")
      var (sent, received) = (0, 0)
      for round in 0..<100 {
        for _ in 0..<20 {
          try a.send(frame(1, to: 2, seed: sent % 200))
          sent += 1
        }
        // The sender's port: b's buffers are there all the time, so nothing may be lost.
        let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
        for _ in 0..<5 {
          try a.send(frame(1, to: 2, seed: sent % 200))
          sent += 1
        }
        try await bench.dataplane.takeUp(taken, port: "a")
        while received < sent {
          guard let got = try b.receive() else { break }
          #expect(got.frame == frame(1, to: 2, seed: received % 200), "frame \(received) of round \(round)")
          received += 1
        }
        try #require(received == sent, "round \(round)")
      }
      #expect(try a.waitForTransmitted())
      #expect(try await bench.status("a").vhostUser?.faults == 0)
    }
  }

  /// A session of a daemon that offered less goes on with what it has; a front-end that connects again finds no less.
  @Test func aSessionOfLessGoesOnWhereMoreIsOffered() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let a = try await bench.addGuest("a", .access(vlan: 1), offload: .checksum)
      let had = try #require(a.frontEnd).features
      #expect(had & VirtioFeature.offloads == VirtioFeature.checksum | VirtioFeature.guestChecksum)
      let path = try await bench.addPort("b", .access(vlan: 1))
      try await bench.addGuest("c", .access(vlan: 1))
      let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
      try await bench.dataplane.takeUp(taken, port: "b")
      #expect(try await bench.status("b").vhostUser?.features == featureNames(had))
      let frame = frame(1, to: 3)
      try a.send(frame)
      #expect(try bench.guest("c").receive()?.frame == frame)
      // It left, and comes back.
      _ = try await bench.dataplane.takeSession(port: "b")
      let again = try FrontEnd(path: path)
      #expect(try again.getFeatures() & had == had)
      try again.setFeatures(had)
      try again.barrier()
    }
  }

  /// The other way round nobody could answer for what is sent: it is refused, as a message would be.
  @Test func aSessionOfMoreIsRefusedWhereLessIsOffered() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      try await bench.addPort("b", .access(vlan: 1), offload: .checksum)
      let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
      let lost = VirtioFeature.offloads & ~(VirtioFeature.checksum | VirtioFeature.guestChecksum)
      let names = featureNames(lost).joined(separator: ", ")
      await #expect(
        throws: DataplaneError.invalid("port b: session state: acknowledges \(names), which is not offered")
      ) {
        try await bench.dataplane.takeUp(taken, port: "b")
      }
    }
  }

  /// Every descriptor goes with the session, and nothing is left behind.
  @Test func nothingIsKeptOfASessionThatWasTaken() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      for _ in 0..<20 {
        let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
        try await bench.dataplane.takeUp(taken, port: "a")
      }
      var taken = try await bench.dataplane.takeSession(port: "a")
      #expect(taken != nil)
      taken = nil
      // The connection ends with the last that holds it.
      #expect(throws: GuestKitError.self) { try guest.frontEnd?.barrier() }
      let isGone = await eventually {
        guest.rings.allSatisfy { openCopies(of: $0.kickEvent.descriptor) == 1 }
          && guest.rings.allSatisfy { openCopies(of: $0.callEvent.descriptor) == 1 }
          && openCopies(of: guest.memory.descriptors[0]) == 1
      }
      #expect(isGone)
    }
  }

  @Test func theMiddleOfAMessageGoesWithIt() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      let frontEnd = try #require(guest.frontEnd)
      let bytes = MessageHeader(request: Request.setMTU.rawValue, flags: 9, size: 8).bytes + words64(1200)
      try frontEnd.sendRaw(Array(bytes.prefix(15)))
      let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
      // What was not read yet stays in the socket.
      #expect(bytes.starts(with: taken.state.input) && taken.state.input.count <= 15)
      try await Self.with { other in
        try await other.addSwitch(SwitchConfiguration(name: "sw"))
        try await other.addPort(Self.port("a", bench.path("a2")))
        try await other.takeUp(taken, port: "a")
        try frontEnd.sendRaw(Array(bytes.dropFirst(15)))
        #expect(try frontEnd.readReply(Request.setMTU.rawValue) == words64(0))
        #expect(await other.ports().first?.mtu == 1200)
        // What was asked for goes on, too.
        let again = try Self.handedOver(try await other.takeSession(port: "a"))
        #expect(again.state.mtu == 1200)
        try await other.takeUp(again, port: "a")
        #expect(await other.ports().first?.mtu == 1200)
      }
    }
  }

  @Test func whatCannotBeIsRefused() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      try await bench.addPort("b", .access(vlan: 1))
      let plane = bench.dataplane
      #expect(try await plane.takeSession(port: "b") == nil, "nobody is connected")
      await #expect(throws: DataplaneError.unknownPort("x")) { try await plane.takeSession(port: "x") }
      let taken = try Self.handedOver(try await plane.takeSession(port: "a"))
      #expect(try await plane.takeSession(port: "a") == nil)
      var bad = try Self.handedOver(taken)
      bad.state.rings.removeLast()
      await #expect(throws: DataplaneError.invalid("port b: session state: 1 rings, and the device has 2")) {
        try await plane.takeUp(bad, port: "b")
      }
      #expect(try await bench.status("b").vhostUser?.isConnected == false)
      #expect(try await bench.status("b").vhostUser?.faults == 0)
      try await plane.setCarrier(port: "b", up: false)
      await #expect(throws: DataplaneError.invalid("port b: it has no carrier")) {
        try await plane.takeUp(Self.handedOver(taken), port: "b")
      }
      try await plane.setCarrier(port: "b", up: true)
      try await plane.takeUp(Self.handedOver(taken), port: "b")
      await #expect(throws: DataplaneError.invalid("port b: another front-end is connected")) {
        try await plane.takeUp(Self.handedOver(taken), port: "b")
      }
      #expect(try await bench.status("b").carrier)
      try bench.guest("a").frontEnd?.barrier()
      // Memory that cannot be mapped any more: the session ends, and why is said.
      var lost = try Self.handedOver(try await plane.takeSession(port: "b"))
      lost.state.regions[0].fileOffset = 1 << 40
      await #expect(throws: DataplaneError.self) { try await plane.takeUp(lost, port: "b") }
      #expect(try await bench.status("b").error?.contains("session is not taken up") == true)
    }
  }

  /// A front-end that does not read its answers, one that leaves, and a port that is removed: who waits is told.
  @Test func whoWaitsForASessionIsAlwaysTold() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let path = try await bench.addPort("a", .access(vlan: 1))
      let plane = bench.dataplane
      for isRemoved in [false, true] {
        var transport: SocketTransport? = try SocketTransport(path: path)
        transport?.sendTimeout = 200
        let index = try await plane.record("a").index
        let ask = MessageHeader(request: Request.getFeatures.rawValue, flags: 1, size: 0).bytes
        let isHeldUp = await eventually {
          for _ in 0..<2000 where (try? transport?.send(ask, descriptors: [])) == nil { break }
          return await plane.reactor.run { $0.endpoints[index]?.unsent.isEmpty == false }
        }
        #expect(isHeldUp, "answers that nobody reads")
        let task = Task { try await plane.takeSession(port: "a") }
        #expect(await eventually { await plane.reactor.run { $0.endpoints[index]?.taker != nil } })
        #expect(try await plane.takeSession(port: "a") == nil, "only one can have it")
        if isRemoved { try await plane.removePort("a") } else { transport = nil }
        #expect(try await task.value == nil)
        withExtendedLifetime(transport) {}
      }
    }
  }

  /// Sends messages without end, on a thread of its own.
  private final class Flooder: Sendable {
    private let isDone = Flag()
    private let thread: HostThread

    /// Disables and enables ring 1 on a connection, which is shared with nobody meanwhile.
    init(_ connection: Descriptor) throws {
      let isDone = isDone
      thread = try HostThread.start(name: "apd-messages", cpu: nil) {
        let transport = SocketTransport(connection)
        let header = MessageHeader(request: Request.setRingEnable.rawValue, flags: 1, size: 8).bytes
        let pair = header + words32(1, 0) + header + words32(1, 1)
        while !isDone.isSet {
          do { try transport.send(pair, descriptors: []) } catch { return }
        }
      }
    }

    func stop() {
      isDone.set()
      thread.join()
    }
  }

  /// Whoever takes a session out or up waits for what it asked, not for what its front-end asks meanwhile.
  @Test func aFloodOfMessagesHoldsNobody() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      let transport = try #require(guest.frontEnd?.transport as? SocketTransport)
      let flooder = try Flooder(transport.socket.duplicate())
      for _ in 0..<50 {
        let taken = try Self.handedOver(try await bench.dataplane.takeSession(port: "a"))
        try await bench.dataplane.takeUp(taken, port: "a")
      }
      flooder.stop()
      try guest.frontEnd?.barrier()
      #expect(try await bench.status("a").carrier)
      #expect(try await bench.status("a").vhostUser?.refusals == 0)
      let frame = frame(1, to: 2)
      try bench.expect(frame, from: "a", reaches: [:])
      #expect(try await bench.status("a").receivePackets > 0)
    }
  }

  /// Two who want the same session, and one who removes the port, all at once.
  @Test func racesEndWell() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      for round in 0..<40 {
        let path = try await bench.addPort("p\(round)", .access(vlan: 1))
        var options = VirtualGuest.Options()
        options.ringSize = 16
        options.memorySize = 1 << 20
        options.transmitSize = 2048
        let guest = try VirtualGuest(options)
        try guest.connect(path: path)
        async let first = plane.takeSession(port: "p\(round)")
        async let second = plane.takeSession(port: "p\(round)")
        async let gone: Void? = try? plane.removePort("p\(round)")
        let taken = [try? await first, try? await second].compactMap { $0 ?? nil }
        _ = await gone
        #expect(taken.count <= 1)
      }
    }
  }
}
