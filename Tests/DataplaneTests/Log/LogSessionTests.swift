import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// The log of dirty pages by messages at a socket, good and hostile (M7, M9).
@Suite(.everyRingFormat) struct LogSessionTests {
  /// The receive buffer that the next frame goes into, by its page.
  private static func nextPage(_ guest: VirtualGuest) throws -> Int {
    let ring = guest.receiveRing()
    let descriptor = ring.descriptorTable + 16 * UInt64(ring.slotToTake(after: 0))
    let low = UInt64(guest.memory.load32(descriptor)), high = UInt64(guest.memory.load32(descriptor + 4))
    return Int(low | high << 32) / DirtyPages.pageSize
  }

  /// Two guests on a wire, of which the second one is to be logged.
  private static func with(
    _ body: (_ bench: Bench, _ sender: VirtualGuest, _ guest: VirtualGuest, _ frontEnd: FrontEnd) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      let (sender, guest) = try await bench.addWire()
      let frontEnd = try #require(guest.frontEnd)
      frontEnd.asksForReply = true
      try await body(bench, sender, guest, frontEnd)
    }
  }

  private static let names = frame(1, to: 2)

  private static func isHolding(_ bench: Bench, _ port: String) async throws -> Bool {
    let index = try await bench.dataplane.record(port).index
    return await bench.dataplane.reactor.run { $0.endpoints[index]?.heldSince != nil }
  }

  /// Lets the time pass for which rings may be held.
  private static func endHold(_ bench: Bench, _ port: String) async throws {
    let index = try await bench.dataplane.record(port).index
    await bench.dataplane.reactor.run { state in
      state.endpoints[index]?.endHold(at: .now + VhostUserEndpoint.logPatience)
    }
  }

  @Test func pagesOfFramesAreMarkedWhileItIsOn() async throws {
    try await Self.with { bench, sender, guest, frontEnd in
      let log = try DirtyPages(of: guest.memory)
      for isOn in [false, true, false, true] {
        if isOn { try frontEnd.setLog(log) }
        try frontEnd.setLogging(isOn, guest.rings)
        let features = try await bench.status("b").vhostUser?.features
        #expect(features?.contains("LOG_ALL") == isOn)
        _ = log.take()
        for seed in 0..<5 {
          let page = try Self.nextPage(guest)
          try sender.send(frame(1, to: 2, seed: seed))
          #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed))
          try frontEnd.barrier()
          #expect(log.take().contains(page) == isOn)
        }
      }
      let details = try await bench.status("b").vhostUser
      #expect(details?.refusals == 0 && details?.protocolFeatures.contains("LOG_SHMFD") == true)
    }
  }

  /// Logging comes and goes under traffic: no frame is lost, none is held.
  @Test func loggingIsToggledUnderTraffic() async throws {
    try await Self.with { bench, sender, guest, frontEnd in
      let log = try DirtyPages(of: guest.memory)
      for seed in 0..<200 {
        try sender.send(burst: (0..<8).map { frame(1, to: 2, seed: seed + $0) })
        if seed % 3 != 2 { try frontEnd.setLog(log) }
        try frontEnd.setLogging(seed % 2 == 0, guest.rings)
        for number in 0..<8 { #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed + number)) }
      }
      #expect(try await bench.status("b").dropsOut.isEmpty)
      #expect(try await bench.status("b").vhostUser?.refusals == 0)
    }
  }

  /// Rings start again and the log comes later: nothing is delivered before, and all of it is marked.
  @Test func ringsAreHeldUntilTheLogComes() async throws {
    try await Self.with { bench, sender, guest, frontEnd in
      try frontEnd.setLog(try DirtyPages(of: guest.memory))
      try frontEnd.setLogging(true, guest.rings)
      try frontEnd.setStatus(0)
      let bases = try guest.rings.map { try frontEnd.getRingBase(UInt32($0.index)) }
      try Self.restart(guest, frontEnd, bases)
      #expect(try await Self.isHolding(bench, "b"))
      // The machine moves, so its carrier stays, and frames to it wait.
      #expect(try await bench.status("b").hasEnd)
      #expect(try await Self.running(bench, "b").isEmpty)
      let page = try Self.nextPage(guest)
      let log = try DirtyPages(of: guest.memory, offset: 4097)
      try frontEnd.setLog(log)
      #expect(try await Self.isHolding(bench, "b") == false)
      #expect(try await Self.running(bench, "b") == guest.rings.map { $0.index })
      try sender.send(Self.names)
      #expect(try guest.receive()?.frame == Self.names)
      try frontEnd.barrier()
      #expect(log.take().contains(page))
      #expect(try await bench.status("b").vhostUser?.advice == nil)
    }
  }

  /// Numbers of the rings that a port's worker serves.
  private static func running(_ bench: Bench, _ port: String) async throws -> [Int] {
    try await bench.status(port).vhostUser?.queues.filter { $0.stopped == nil }.map(\.index) ?? []
  }

  private static func restart(_ guest: VirtualGuest, _ frontEnd: FrontEnd, _ bases: [UInt32]) throws {
    for (driver, base) in zip(guest.rings, bases) {
      let ring = UInt32(driver.index)
      try frontEnd.setRingSize(ring, UInt32(driver.size))
      try frontEnd.setRingBase(ring, base)
      try frontEnd.setRingAddress(driver, isLogged: true)
      try frontEnd.setRingKick(ring, driver.kickEvent.descriptor)
      try frontEnd.setRingCall(ring, driver.callEvent.descriptor)
      try frontEnd.setRingEnable(ring, true)
    }
  }

  /// After a second they run; what they write is in the log that comes at last.
  ///
  /// Also where there never was one.
  @Test(arguments: [false, true], [false, true])
  func whatIsWrittenWithoutALogIsRemembered(hadOne: Bool, isTakenOut: Bool) async throws {
    try await Self.with { bench, sender, guest, frontEnd in
      let old = try DirtyPages(of: guest.memory)
      if hadOne { try frontEnd.setLog(old) }
      try frontEnd.setLogging(true, guest.rings)
      if hadOne {
        let bases = try guest.rings.map { try frontEnd.getRingBase(UInt32($0.index)) }
        try Self.restart(guest, frontEnd, bases)
      }
      #expect(try await Self.isHolding(bench, "b"))
      try await Self.endHold(bench, "b")
      #expect(try await eventually { try await bench.status("b").hasEnd })
      #expect(try await bench.status("b").vhostUser?.advice?.contains("given no log") == true)
      _ = old.take()
      var pages: Set<Int> = []
      for seed in 0..<5 {
        pages.insert(try Self.nextPage(guest))
        try sender.send(frame(1, to: 2, seed: seed))
        #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed))
      }
      if isTakenOut {
        let taken = try #require(try await bench.dataplane.takeSession(port: "b"))
        try await bench.dataplane.takeUp(taken, port: "b")
      }
      let log = try DirtyPages(of: guest.memory, offset: 3)
      try frontEnd.setLog(log)
      #expect(pages.isSubset(of: log.take()))
      if hadOne { #expect(pages.isSubset(of: old.take()), "nobody knows which is looked into") }
      #expect(try await bench.status("b").vhostUser?.advice == nil)
      let page = try Self.nextPage(guest)
      try sender.send(Self.names)
      #expect(try guest.receive()?.frame == Self.names)
      try frontEnd.barrier()
      #expect(log.take().contains(page))
      #expect(try await bench.status("b").vhostUser?.refusals == 0)
    }
  }

  /// Taken out and up again it goes on marking, here or elsewhere.
  @Test func theLogGoesWithTheSession() async throws {
    try await Self.with { bench, sender, guest, frontEnd in
      let log = try DirtyPages(of: guest.memory, offset: 8191)
      try frontEnd.setLog(log)
      try frontEnd.setLogging(true, guest.rings)
      for seed in 0..<10 {
        let taken = try #require(try await bench.dataplane.takeSession(port: "b"))
        try await bench.dataplane.takeUp(taken, port: "b")
        _ = log.take()
        let page = try Self.nextPage(guest)
        try sender.send(frame(1, to: 2, seed: seed))
        #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed))
        try frontEnd.barrier()
        #expect(log.take().contains(page))
      }
      #expect(mappings(of: log.descriptor.raw) == 2, "the test's, and the data plane's")
      try await bench.dataplane.removePort("b")
      #expect(await eventually { openCopies(of: log.descriptor) == 1 && mappings(of: log.descriptor.raw) == 1 })
    }
  }

  /// Frames for a guest that announces itself, or is announced, are marked as any others.
  @Test func theLogIsReplacedUnderTraffic() async throws {
    try await Self.with { _, sender, guest, frontEnd in
      try frontEnd.setLog(try DirtyPages(of: guest.memory))
      try frontEnd.setLogging(true, guest.rings)
      for seed in 0..<50 {
        let page = try Self.nextPage(guest)
        try sender.send(frame(1, to: 2, seed: seed))
        #expect(try guest.receive()?.frame == frame(1, to: 2, seed: seed))
        let log = try DirtyPages(of: guest.memory, offset: 97 * seed)
        try frontEnd.setLog(log)
        #expect(log.take().contains(page), "carried from the one before")
      }
    }
  }

  // MARK: - Hostile

  /// The log is cut under us: that session ends, nobody else's.
  @Test(arguments: [true, false]) func cutLogsFailTheirPort(kicks: Bool) async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let log = try DirtyPages(of: bad.memory)
      try bad.say {
        try $0.setLog(log)
        try $0.setLogging(true, bad.rings)
      }
      log.truncate(to: 0)
      if kicks {
        try bad.send(Victim.frame(21, to: 22))
      } else {
        try victim.neighbour.send(Victim.frame(22, to: 21))
      }
      try await victim.expectFault("log of dirty pages was truncated while mapped")
      #expect(try await victim.bench.status("neighbour").error == nil)
      #expect(await eventually { openCopies(of: log.descriptor) == 1 && mappings(of: log.descriptor.raw) == 1 })
    }
  }

  /// A ring that is started again on a log that is lost is refused; on another one it runs.
  @Test func aLostLogMustBeReplaced() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let frontEnd = try #require(bad.frontEnd)
      let log = try DirtyPages(of: bad.memory)
      try bad.say {
        try $0.setLog(log)
        try $0.setLogging(true, bad.rings)
      }
      log.truncate(to: 0)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      _ = try await victim.bench.fault("bad")
      frontEnd.asksForReply = true
      #expect(throws: GuestKitError.self) { try frontEnd.setRingKick(1, bad.rings[1].kickEvent.descriptor) }
      try frontEnd.setLog(try DirtyPages(of: bad.memory))
      for ring in bad.rings { try frontEnd.setRingKick(UInt32(ring.index), ring.kickEvent.descriptor) }
      #expect(try await eventually { try await victim.bench.status("bad").carrier })
    }
  }

  @Test(
    arguments: [(UInt64.max, 0), (.max, 1), (4096, .max), (1 << 40, 0), (511, 0), (544, 4096)] as [(UInt64, UInt64)])
  func badLogsEndTheSessionAlone(size: UInt64, offset: UInt64) async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let frontEnd = try #require(bad.frontEnd)
      let file = try makeMemoryFile(size: 4096)
      try frontEnd.send(Request.setLogBase.rawValue, payload: words64(size, offset), descriptors: [file])
      #expect(throws: GuestKitError.self) { try frontEnd.readReply(Request.setLogBase.rawValue) }
      #expect(try await eventually { try await victim.bench.status("bad").vhostUser?.isConnected == false })
      #expect(try await victim.bench.status("bad").error?.hasPrefix("SET_LOG_BASE") == true)
      #expect(await eventually { openCopies(of: file) == 1 && mappings(of: file.raw) == 0 })
      try victim.expectOthersUnharmed()
      try await victim.recover()
    }
  }

  /// A used ring that is said to be outside of the log breaks its ring; the log says what it says of the others.
  @Test func aUsedRingOutsideTheLogFails() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let log = try DirtyPages(of: bad.memory)
      var addresses = bad.rings[1].addresses
      (addresses.flags, addresses.log) = (1, .max)
      let said = addresses
      try bad.say {
        try $0.setLog(log)
        try $0.setFeatures($0.features | VirtioFeature.logAll)
        try $0.setRingAddress(1, said)
      }
      try await victim.expectFault("ring 1: used ring at 0xffffffffffffffff, as SET_VRING_ADDR says it, is outside")
    }
  }
}
