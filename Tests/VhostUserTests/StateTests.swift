import Foundation
import GuestKit
import LinuxHost
import Testing

@testable import VhostUser

/// Sessions and queues as plain values: written, read, and gone on with.
@Suite struct StateTests {
  /// A state with an odd value in every field.
  private static var odd: SessionState {
    var state = SessionState()
    state.features = .max
    state.protocolFeatures = 1 << 63
    state.status = 255
    state.isOwned = true
    state.mtu = 65535
    state.regions = [
      .init(guestAddress: .max, size: 1, userAddress: 0, fileOffset: 1 << 53 + 1, descriptor: 0),
      .init(guestAddress: 0, size: .max, userAddress: 7, fileOffset: 0, descriptor: 1),
    ]
    state.log = .init(size: .max, offset: 1, descriptor: 6, isStandIn: true, isStale: true)
    state.hasWaitedForLog = true
    state.repeats = [.init(guestAddress: 1, size: 2, userAddress: .max - 1, count: 3)]
    var queue = QueueState()
    queue.format = .packed
    queue.size = 32767
    queue.position = .max
    queue.addresses = RingAddresses(flags: 1, descriptors: .max, used: 1 << 62, available: 3, log: 4)
    (queue.isEnabled, queue.isStarted, queue.isBroken) = (true, true, true)
    state.rings = [.init(queue: queue, kick: 2, call: nil, error: 3), .init(queue: QueueState())]
    state.inflight = .init(size: .max, fileOffset: 1 << 54 + 1, ringCount: 2, ringSize: 32768, descriptor: 6)
    state.channel = 4
    state.input = [1, 255]
    state.inputDescriptors = [5]
    return state
  }

  private static func copy<T: Codable>(_ value: T) throws -> T {
    try JSONDecoder().decode(T.self, from: JSONEncoder().encode(value))
  }

  private static func changed<T: Codable>(_ value: T, _ change: (inout [String: Any]) -> Void) throws -> Data {
    let any = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    var fields = try #require(any as? [String: Any])
    change(&fields)
    return try JSONSerialization.data(withJSONObject: fields)
  }

  @Test func valuesComeBackAsTheyWere() throws {
    #expect(try Self.copy(Self.odd) == Self.odd)
    #expect(try Self.copy(SessionState()) == SessionState())
    #expect(try Self.copy(Self.odd.rings[0].queue) == Self.odd.rings[0].queue)
    let text = try String(decoding: JSONEncoder().encode(QueueState()), as: UTF8.self)
    #expect(text.contains("\"version\":1") && text.contains("\"format\":\"split\""))
  }

