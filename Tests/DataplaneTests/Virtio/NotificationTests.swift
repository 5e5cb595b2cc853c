import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Calls as the driver wants them, kicks as the device does (VIRTIO 1.2 sections 2.7.7, 2.7.10 and 2.8.10).
@Suite(.everyRingFormat) struct NotificationTests {
  private let frame = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 60)

  /// Sends frames one burst each until `guest` has `count` more; no call is waited for.
  private func send(_ count: Int, _ sender: VirtualGuest) throws {
    for _ in 0..<count {
      try sender.send(frame)
      #expect(try sender.waitForTransmitted())
    }
  }

  private func isCalled(_ ring: any RingDriver) -> Bool {
    defer { ring.callEvent.drain() }
    return Deadline(milliseconds: 0).waitReadable([ring.callEvent.raw])
  }

  private func bench(
    _ first: UInt16 = 0, features: UInt64 = .max, _ body: (Bench, VirtualGuest, VirtualGuest) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.firstIndex = first
        $0.features = features
      }
      b.receiveRing().callEvent.drain()
      try await body(bench, a, b)
    }
  }

  @Test(arguments: [0, 5, 0x7FFE, 0xFFF0, 0xFFFD, 0xFFFE, 0xFFFF] as [UInt16])
  func anEventIndexCallsAtItsEntryOnly(first: UInt16) async throws {
    try await bench(first) { bench, a, b in
      let ring = b.receiveRing()
      ring.armCalls(after: 3)
      for expected in [false, false, true, false, false] {
        try send(1, a)
        #expect(isCalled(ring) == expected)
      }
      ring.armCalls(after: 7)
      try a.send(burst: [frame, frame, frame])
      #expect(try a.waitForTransmitted())
      #expect(isCalled(ring))
      let calls = try await bench.status("b").vhostUser?.queues[0].calls
      #expect(calls == 2)
      #expect(ring.usedCount == 8)
    }
  }

  /// The words of a split ring; a packed one has one word for both.
  @Test func anEventIndexIgnoresTheFlag() async throws {
    guard RingFormat.current == .split else { return }
    try await bench { _, a, b in
      b.receiveRing().split.availableFlags = 1
      b.receiveRing().split.usedEvent = 0
      try send(1, a)
      #expect(isCalled(b.receiveRing()))
    }
  }

  @Test func withoutEventIndexTheFlagDecides() async throws {
    try await bench(features: ~VirtioFeature.eventIndex) { bench, a, b in
      let ring = b.receiveRing()
      ring.armCalls(after: 1)
      try send(1, a)
      #expect(isCalled(ring))
      ring.disarmCalls()
      try send(5, a)
      #expect(!isCalled(ring))
      // The worker looks at the flag once more before it does anything else.
      _ = try await bench.status("b")
      ring.armCalls(after: 1)
      try send(1, a)
      #expect(isCalled(ring))
      #expect(try await bench.status("b").vhostUser?.queues[0].calls == 2)
    }
  }

  /// The flag is seen set while the entries are on their way to a driver that has just cleared it: it must be called
  /// by the next breath, whether there is work for anybody else or not.
  @Test(arguments: [false, true]) func aDriverThatFallsAsleepMeanwhileIsCalled(othersWork: Bool) throws {
    let bench = try DrivenBench()
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    let stations = (0..<3).map { FrameBuilder.station($0 + 1) }
    for index in 0..<3 {
      try bench.send(
        [FrameBuilder(to: stations[(index + 1) % 3], from: stations[index]).plain(size: 64)], from: index, at: 0)
    }
    let ring = bench.guests[1].receiveRing()
    ring.disarmCalls()
    ring.callEvent.drain()
    try bench.guests[0].send(burst: [FrameBuilder(to: stations[1], from: stations[0]).plain(size: 64)])
    #expect(bench.worker.breathe() == 1)
    #expect(!isCalled(ring))
    ring.armCalls(after: 1)
    if othersWork {
      try bench.guests[2].send(burst: [FrameBuilder(to: stations[0], from: stations[2]).plain(size: 64)])
    }
    #expect(bench.worker.breathe() == (othersWork ? 1 : 0))
    #expect(isCalled(ring))
  }

  /// One call at most for a burst, in both rings.
  @Test func aBurstCallsOnce() async throws {
    try await bench(features: ~VirtioFeature.eventIndex) { bench, a, b in
      a.transmitRing().armCalls(after: 1)
      b.receiveRing().armCalls(after: 1)
      let before = try await bench.status("a").vhostUser?.queues[1].calls
      // All of them become visible with one index: taken in one breath.
      try a.send(burst: Array(repeating: frame, count: 32))
      #expect(b.receiveRing().waitForUsed(32, until: Deadline(milliseconds: 10_000)))
      #expect(a.transmitRing().waitForUsed(32, until: Deadline(milliseconds: 10_000)))
      #expect(try await bench.status("b").vhostUser?.queues[0].calls == 1)
      #expect(try await bench.status("a").vhostUser?.queues[1].calls == (before ?? 0) + 1)
    }
  }

  @Test func aGuestWithoutACallDescriptorIsServed() async throws {
    try await bench { _, a, b in
      try b.say { try $0.setRingCall(0, nil) }
      b.receiveRing().callEvent.drain()
      b.receiveRing().armCalls(after: 1)
      try send(3, a)
      #expect(b.receiveRing().usedCount == 3)
      #expect(!isCalled(b.receiveRing()))
      // A call descriptor that comes later is signalled at once: what was used before must not be lost.
      try b.say { try $0.setRingCall(0, b.receiveRing().callEvent.descriptor) }
      #expect(isCalled(b.receiveRing()))
    }
  }

  @Test func aGuestWithoutAKickDescriptorIsPolled() async throws {
    try await bench { _, a, b in
      try a.say {
        _ = try $0.getRingBase(1)
        try $0.setRingAddress(a.transmitRing())
        try $0.setRingKick(1, nil)
      }
      for _ in 0..<20 {
        try a.add(frame)
        a.transmitRing().publish()
        #expect(try b.receive()?.frame == frame)
      }
    }
  }

  /// Frames that wait when the ring starts are taken without a kick ("Ring states", newest text).
  @Test func framesWaitingForTheStartAreTaken() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      try a.say {
        let base = try $0.getRingBase(1)
        try a.add(frame)
        a.transmitRing().publish()
        try $0.setRingBase(1, base)
        try $0.setRingAddress(a.transmitRing())
        try $0.setRingCall(1, a.transmitRing().callEvent.descriptor)
        try $0.setRingKick(1, a.transmitRing().kickEvent.descriptor)
      }
      #expect(try b.receive()?.frame == frame)
    }
  }

  /// A burst is often taken in parts.
  ///
  /// A call for entries that are not published yet would wake the driver for nothing,
  /// and none would follow when they are.
  @Test(arguments: PollPolicy.allCases, [~VirtioFeature.eventIndex, .max] as [UInt64])
  func noCallIsLost(poll: PollPolicy, features: UInt64) async throws {
    try await Bench.with(poll: poll) { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.features = features }
      for turn in 0..<400 {
        // One by one, so that the worker is in the middle of them when the driver begins to wait.
        for _ in 0..<30 { try a.send(frame) }
        try #require(try a.waitForTransmitted(), "turn \(turn)")
        for _ in 0..<30 { #expect(try b.receive()?.frame == frame, "turn \(turn)") }
      }
    }
  }

  /// No frame is left behind between a worker's last look and its sleep, however it waits.
  @Test(arguments: PollPolicy.allCases, [~VirtioFeature.eventIndex, .max] as [UInt64])
  func noKickIsLost(poll: PollPolicy, features: UInt64) async throws {
    try await Bench.with(poll: poll) { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.features = features }
      for turn in 0..<400 {
        try a.send(frame)
        let received = try #require(try b.receive(timeout: 900), "turn \(turn)")
        #expect(received.frame == frame)
        try b.send(frame)
        #expect(try a.receive(timeout: 900) != nil, "turn \(turn)")
      }
      #expect(await eventually { await bench.dataplane.workers().reduce(0) { $0 + $1.frames } == 800 })
      let workers = await bench.dataplane.workers()
      #expect(poll != .busy || workers.allSatisfy { $0.sleeps == 0 })
    }
  }
}
