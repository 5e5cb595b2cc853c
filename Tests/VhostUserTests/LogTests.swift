import Glibc
import GuestKit
import LinuxHost
import Testing

@testable import VhostUser

/// The log of dirty pages (M7): who is answered what, and which rings are held for want of one.
@Suite struct LogTests {
  /// A session with memory of 16 MB from 1 MB on, and four rings of which size and addresses were said.
  private struct Logged {
    let bench: Bench
    let memory: SharedMemory
    let rings: [SplitDriver]

    var owner: RecordingOwner { bench.owner }
    var frontEnd: FrontEnd { bench.frontEnd }
    var session: Session? { bench.session }

    /// Rings that are said to be started, and run.
    var running: [Int] { session?.startedRings ?? [] }

    func newLog() throws -> DirtyPages { try DirtyPages(of: memory) }

    func say(_ ring: Int, isLogged: Bool) throws { try frontEnd.setRingAddress(rings[ring], isLogged: isLogged) }

    func kick(_ ring: Int) throws { try frontEnd.setRingKick(UInt32(ring), rings[ring].kickEvent.descriptor) }

    func events(_ body: () throws -> Void) rethrows -> [RecordingOwner.Event] {
      let before = owner.events.count
      try body()
      return Array(owner.events.dropFirst(before))
    }
  }

  private static let features = VirtioFeature.version1 | VirtioFeature.protocolFeatures
  private static let logging = features | VirtioFeature.logAll
  /// Bytes of the log of the memory below.
  private static let size: UInt64 = 544