  /// Said before anything else is looked at: a later form may lack what this one has.
  @Test func otherVersionsAreRefused() throws {
    let other = StateError.version(of: "session state", found: 1, expected: 2)
    #expect(other.description == "session state has version 1, this program reads version 2")
    for lacks in [[], ["features", "rings", "regions"]] {
      let data = try Self.changed(Self.odd) { fields in
        fields["version"] = 1
        for name in lacks { fields[name] = nil }
      }
      #expect(throws: other) { try JSONDecoder().decode(SessionState.self, from: data) }
    }
    let queue = try Self.changed(QueueState()) { $0 = ["version": 0] }
    #expect(throws: StateError.version(of: "queue state", found: 0, expected: 1)) {
      try JSONDecoder().decode(QueueState.self, from: queue)
    }
    let none = try Self.changed(QueueState()) { $0["version"] = nil }
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(QueueState.self, from: none) }
  }

  private struct Running {
    let bench: Bench
    let plan: StartPlan
    let channel: Descriptor
  }

  private func running(_ order: VirtualGuest.Order, pending: Set<RecordingOwner.Kind> = [.stop]) throws -> Running {
    let bench = try Bench { $0.pending = pending }
    let memory = try SharedMemory.likeQEMU(size: 4 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 256) }
    for ring in rings { ring.start(after: 0xFFF0) }
    let plan = StartPlan(memory: memory, rings: rings)
    switch order {
    case .qemu: try bench.frontEnd.startLikeQEMU(plan)
    case .virtioUser: try bench.frontEnd.startLikeVirtioUser(plan)
    case .cloudHypervisor: try bench.frontEnd.startLikeCloudHypervisor(plan)
    case .crosvm: try bench.frontEnd.startLikeCrosvm(plan)
    }
    try bench.frontEnd.setMTU(1400)
    let channel = try UnixSocket.pair().1
    try bench.frontEnd.setBackendChannel(channel)
    return Running(bench: bench, plan: plan, channel: channel)
  }

  private func duplicates(_ descriptors: [Descriptor]) throws -> [Descriptor] {
    try descriptors.map { try $0.duplicate() }
  }

  /// Another owner is asked for the same memory and rings, each where it stopped; then the front-end goes on.
  @Test(arguments: VirtualGuest.Order.allCases, [Set([.stop]), Set(RecordingOwner.Kind.allCases)])
  func aSessionGoesOnElsewhere(order: VirtualGuest.Order, pending: Set<RecordingOwner.Kind>) throws {
    let running = try running(order, pending: pending)
    let (transport, frontEnd) = (running.bench.transport, running.bench.frontEnd)
    let before = try #require(transport.session)
    let snapshots = (0..<4).map { before.ring($0) }
    transport.suspend()
    #expect(before.isSuspended && transport.failure == nil && transport.output.isEmpty)
    #expect(running.bench.owner.events.suffix(4) == [.stopped(1), .stopped(3), .stopped(0), .stopped(2)])
    let (value, descriptors) = try #require(before.state)
    let owner = RecordingOwner()
    owner.pending = pending
    let after = try Session(owner: owner, state: Self.copy(value), descriptors: duplicates(descriptors))
    transport.moveTo(owner, after)
    #expect(transport.failure == nil && after.refusalCount == 0 && transport.output.isEmpty)
    #expect(after.features == before.features && after.protocolFeatures == before.protocolFeatures)
    #expect(after.status == before.status)

    #expect(owner.events.first == .memory(running.plan.memory.regions))
    let started = owner.events.compactMap { event -> RecordingOwner.Event? in
      if case .started = event { event } else { nil }
    }
    #expect(
      started
        == snapshots.enumerated().map { index, ring in
          .started(
            index, size: 256, base: 4711, kick: true, call: true, error: ring?.hasError == true,
            enabled: ring?.isEnabled == true)
        })
    #expect(owner.events.contains(.mtu(1400)))
    for index in 0..<4 {
      var expected = try #require(snapshots[index])
      expected.base = 4711
      #expect(after.ring(index) == expected)
    }
    // Nothing of the first session is needed any more, and the second one is like any other.
    owner.events = []
    try frontEnd.setRingEnable(1, false)
    owner.base = 5000
    #expect(try frontEnd.getRingBase(1) == 5000)
    #expect(owner.events == [.enabled(1, false), .stopped(1)])
    #expect(try frontEnd.getFeatures() == RecordingOwner.features)
    #expect(after.refusalCount == 0)
  }

  /// A state taken out and put in again is the same, and keeps no descriptor.
  @Test func statesAreStableAndOwnTheirDescriptors() throws {
    let running = try running(.qemu)
    let transport = running.bench.transport
    var values: [SessionState] = []
    for _ in 0..<5 {
      transport.suspend()
      let (value, descriptors) = try #require(transport.session?.state)
      values.append(value)
      let owner = RecordingOwner()
      transport.moveTo(
        owner, try Session(owner: owner, state: Self.copy(value), descriptors: duplicates(descriptors)))
      owner.lastStart = nil
    }
    #expect(values.allSatisfy { $0 == values[0] })
    #expect(values[0].rings.allSatisfy { $0.queue.isStarted && $0.queue.position == 4711 })
    #expect(values[0].mtu == 1400 && values[0].channel != nil)
    transport.close()
    running.bench.owner.lastStart = nil
    for ring in running.plan.rings {
      #expect(openCopies(of: ring.kickEvent.descriptor) == 1 && openCopies(of: ring.callEvent.descriptor) == 1)
    }
    #expect(openCopies(of: running.plan.memory.descriptors[0]) == 1)
    #expect(openCopies(of: running.channel) == 1)
  }

  /// The front-end is cut off in the middle of a message, at every byte, and hears nothing of it.
  @Test func theMiddleOfAMessageIsNotLost() throws {
    let event = try EventDescriptor().descriptor
    let bytes = MessageHeader(request: Request.setRingCall.rawValue, flags: 9, size: 8).bytes + words64(1)
    for cut in 0..<bytes.count {
      let running = try running(.qemu)
      let transport = running.bench.transport
      if cut > 0 { try transport.send(Array(bytes.prefix(cut)), descriptors: [event]) }
      transport.suspend()
      let (value, descriptors) = try #require(transport.session?.state)
      #expect(value.input == Array(bytes.prefix(cut)) && value.inputDescriptors.count == (cut > 0 ? 1 : 0))
      // Sent while nobody reads.
      try transport.send(Array(bytes.dropFirst(cut)), descriptors: cut > 0 ? [] : [event])
      let owner = RecordingOwner()
      transport.moveTo(owner, try Session(owner: owner, state: Self.copy(value), descriptors: duplicates(descriptors)))
      #expect(try running.bench.frontEnd.readReply(Request.setRingCall.rawValue) == words64(0), "cut at \(cut)")
      #expect(owner.events.last == .call(1, true))
    }
    #expect(openCopies(of: event) == 1)
  }

  @Test func ringsThatWaitOrStoppedOrBrokeAreTakenAsTheyAre() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory(size: 1 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 64) }
    for ring in rings.prefix(3) {
      try bench.frontEnd.setRingSize(UInt32(ring.index), 64)
      try bench.frontEnd.setRingAddress(ring)
      try bench.frontEnd.setRingKick(UInt32(ring.index), ring.kickEvent.descriptor)
    }
    #expect(bench.session?.hasWaitingRing == true)
    let transport = bench.transport
    func move() throws -> (Session, RecordingOwner) {
      transport.suspend()
      let (value, descriptors) = try #require(transport.session?.state)
      let owner = RecordingOwner()
      let session = try Session(owner: owner, state: Self.copy(value), descriptors: duplicates(descriptors))
      transport.moveTo(owner, session)
      return (session, owner)
    }
    var (session, owner) = try move()
    #expect(owner.events.isEmpty && session.ring(0)?.isWaiting == true && session.ring(3)?.isWaiting == false)
    try bench.frontEnd.setMemory(memory)
    #expect(session.startedRings == [0, 1, 2])
    _ = try bench.frontEnd.getRingBase(2)
    session.noteBroken(1)
    session.noteBroken(2)
    #expect(session.hasBrokenRing && session.ring(2)?.isBroken == false, "a ring that does not run cannot break")
    (session, owner) = try move()
    #expect(session.startedRings == [0] && session.hasBrokenRing)
    #expect(owner.events.count == 2, "memory, and ring 0")
    // Its front-end, which knows nothing of it, asks for the base of the broken ring and starts it again.
    #expect(try bench.frontEnd.getRingBase(1) == 4711)
    #expect(!session.hasBrokenRing)
    try bench.frontEnd.setRingAddress(rings[1])
    try bench.frontEnd.setRingKick(1, rings[1].kickEvent.descriptor)
    #expect(session.startedRings == [0, 1])
  }

  @Test func onlyASessionAtRestIsTakenOut() throws {
    let bench = try Bench(acknowledges: true) { $0.pending = Set(RecordingOwner.Kind.allCases) }
    bench.transport.completesAtOnce = false
    let session = try #require(bench.session)
    try bench.frontEnd.send(Request.setMTU.rawValue, payload: words64(1400))
    #expect(session.isPending && session.state == nil)
    #expect(throws: ProtocolError.self) { try session.suspend() }
    bench.transport.complete(.done)
    bench.transport.suspend()
    #expect(session.isSuspended && session.wantedSize == 0)
    #expect(throws: ProtocolError.self) { try session.suspend() }
    #expect(throws: ProtocolError.self) { try session.receive([1]) }
    #expect(throws: ProtocolError.self) { try Session(owner: bench.owner).takeUp() }
  }

  /// An owner that cannot map the memory, or not start a ring.
  @Test func anOwnerThatRefusesIsToldOf() throws {
    for kind in [RecordingOwner.Kind.memory, .start, .mtu] {
      let running = try running(.qemu)
      let transport = running.bench.transport
      transport.suspend()
      let (value, descriptors) = try #require(transport.session?.state)
      let owner = RecordingOwner()
      owner.refused = [kind]
      let session = try Session(owner: owner, state: value, descriptors: duplicates(descriptors))
      transport.moveTo(owner, session)
      if kind == .start {
        #expect(transport.failure == nil && session.hasWaitingRing)
        #expect(session.lastRefusal == "session that is taken up: the owner does not want to")
      } else {
        #expect(transport.failure == .notTakenUp("the owner does not want to"))
        #expect(session.wantedSize == 0)
      }
    }
  }

  @Test func badStatesAreRefusedAndKeepNothing() throws {
    let running = try running(.qemu)
    running.bench.transport.suspend()
    let (good, descriptors) = try #require(running.bench.session?.state)
    let changes: [(String, (inout SessionState) -> Void)] = [
      ("acknowledges bit 45", { $0.features |= 1 << 45 }),
      ("acknowledges bit 40", { $0.protocolFeatures |= 1 << 40 }),
      ("2 rings, and the device has 4", { $0.rings.removeLast(2) }),
      ("MTU 9001, expected 68 to 9000", { $0.mtu = 9001 }),
      ("MTU -1", { $0.mtu = -1 }),
      ("ring 1 is packed, and the features acknowledged say split", { $0.rings[1].queue.format = .packed }),
      ("ring 2 has 100 entries", { $0.rings[2].queue.size = 100 }),
      ("ring 2 has -4 entries", { $0.rings[2].queue.size = -4 }),
      ("ring 2 has \(Int.min) entries", { $0.rings[2].queue.size = .min }),
      ("position 65536 of ring 0", { $0.rings[0].queue.position = 65536 }),
      ("ring 3 is started", { $0.rings[3].queue.addresses = nil }),
      ("ring 3 is started", { $0.rings[3].queue.size = 0 }),
      ("names descriptor -1", { $0.rings[0].kick = -1 }),
      ("names descriptor \(Int.max)", { $0.regions[0].descriptor = .max }),
      ("names descriptor", { $0.inputDescriptors = [99] }),
      ("expected an eventfd", { $0.rings[0].call = $0.regions[0].descriptor }),
      ("expected a file on", { $0.regions[0].descriptor = $0.rings[0].kick ?? 0 }),
      ("expected a socket", { $0.channel = $0.rings[0].kick }),
      ("is empty", { $0.regions[0].size = 0 }),
      ("wraps 64 bits", { $0.regions[0].guestAddress = .max }),
      ("overlaps", { $0.regions.append($0.regions[0]) }),
      (
        "600 memory regions",
        { state in state.regions = (0..<600).map { _ in state.regions[0] } }
      ),
    ]
    for (reason, change) in changes {
      var bad = good
      change(&bad)
      let owner = RecordingOwner()
      do throws(StateError) {
        let copies = descriptors.compactMap { try? $0.duplicate() }
        _ = try Session(owner: owner, state: bad, descriptors: copies)
        Issue.record("\(reason): was accepted")
      } catch {
        #expect(error.description.hasPrefix("session state: ") && error.description.contains(reason), "\(error)")
      }
    }
    let kick = running.plan.rings[0].kickEvent.descriptor
    running.bench.owner.lastStart = nil
    #expect(openCopies(of: kick) == 2, "the driver's, and that of the session which was taken out")
    // More input than the beginning of a message.
    var eager = good
    eager.input = MessageHeader(request: Request.getFeatures.rawValue, flags: 1, size: 0).bytes + [1, 2, 3]
    let owner = RecordingOwner()
    let session = try Session(owner: owner, state: eager, descriptors: descriptors)
    try session.takeUp()
    #expect(session.wantedSize == 9, "a whole message in it is as good as one that comes")
    eager.input = [UInt8](repeating: 0xFF, count: 12)
    let other = try Session(owner: owner, state: eager, descriptors: descriptors)
    #expect(throws: ProtocolError.version(3)) { try other.takeUp() }
  }
}
