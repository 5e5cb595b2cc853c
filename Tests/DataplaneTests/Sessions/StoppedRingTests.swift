import Dataplane
import Foundation
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VhostUser

/// Rings that their front-end stops in the middle of everything, and goes on with: as QEMU does when a machine moves.
@Suite(.everyRingFormat) struct StoppedRingTests {
  /// A guest that sends numbered frames on a thread of its own, as fast as its ring takes them, until it is told to end.
  private final class Flood: @unchecked Sendable {
    private let guest: VirtualGuest
    private let isEnding = Flag()
    private let sent = Atomic<Int>(0)
    private var thread: HostThread?

    init(_ guest: VirtualGuest, to receiver: Int) throws {
      self.guest = guest
      thread = try HostThread.start(name: "flood", cpu: nil) { [self] in
        var number = 0
        while !isEnding.isSet {
          guard
            (try? self.guest.send(burst: (0..<20).map { StoppedRingTests.numbered(number + $0, to: receiver) })) != nil
          else { return }
          number += 20
          sent.store(number, ordering: .releasing)
        }
      }
    }

    var count: Int { sent.load(ordering: .acquiring) }

    func end() {
      isEnding.set()
      thread?.join()
    }
  }

  private static func numbered(_ number: Int, to receiver: Int) -> [UInt8] {
    let digits = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    return FrameBuilder.station(receiver) + FrameBuilder.station(9) + [0x88, 0xB5] + digits
      + [UInt8](repeating: 7, count: 38)
  }

  private static func number(_ frame: [UInt8]) -> Int? {
    guard frame.count == 60, frame[13] == 0xB5, frame[30] == 7 else { return nil }
    return (0..<8).reduce(0) { $0 | Int(frame[14 + $1]) << (8 * $1) }
  }

  /// All of a guest's memory; compared as it is, since an array would be compared byte by byte.
  private static func contents(_ memory: SharedMemory) -> Data {
    memory.regions.reduce(into: Data()) { $0 += memory.bytes($1.guestAddress, count: Int($1.size)) }
  }

  private func goOn(_ guest: VirtualGuest, ring: UInt32, at base: UInt32) throws {
    let driver = guest.rings[Int(ring)]
    try guest.say {
      try $0.setRingBase(ring, base)
      try $0.setRingAddress(driver)
      try $0.setRingKick(ring, driver.kickEvent.descriptor)
      try $0.setRingCall(ring, driver.callEvent.descriptor)
    }
  }

  private func small(_ options: inout VirtualGuest.Options) {
    options.memorySize = 1 << 20
    options.transmitSize = 2048
    options.ringSize = 64
    options.firstIndex = 0xFF00
  }