  private func session(_ pending: Set<RecordingOwner.Kind> = [.stop], logsRings: Bool = true) throws -> Logged {
    let bench = try Bench {
      $0.offersLog()
      $0.pending = pending
    }
    try bench.frontEnd.setProtocolFeatures(bench.owner.offer.protocolFeatures)
    let memory = try SharedMemory(size: 16 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 64) }
    let logged = Logged(bench: bench, memory: memory, rings: rings)
    try bench.frontEnd.setFeatures(Self.features)
    try bench.frontEnd.setMemory(memory)
    for ring in rings {
      try bench.frontEnd.setRingSize(UInt32(ring.index), 64)
      try logged.say(ring.index, isLogged: false)
    }
    return logged
  }

  /// The same with rings that run.
  private func running(_ pending: Set<RecordingOwner.Kind> = [.stop]) throws -> Logged {
    let logged = try session(pending)
    for ring in 0..<4 { try logged.kick(ring) }
    #expect(logged.running == [0, 1, 2, 3])
    return logged
  }

  private static func log(_ carries: Bool, size: UInt64 = LogTests.size) -> RecordingOwner.Event {
    .log(size: size, offset: 0, carries: carries)
  }

  // MARK: - The message

  /// QEMU asks for no reply, and waits for one; whoever asks gets it once.
  @Test(arguments: [1, 9] as [UInt32], [false, true])
  func theLogIsAnsweredByItself(flags: UInt32, isPending: Bool) throws {
    let logged = try session(isPending ? [.log] : [])
    let log = try DirtyPages(of: logged.memory, offset: 0x1003)
    let payload = words64(UInt64(log.size), UInt64(log.offset))
    #expect(log.size == Int(Self.size))
    let events = try logged.events {
      try logged.frontEnd.send(6, payload: payload, descriptors: [log.descriptor], flags: flags)
    }
    #expect(try logged.frontEnd.readReply(6) == payload)
    #expect(logged.bench.transport.output.isEmpty)
    #expect(events == [.log(size: UInt64(log.size), offset: 0x1003, carries: false)])
    #expect(openCopies(of: log.descriptor) == 2)
    // For the next pair, with the same file.
    for _ in 0..<3 { try logged.frontEnd.setLog(log) }
    #expect(openCopies(of: log.descriptor) == 2)
    logged.bench.transport.close()
    #expect(openCopies(of: log.descriptor) == 1)
  }

  @Test func theLogsEventIsClosed() throws {
    let logged = try session()
    let event = try EventDescriptor().descriptor
    try logged.frontEnd.tell(.setLogDescriptor, descriptors: [event])
    #expect(openCopies(of: event) == 1)
    #expect(logged.session?.refusalCount == 0)
  }

  /// There is a reply of its own and so no way to say no but the end; nothing of it is kept.
  @Test func badLogsEndTheSession() throws {
    let folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try #require(folder >= 0)
    let file = try makeMemoryFile(size: 1 << 16)
    let readOnly = Descriptor(owning: open("/proc/self/fd/\(file.raw)", O_RDONLY | O_CLOEXEC))
    let cases: [(size: UInt64, offset: UInt64, Descriptor, reason: String)] = [
      (0, 0, file, "is empty or wraps"), (.max, 1, file, "is empty or wraps"), (1, .max, file, "is empty or wraps"),
      ((1 << 30) + 1, 0, file, "expected at most 1073741824"),
      (Self.size - 1, 0, file, "log of 543 bytes for guest memory that ends at 0x1100000, expected 544 or more"),
      (Self.size, 0, try EventDescriptor().descriptor, "log lies on an eventfd"),
      (Self.size, 0, Descriptor(owning: folder), "expected a file on"),
      (Self.size, 0, readOnly, "does not allow reading and writing"),
    ]
    for (size, offset, descriptor, reason) in cases {
      let logged = try session()
      let before = openCopies(of: descriptor)
      try logged.frontEnd.send(6, payload: words64(size, offset), descriptors: [descriptor])
      #expect(logged.bench.transport.failure?.description.contains(reason) == true, "\(reason)")
      #expect(openCopies(of: descriptor) == before, "\(reason)")
    }
    for (payload, count) in [(words64(Self.size, 0), 0), (words64(Self.size, 0), 2), (words64(Self.size), 1)] {
      let logged = try session()
      try logged.frontEnd.send(6, payload: payload, descriptors: .init(repeating: file, count: count))
      #expect(logged.bench.transport.failure != nil)
    }
    // The owner has the last word.
    let logged = try session()
    logged.owner.refused = [.log]
    try logged.frontEnd.send(6, payload: words64(Self.size, 0), descriptors: [file], flags: 9)
    #expect(logged.bench.transport.failure == .refused(request: 6, reason: "the owner does not want to"))
    #expect(openCopies(of: file) == 2, "the one that can be read only")
  }

  @Test func withoutTheFeaturesThereIsNoLog() throws {
    let bench = try Bench(acknowledges: true)
    let file = try makeMemoryFile(size: 1 << 16)
    try bench.frontEnd.send(6, payload: words64(8, 0), descriptors: [file], flags: 9)
    #expect(bench.session?.lastRefusal == "SET_LOG_BASE: needs the protocol feature LOG_SHMFD, which is not offered")
    #expect(openCopies(of: file) == 1)
  }

  @Test(arguments: [2, 3, 0x8000_0001] as [UInt32]) func ringsHaveOneFlag(flags: UInt32) throws {
    let logged = try session()
    var addresses = logged.rings[0].addresses
    addresses.flags = flags
    #expect(
      try logged.bench.refusal { try $0.setRingAddress(0, addresses) }
        == "SET_VRING_ADDR: flags \(String(flags, radix: 16).prefixed) of ring 0, expected 0 or 1")
  }

  // MARK: - A migration

  /// QEMU 7.2, two pairs: all of it once for each, and nothing is held.
  @Test(arguments: [Set([.stop]), Set(RecordingOwner.Kind.allCases)])
  func theOrderOfAMigration(pending: Set<RecordingOwner.Kind>) throws {
    let logged = try running(pending)
    let log = try logged.newLog()
    var expected: [RecordingOwner.Event] = []
    let events = try logged.events {
      for pair in 0..<2 {
        try logged.frontEnd.setLog(log)
        expected.append(Self.log(pair == 1))
        try logged.frontEnd.setFeatures(Self.logging)
        expected.append(
          .negotiated(features: Self.logging, protocolFeatures: logged.owner.offer.protocolFeatures))
        if pair == 0 { expected.append(.logging(true)) }
        for ring in [2 * pair, 2 * pair + 1] {
          try logged.say(ring, isLogged: true)
          var addresses = logged.rings[ring].addresses
          addresses.flags = 1
          expected.append(.addresses(ring, addresses))
        }
      }
    }
    #expect(events == expected)
    #expect(logged.session?.isLogging == true && logged.running == [0, 1, 2, 3])
    // Cancelled.
    let cancelled = try logged.events {
      try logged.frontEnd.setFeatures(Self.features)
      for ring in 0..<4 { try logged.say(ring, isLogged: false) }
    }
    #expect(cancelled.contains(.logging(false)) && logged.session?.isLogging == false)
    #expect(logged.running == [0, 1, 2, 3])
    #expect(!cancelled.contains { if case .stopped = $0 { true } else { false } })
  }

  /// `stop` and `cont` in the middle of it: the log comes last, and is another.
  @Test(arguments: [Set([.stop]), Set(RecordingOwner.Kind.allCases)], [false, true])
  func ringsThatStartAgainWaitForTheirLog(pending: Set<RecordingOwner.Kind>, hasStatus: Bool) throws {
    let logged = try running(pending)
    try logged.frontEnd.setLog(logged.newLog())
    try logged.frontEnd.setLogging(true, logged.rings)
    if hasStatus { try logged.frontEnd.setStatus(0) }
    for ring in 0..<4 { _ = try logged.frontEnd.getRingBase(UInt32(ring)) }
    let started = try logged.events {
      for pair in 0..<2 {
        try logged.frontEnd.setFeatures(Self.logging)
        for ring in [2 * pair, 2 * pair + 1] {
          try logged.frontEnd.setRingSize(UInt32(ring), 64)
          try logged.frontEnd.setRingBase(UInt32(ring), 4711)
          try logged.say(ring, isLogged: true)
          try logged.kick(ring)
          try logged.frontEnd.setRingCall(UInt32(ring), logged.rings[ring].callEvent.descriptor)
        }
        #expect(logged.running == (pair == 0 ? [] : [0, 1, 2, 3]), "the second pair has the log of the first")
        #expect(logged.session?.isHolding == (pair == 0))
        #expect(logged.session?.ring(0)?.isWaiting == (pair == 0))
        try logged.frontEnd.setLog(logged.newLog())
        #expect(logged.running == (pair == 0 ? [0, 1] : [0, 1, 2, 3]))
      }
    }
    let log = try #require(started.firstIndex(of: Self.log(true)))
    let first = try #require(started.firstIndex { if case .started = $0 { true } else { false } })
    #expect(log < first)
    #expect(
      started[first] == .started(0, size: 64, base: 4711, kick: true, call: true, error: false, enabled: false))
  }

  @Test func aRingIsHeldUntilTheFlagOrTheFeatureIsTakenBack() throws {
    for takesFlag in [true, false] {
      let logged = try session()
      try logged.frontEnd.setFeatures(Self.logging)
      for ring in 0..<2 {
        try logged.say(ring, isLogged: true)
        try logged.kick(ring)
      }
      #expect(logged.running.isEmpty && logged.session?.isHolding == true)
      #expect(logged.owner.events.contains(Self.log(true)), "a stand-in")
      if takesFlag {
        try logged.say(0, isLogged: false)
        #expect(logged.running == [0])
        try logged.say(1, isLogged: false)
      } else {
        try logged.frontEnd.setFeatures(Self.features)
      }
      #expect(logged.running == [0, 1] && logged.session?.isHolding == false)
      #expect(logged.session?.refusalCount == 0)
    }
  }

  /// A ring that runs stops where it is, and goes on from there.
  @Test(arguments: [false, true]) func ringsThatRunAreHeldToo(flagsFirst: Bool) throws {
    let logged = try running()
    let events = try logged.events {
      if flagsFirst { for ring in 0..<4 { try logged.say(ring, isLogged: true) } }
      try logged.frontEnd.setFeatures(Self.logging)
      if !flagsFirst { for ring in 0..<4 { try logged.say(ring, isLogged: true) } }
    }
    #expect(logged.running.isEmpty && logged.session?.isHolding == true)
    #expect((0..<4).allSatisfy { events.contains(.stopped($0)) })
    // Nothing is written that is not marked: what has to stop has stopped before.
    if flagsFirst {
      let last = events.lastIndex { if case .stopped = $0 { true } else { false } } ?? .max
      #expect(last < events.firstIndex(of: .logging(true)) ?? 0)
    }
    try logged.frontEnd.setLog(logged.newLog())
    #expect(logged.running == [0, 1, 2, 3])
    #expect(logged.owner.lastStart?.base == 4711 && logged.owner.lastStart?.isPositionOurs == true)
    #expect(logged.owner.lastStart?.addresses.flags == 1)
    #expect(logged.session?.ring(2)?.isEnabled == false)
  }

  /// Buffers are to be marked, and there is nothing to mark them in: the session has something.
  @Test func ringsWithoutTheFlagRunOnAStandIn() throws {
    let logged = try running()
    let events = try logged.events { try logged.frontEnd.setFeatures(Self.logging) }
    #expect(events.suffix(2) == [Self.log(true), .logging(true)])
    #expect(logged.running == [0, 1, 2, 3] && logged.session?.isHolding == false)
    #expect(try logged.events { try logged.frontEnd.setLog(logged.newLog()) } == [Self.log(true)])
    // The next time there is a log, if one that nobody has looked into.
    try logged.frontEnd.setFeatures(Self.features)
    #expect(try logged.events { try logged.frontEnd.setFeatures(Self.logging) }.last == .logging(true))
  }

  /// QEMU 7.2 calls `abort` if addresses are refused as logging begins, and its machine goes with it.
  @Test func addressesOfABrokenRingAreTaken() throws {
    let logged = try running()
    logged.session?.noteBroken(1)
    try logged.frontEnd.setLog(logged.newLog())
    logged.frontEnd.asksForReply = true
    for isOn in [true, false] {
      try logged.frontEnd.setLogging(isOn, logged.rings)
      #expect(logged.session?.ring(1)?.addresses?.flags == (isOn ? 1 : 0))
    }
    #expect(logged.session?.refusalCount == 0 && logged.session?.hasBrokenRing == true)
    #expect(logged.running == [0, 1, 2, 3])
  }

  /// Who has no stand-in holds what would write without one.
  @Test func withoutAStandInRingsAreHeld() throws {
    let logged = try running()
    logged.owner.refused = [.log]
    let events = try logged.events { try logged.frontEnd.setFeatures(Self.logging) }
    logged.owner.refused = []
    #expect(logged.running.isEmpty && logged.session?.refusalCount == 1)
    #expect(logged.session?.isHolding == false, "time does not help")
    let last = events.lastIndex { if case .stopped = $0 { true } else { false } } ?? .max
    #expect(last < events.firstIndex(of: .logging(true)) ?? 0)
    try logged.frontEnd.setLog(logged.newLog())
    #expect(logged.running == [0, 1, 2, 3])
  }

  // MARK: - Time

  @Test(arguments: [Set([.stop]), Set(RecordingOwner.Kind.allCases)], [0, 1, 11, 12, 19])
  func theHoldEnds(pending: Set<RecordingOwner.Kind>, cut: Int) throws {
    let logged = try session(pending)
    try logged.frontEnd.setFeatures(Self.logging)
    for ring in 0..<2 {
      try logged.say(ring, isLogged: true)
      try logged.kick(ring)
    }
    // In the middle of a message, which is not lost.
    let message = MessageHeader(request: Request.setRingEnable.rawValue, flags: 9, size: 8).bytes + words32(1, 1)
    try logged.bench.transport.send(Array(message.prefix(cut)), descriptors: [])
    logged.bench.transport.endHold()
    #expect(logged.bench.transport.failure == nil)
    #expect(logged.running == [0, 1] && logged.session?.isHolding == false)
    #expect(logged.bench.transport.output.isEmpty, "nobody asked")
    try logged.bench.transport.send(Array(message.dropFirst(cut)), descriptors: [])
    #expect(try logged.frontEnd.readReply(Request.setRingEnable.rawValue) == words64(0))
    #expect(logged.session?.ring(1)?.isEnabled == true)
    // Others that come are not held any more, until all have stopped.
    try logged.say(2, isLogged: true)
    try logged.kick(2)
    #expect(logged.running == [0, 1, 2])
    for ring in 0..<3 { _ = try logged.frontEnd.getRingBase(UInt32(ring)) }
    try logged.say(0, isLogged: true)
    try logged.kick(0)
    #expect(logged.running.isEmpty && logged.session?.isHolding == true)
    #expect(try logged.events { try logged.frontEnd.setLog(logged.newLog()) }.first == Self.log(true))
    #expect(logged.running == [0])
  }

  /// A front-end that takes its log for granted is believed after a while.
  @Test func theOldLogServesWhereNoneComes() throws {
    let logged = try running()
    try logged.frontEnd.setLog(logged.newLog())
    try logged.frontEnd.setLogging(true, logged.rings)
    for ring in 0..<4 { _ = try logged.frontEnd.getRingBase(UInt32(ring)) }
    try logged.say(0, isLogged: true)
    try logged.kick(0)
    #expect(logged.running.isEmpty)
    let events = logged.events { logged.bench.transport.endHold() }
    #expect(logged.running == [0] && events.count == 1, "no stand-in")
  }

  @Test func nothingEndsWhereNothingIsHeld() throws {
    let logged = try running()
    #expect(logged.events { logged.bench.transport.endHold() }.isEmpty)
    try logged.frontEnd.setFeatures(Self.logging)
    #expect(logged.events { logged.bench.transport.endHold() }.isEmpty)
    try logged.say(0, isLogged: true)
    logged.bench.transport.suspend()
    #expect(logged.events { logged.bench.transport.endHold() }.isEmpty)
  }

  // MARK: - Memory

  private static func region(_ address: UInt64) -> SharedMemory.Region {
    SharedMemory.Region(guestAddress: address, size: 1 << 20, userAddress: 0x6000_0000_0000 + address)
  }

  /// QEMU gives a larger log first; memory beyond the one that it looks into is refused, and all is as it was.
  @Test func memoryBeyondTheLogIsRefused() throws {
    let logged = try running()
    try logged.frontEnd.setLog(logged.newLog())
    try logged.frontEnd.setLogging(true, logged.rings)
    let file = try makeMemoryFile(size: 1 << 20)
    logged.frontEnd.asksForReply = true
    #expect(
      try logged.bench.refusal { try $0.addMemory(Self.region(0x110_0000), file) }
        == "ADD_MEM_REG: memory that ends at 0x1200000 is beyond the log of 544 bytes, "
        + "expected SET_LOG_BASE with 576 or more first")
    #expect(openCopies(of: file) == 1 && logged.running == [0, 1, 2, 3])
    try logged.frontEnd.setLog(DirtyPages(size: 576))
    try logged.frontEnd.addMemory(Self.region(0x110_0000), file)
    // Within the log, and while nothing is logged, anything goes.
    try logged.frontEnd.addMemory(Self.region(0), file)
    try logged.frontEnd.setFeatures(Self.features)
    try logged.frontEnd.addMemory(Self.region(0x4000_0000), file)
    #expect(logged.running == [0, 1, 2, 3])
    // Until it is logged again: the log is too small, and so there is none.
    let events = try logged.events { try logged.frontEnd.setFeatures(Self.logging) }
    #expect(logged.running.isEmpty && logged.session?.isHolding == true)
    #expect(events.contains(Self.log(true, size: 0x4010_0000 / 32768)))
    try logged.frontEnd.setLog(DirtyPages(size: 0x4010_0000 / 32768))
    #expect(logged.running == [0, 1, 2, 3])
  }

  /// Before there is memory a log of any size is good.
  @Test func theLogMayComeBeforeTheMemory() throws {
    let bench = try Bench { $0.offersLog() }
    try bench.frontEnd.setProtocolFeatures(bench.owner.offer.protocolFeatures)
    let memory = try SharedMemory(size: 16 << 20)
    let ring = try SplitDriver(memory: memory, index: 0, size: 64)
    try bench.frontEnd.setLog(DirtyPages(size: 1))
    try bench.frontEnd.setFeatures(Self.logging)
    try bench.frontEnd.setRingSize(0, 64)
    try bench.frontEnd.setRingAddress(ring, isLogged: true)
    try bench.frontEnd.setRingKick(0, ring.kickEvent.descriptor)
    #expect(try bench.refusal { try $0.setMemory(memory) }?.contains("is beyond the log of 1 bytes") == true)
    try bench.frontEnd.setLog(DirtyPages(of: memory))
    try bench.frontEnd.setMemory(memory)
    #expect(bench.session?.startedRings == [0])
  }

  /// After a stop QEMU says memory first, and then the log for it; a stand-in grows with the memory.
  @Test func memoryMayGrowWhileTheRingsStandStill() throws {
    let logged = try running()
    try logged.frontEnd.setLog(logged.newLog())
    try logged.frontEnd.setLogging(true, logged.rings)
    for ring in 0..<4 { _ = try logged.frontEnd.getRingBase(UInt32(ring)) }
    let file = try makeMemoryFile(size: 1 << 20)
    let events = try logged.events {
      try logged.frontEnd.addMemory(Self.region(0x110_0000), file)
      try logged.frontEnd.addMemory(Self.region(0x120_0000), file)
    }
    #expect(
      events == [
        Self.log(true, size: 576), .added(Self.region(0x110_0000)), Self.log(true, size: 608),
        .added(Self.region(0x120_0000)),
      ])
    try logged.say(0, isLogged: true)
    try logged.kick(0)
    #expect(logged.running.isEmpty)
    try logged.frontEnd.setLog(DirtyPages(size: 608))
    #expect(logged.running == [0])
  }

  /// No stand-in has bits for so much; its rings are held until the log comes, however long.
  @Test func hugeMachinesAreHeld() throws {
    let logged = try running()
    let file = try makeMemoryFile(size: 1 << 20)
    try logged.frontEnd.addMemory(Self.region(1 << 50), file)
    try logged.frontEnd.setFeatures(Self.logging)
    #expect(logged.running.isEmpty && logged.session?.isHolding == false)
    logged.bench.transport.endHold()
    #expect(logged.running.isEmpty)
    try logged.frontEnd.setFeatures(Self.features)
    #expect(logged.running == [0, 1, 2, 3])
  }

  // MARK: - Elsewhere

  /// What is logged is logged where the session goes on, and what is held is held.
  @Test(arguments: [false, true]) func theLogGoesWithTheSession(isHeld: Bool) throws {
    let logged = try running()
    if !isHeld { try logged.frontEnd.setLog(logged.newLog()) }
    try logged.frontEnd.setLogging(true, logged.rings)
    #expect(logged.running == (isHeld ? [] : [0, 1, 2, 3]))
    let transport = logged.bench.transport
    transport.suspend()
    let (value, descriptors) = try #require(transport.session?.state)
    #expect(value.log?.size == Self.size && value.log?.isStandIn == isHeld && value.log?.isStale == false)
    let owner = RecordingOwner()
    owner.offersLog()
    transport.moveTo(owner, try Session(owner: owner, state: value, descriptors: descriptors))
    #expect(transport.failure == nil)
    #expect(owner.events.prefix(3) == [Self.log(true), .logging(true), .memory(logged.memory.regions)])
    #expect(transport.session?.startedRings == (isHeld ? [] : [0, 1, 2, 3]))
    #expect(transport.session?.isHolding == isHeld)
    try logged.frontEnd.setLog(logged.newLog())
    #expect(transport.session?.startedRings == [0, 1, 2, 3])
  }

  @Test func badLogsOfAStateAreRefused() throws {
    let logged = try running()
    try logged.frontEnd.setLog(logged.newLog())
    try logged.frontEnd.setLogging(true, logged.rings)
    logged.bench.transport.suspend()
    let (good, descriptors) = try #require(logged.session?.state)
    let changes: [(String, (inout SessionState) -> Void)] = [
      ("is empty or wraps", { $0.log?.size = 0 }),
      ("is empty or wraps", { $0.log?.offset = .max }),
      ("names descriptor 99", { $0.log?.descriptor = 99 }),
      ("log lies on an eventfd", { $0.log?.descriptor = $0.rings[0].kick ?? 0 }),
      ("flags 0x2 of ring 3", { $0.rings[3].queue.addresses?.flags = 2 }),
    ]
    for (reason, change) in changes {
      var bad = good
      change(&bad)
      let owner = RecordingOwner()
      owner.offersLog()
      do throws(StateError) {
        _ = try Session(owner: owner, state: bad, descriptors: descriptors)
        Issue.record("\(reason): was accepted")
      } catch {
        #expect(error.description.contains(reason), "\(error)")
      }
    }
  }
}

extension String {
  fileprivate var prefixed: String { "0x" + self }
}
