import GuestKit
import LinuxHost
import Testing
import VhostUser

/// The orders in which real front-ends start and stop a device, with owners that answer at once or later.
@Suite struct OrderTests {
  private struct Setup {
    let bench: Bench
    let plan: StartPlan
  }

  private func setup(pairs: Int = 2, pending: Set<RecordingOwner.Kind> = [.stop]) throws -> Setup {
    let bench = try Bench { $0.pending = pending }
    let memory = try SharedMemory.likeQEMU(size: 4 << 20)
    let rings = try (0..<(2 * pairs)).map { try SplitDriver(memory: memory, index: $0, size: 256) }
    return Setup(bench: bench, plan: StartPlan(memory: memory, rings: rings))
  }

  private func start(_ order: VirtualGuest.Order, _ setup: Setup) throws {
    switch order {
    case .qemu: try setup.bench.frontEnd.startLikeQEMU(setup.plan)
    case .virtioUser: try setup.bench.frontEnd.startLikeVirtioUser(setup.plan)
    case .cloudHypervisor: try setup.bench.frontEnd.startLikeCloudHypervisor(setup.plan)
    case .crosvm: try setup.bench.frontEnd.startLikeCrosvm(setup.plan)
    }
  }

  @Test(arguments: VirtualGuest.Order.allCases, [Set([.stop]), Set(RecordingOwner.Kind.allCases)])
  func everyOrderStartsAllRings(order: VirtualGuest.Order, pending: Set<RecordingOwner.Kind>) throws {
    let setup = try setup(pending: pending)
    try start(order, setup)
    let session = try #require(setup.bench.session)
    for index in 0..<4 {
      let ring = try #require(session.ring(index))
      #expect(ring.isStarted && ring.hasKick && ring.hasCall && ring.size == 256)
      #expect(ring.isEnabled == (order != .virtioUser || index < 2))
    }
    #expect(session.features == RecordingOwner.features)
    #expect(session.refusalCount == 0)
    #expect(setup.bench.transport.output.isEmpty, "every reply was expected")
    let started = setup.bench.owner.events.filter { if case .started = $0 { true } else { false } }
    #expect(started.count == 4)
  }

  /// What the owner is asked does not depend on when it answers.
  @Test(arguments: VirtualGuest.Order.allCases)
  func lateAnswersLeadToTheSameRequests(order: VirtualGuest.Order) throws {
    let first = try setup()
    let second = try setup(pending: Set(RecordingOwner.Kind.allCases))
    try start(order, first)
    try start(order, second)
    let same = zip(first.bench.owner.events, second.bench.owner.events).allSatisfy { $0 == $1 }
    #expect(same && first.bench.owner.events.count == second.bench.owner.events.count)
  }

  @Test func virtioUserStopsRingsThatNeverRan() throws {
    let setup = try setup(pairs: 2)
    var plan = setup.plan
    plan.rings = Array(plan.rings.prefix(2))
    try setup.bench.frontEnd.startLikeVirtioUser(plan)
    plan.rings = setup.plan.rings
    #expect(try setup.bench.frontEnd.stopLikeVirtioUser(plan) == [4711, 4711, 0, 0])
    #expect(setup.bench.transport.failure == nil)
  }

  /// A guest's reboot: QEMU keeps the connection, sends no memory again, and error descriptors only once.
  @Test func qemuStopsAndStartsAgain() throws {
    let setup = try setup()
    try setup.bench.frontEnd.startLikeQEMU(setup.plan)
    for _ in 0..<3 {
      #expect(try setup.bench.frontEnd.stopLikeQEMU(setup.plan) == [4711, 4711, 4711, 4711])
      let session = try #require(setup.bench.session)
      #expect((0..<4).allSatisfy { session.ring($0)?.isStarted == false && session.ring($0)?.isEnabled == ($0 < 2) })
      setup.bench.owner.events = []
      var plan = setup.plan
      plan.keepsMemory = true
      try setup.bench.frontEnd.deviceStartLikeQEMU(plan)
      #expect(
        setup.bench.owner.events.contains(
          .started(3, size: 256, base: 0, kick: true, call: false, error: true, enabled: true)))
      #expect((0..<4).allSatisfy { session.ring($0)?.isStarted == true && session.ring($0)?.isEnabled == true })
    }
    #expect(setup.bench.session?.refusalCount == 0)
  }

  /// QEMU without CONFIGURE_MEM_SLOTS sends a whole table, again while rings run.
  @Test func qemuReplacesTheTableWhileRingsRun() throws {
    let setup = try setup()
    var plan = setup.plan
    plan.protocolFeatures &= ~ProtocolFeature.memorySlots
    try setup.bench.frontEnd.startLikeQEMU(plan)
    setup.bench.owner.events = []
    setup.bench.owner.pending = [.memory]
    setup.bench.frontEnd.asksForReply = true
    try setup.bench.frontEnd.setMemory(plan.memory)
    #expect(setup.bench.owner.events == [.memory(plan.memory.regions)])
    #expect((0..<4).allSatisfy { setup.bench.session?.ring($0)?.isStarted == true })
  }
}

/// Requests that the owner answers later.
@Suite struct PendingTests {
  @Test func nothingIsReadWhileAnAnswerIsPending() throws {
    let bench = try Bench(acknowledges: true) { $0.pending = [.mtu] }
    bench.transport.completesAtOnce = false
    try bench.frontEnd.send(20, payload: words64(1500), flags: 9)
    #expect(bench.session?.wantedSize == 0)
    #expect(bench.transport.output.isEmpty)
    try bench.frontEnd.send(1)
    #expect(bench.transport.output.isEmpty, "the next message waits")
    bench.owner.completion = nil
    bench.transport.complete(.done)
    #expect(try bench.frontEnd.readReply(20) == words64(0))
    #expect(try bench.frontEnd.readReply(1) == words64(RecordingOwner.features))
  }

  @Test func aLateRefusalIsANackOrTheEnd() throws {
    for flags: UInt32 in [1, 9] {
      let bench = try Bench(acknowledges: true) { $0.pending = [.mtu] }
      bench.transport.completesAtOnce = false
      try bench.frontEnd.send(20, payload: words64(1500), flags: flags)
      bench.owner.completion = nil
      bench.transport.complete(.refused("too late"))
      if flags == 9 {
        #expect(try bench.frontEnd.readReply(20) == words64(1))
        #expect(bench.session?.lastRefusal == "NET_SET_MTU: too late")
      } else {
        #expect(bench.transport.failure == .refused(request: 20, reason: "too late"))
      }
    }
  }

  @Test func anAnswerThatNobodyWaitsForEndsTheSession() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    #expect(throws: ProtocolError.outOfTurn("an answer arrived without a pending request")) {
      try session.complete(.done)
    }
  }

  @Test func aRingThatCannotBeStoppedEndsTheSession() throws {
    let bench = try Bench()
    let memory = try SharedMemory(size: 1 << 20)
    let driver = try SplitDriver(memory: memory, index: 0, size: 64)
    try bench.frontEnd.startLikeCrosvm(StartPlan(memory: memory, rings: [driver]))
    bench.owner.refused = [.stop]
    #expect(throws: GuestKitError.closed) { try bench.frontEnd.getRingBase(0) }
    #expect(bench.transport.failure == .refused(request: 11, reason: "the owner does not want to"))
  }
}