  /// The answer is where the ring stands, and from then on nothing is written to the guest's memory.
  ///
  /// Frames go on coming, kicks too. What lay in the ring is neither lost nor taken twice.
  @Test(arguments: [1, 3]) func aReceiveRingIsStillOnceItHasAnswered(workers: Int) async throws {
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      let b = try await bench.addGuest("b", .access(vlan: 1), small)
      let senders = [
        try await bench.addGuest("s", .access(vlan: 1), small), try await bench.addGuest("t", .access(vlan: 1), small),
      ]
      try bench.exchange(frame(2, to: 99), from: "b")
      let floods = try senders.map { try Flood($0, to: 2) }
      defer { for flood in floods { flood.end() } }
      var seen = 0
      for round in 0..<24 {
        for _ in 0..<(2 * round) { if try b.receive() != nil { seen += 1 } }
        // A ring that runs is told whether to kick.
        let other = try #require(try b.frontEnd?.getRingBase(1))
        let base = try #require(try b.frontEnd?.getRingBase(0))
        let after = Self.contents(b.memory)
        let counts = floods.map(\.count)
        #expect(await eventually { zip(floods, counts).allSatisfy { $0.count > $1 + 40 } }, "frames go on")
        for ring in b.rings { ring.kick() }
        try b.frontEnd?.barrier()
        let isStill = Self.contents(b.memory) == after
        #expect(isStill, "round \(round): memory was written after the answer")
        if b.options.format == .split {
          #expect(base == UInt32(b.receiveRing().split.usedIndex), "nothing was in flight")
        } else {
          #expect(base & 0xFFFF == base >> 16, "nothing was in flight")
        }
        try goOn(b, ring: 0, at: base)
        try goOn(b, ring: 1, at: other)
      }
      #expect(seen > 300)
      for flood in floods { flood.end() }
      // Its own driver found nothing amiss, and all buffers are there still.
      _ = try b.receiveAll()
      // It was forgotten while its ring was stopped, and frames for it were flooded.
      try b.send(frame(2, to: 99))
      _ = try bench.collect(after: b)
      for seed in 0..<130 {
        try bench.expect(frame(8, to: 2, seed: seed), from: "s", reaches: ["b": frame(8, to: 2, seed: seed)])
      }
      #expect(try await bench.status("b").error == nil)
    }
  }

  /// The same of a transmit ring: each frame comes once and in order, whatever the moment.
  @Test(arguments: [1, 3]) func aTransmitRingLosesNothingByBeingStopped(workers: Int) async throws {
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      let a = try await bench.addGuest("a", .access(vlan: 1), small)
      let b = try await bench.addGuest("b", .access(vlan: 1)) { $0.ringSize = 256 }
      try bench.exchange(frame(2, to: 99), from: "b")
      var (sent, received) = (0, 0)
      func drain() throws {
        while let got = try b.receive(timeout: 0) {
          #expect(Self.number(got.frame) == received)
          received += 1
        }
      }
      for round in 0..<60 {
        // Not waited for: the worker is at it, or about to be.
        try a.send(burst: (0..<(1 + round % 40)).map { Self.numbered(sent + $0, to: 2) })
        sent += 1 + round % 40
        for _ in 0..<(round % 7) { HostClock.pause(microseconds: 5) }
        let base = try #require(try a.frontEnd?.getRingBase(1))
        let other = try #require(try a.frontEnd?.getRingBase(0))
        let after = Self.contents(a.memory)
        a.transmitRing().kick()
        try a.frontEnd?.barrier()
        let isStill = Self.contents(a.memory) == after
        #expect(isStill, "round \(round): memory was written after the answer")
        try goOn(a, ring: 0, at: other)
        try goOn(a, ring: 1, at: base)
        try drain()
      }
      #expect(try a.waitForTransmitted())
      try drain()
      #expect(received == sent)
      #expect(try await bench.status("a").error == nil)
    }
  }

  /// A switch-over that failed: the source goes on where it stopped, with memory that it tells again, or never again.
  @Test(arguments: [true, false], [1, 2]) func aSwitchOverThatFailedGoesOn(tellsMemory: Bool, pairs: Int) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let a = try await bench.addGuest("a", .access(vlan: 1)) {
        $0.pairs = pairs
        if tellsMemory { $0.protocolFeatures &= ~ProtocolFeature.memorySlots }
        $0.firstIndex = 0xFFF0
        $0.ringSize = 64
        $0.memorySize = 2 << 20
        $0.transmitSize = 2048
      }
      let b = try await bench.addGuest("b", .access(vlan: 1))
      try bench.exchange(frame(1, to: 99), from: "a")
      for round in 0..<8 {
        let frames = (0..<5).map { frame(2, to: 1, seed: round * 10 + $0) }
        try b.send(burst: frames)
        #expect(try b.waitForTransmitted())
        var plan = a.plan
        let bases = try #require(try a.frontEnd?.pauseLikeQEMU(plan))
        let after = Self.contents(a.memory)
        // For a while nobody is there.
        let late = frame(1, to: 2, seed: 100 + round)
        try b.send(frame(2, to: 1))
        #expect(try b.waitForTransmitted())
        let isStill = Self.contents(a.memory) == after
        #expect(isStill)
        try a.send(late)
        plan.bases = bases
        plan.keepsMemory = !tellsMemory
        try a.frontEnd?.deviceStartLikeQEMU(plan)
        #expect(try b.receive()?.frame == late)
        var got: [[UInt8]] = []
        while got.count < frames.count, let (_, received) = try a.receiveAny() { got.append(received.frame) }
        #expect(got == frames, "what came before the stop")
        #expect(try await bench.status("a").carrier)
        let answer = frame(2, to: 1, seed: round)
        try b.send(answer)
        #expect(try a.receiveAny()?.frame.frame == answer)
      }
      #expect(try await bench.status("a").vhostUser?.refusals == 0)
      #expect(try await bench.status("a").error == nil)
    }
  }

  /// A position that the driver has not come to is told at once, and that ring alone stops.
  ///
  /// A packed ring tells by itself where it stands.
  @Test(arguments: [0, 1] as [UInt32]) func aPositionBeyondTheDriversIsAFault(ring: UInt32) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let a = try bench.guest("a")
      try bench.exchange(frame(1, to: 2), from: "a")
      let driver = a.rings[Int(ring)]
      _ = try a.frontEnd?.getRingBase(ring)
      guard driver.format == .split else {
        try goOn(a, ring: ring, at: driver.base ^ 0x0002_0002)
        try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
        try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
        return
      }
      try goOn(a, ring: ring, at: driver.base + 2)
      let words = "started at position \(driver.base + 2), but the driver has come to \(driver.base)"
      #expect(try await bench.fault("a").hasPrefix("ring \(ring): \(words)"))
      let queues = try #require(try await bench.status("a").vhostUser).queues
      #expect(queues.first { $0.index == Int(ring) }?.stopped?.contains("started at position") == true)
      #expect(try await bench.status("a").carrier == false)
      #expect(try await bench.status("a").vhostUser?.faults == 1)
      // Started where it is, it goes on.
      _ = try a.frontEnd?.getRingBase(ring)
      try goOn(a, ring: ring, at: ring == 0 ? driver.base - 64 : driver.base)
      try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
    }
  }
}
