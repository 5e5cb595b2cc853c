import Dataplane
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Several ring pairs, rings that are off, order of completion.
@Suite(.everyRingFormat) struct QueueTests {
  private func frame(_ seed: Int) -> [UInt8] {
    GuestKit.frame(1, to: 2, size: 80, seed: seed)
  }

  @Test(arguments: [2, 4, 16], VirtualGuest.Order.allCases)
  func allPairsAreTakenAndServed(pairs: Int, order: VirtualGuest.Order) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.pairs = pairs
        $0.order = order
      }
      // virtio-user enables pair 0 alone; the guest's driver asks for more.
      if order == .virtioUser {
        try a.say { for ring in 2..<(2 * pairs) { try $0.setRingEnable(UInt32(ring), true) } }
      }
      for turn in 0..<3 {
        for pair in 0..<pairs {
          try a.send(frame(10 * turn + pair), pair: pair)
          #expect(try b.receiveAny()?.frame.frame == frame(10 * turn + pair))
          #expect(try a.waitForTransmitted(pair: pair))
        }
      }
      let status = try await bench.status("a")
      #expect(status.queues == pairs)
      #expect(status.vhostUser?.queues.count == 2 * pairs)
      #expect(status.receivePackets == UInt64(3 * pairs))
    }
  }

  @Test func framesOfARingThatIsOffAreDiscarded() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.pairs = 2 }
      try a.say { try $0.setRingEnable(3, false) }
      for seed in 0..<5 { try a.send(frame(seed), pair: 1) }
      #expect(try a.waitForTransmitted(pair: 1))
      #expect(try b.receiveAny(timeout: 0) == nil)
      #expect(try await bench.status("a").receivePackets == 0)
      #expect(try await bench.status("a").vhostUser?.queues.map(\.isEnabled) == [true, true, true, false])
      try a.say { try $0.setRingEnable(3, true) }
      try a.send(frame(9), pair: 1)
      #expect(try b.receiveAny()?.frame.frame == frame(9))
    }
  }

  @Test func aRingThatIsOffGetsNothing() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      try b.say { try $0.setRingEnable(0, false) }
      try a.send(frame(1))
      #expect(try a.waitForTransmitted())
      #expect(b.receiveRing().usedCount == 0)
      #expect(try await bench.status("b").dropsOut == ["carrier-down": 1])
      #expect(try await bench.status("b").carrier == false)
      try b.say { try $0.setRingEnable(0, true) }
      #expect(try await bench.status("b").carrier)
      try a.send(frame(2))
      #expect(try b.receive()?.frame == frame(2))
    }
  }

  @Test(arguments: [true, false])
  func chainsAreUsedInTheOrderTheyWereMadeAvailable(isMerging: Bool) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        if !isMerging { $0.features = ~VirtioFeature.mergeableBuffers }
        $0.receiveLayout = isMerging ? [256] : [1024]
        $0.receiveCount = 0
      }
      // Chains get their identities in a scrambled order.
      let ids = (0..<16).map { UInt16(($0 * 5) % 16) }
      for id in ids {
        let buffer = b.memory.allocate(1024)
        b.receiveRing().offer(
          [
            RawDescriptor(slot: Int(id), address: buffer, length: isMerging ? 256 : 1024, flags: RawDescriptor.write)
          ], id: id)
      }
      b.receiveRing().publish()
      let ring = a.transmitRing()
      let buffer = a.memory.allocate(1024)
      a.memory.write(
        NetworkHeader().bytes + FrameBuilder(to: [2, 2, 2, 2, 2, 2], from: [2, 2, 2, 2, 2, 4]).plain(size: 700),
        at: buffer)
      for id in ids.prefix(5) {
        ring.offer([RawDescriptor(slot: Int(id), address: buffer, length: 712)], id: id)
      }
      ring.publish()
      ring.kick()
      #expect(ring.waitForUsed(5, until: Deadline(milliseconds: 10_000)))
      #expect(ring.peekUsed(5) == ids.prefix(5).map { UsedEntry(id: UInt32($0), length: 0) })
      let lengths: [UInt32] = isMerging ? [256, 256, 200] : [712]
      let count = 5 * lengths.count
      let expected = (0..<count).map { UsedEntry(id: UInt32(ids[$0]), length: lengths[$0 % lengths.count]) }
      #expect(b.receiveRing().usedCount == count)
      #expect(b.receiveRing().peekUsed(count) == expected)
    }
  }

  @Test(arguments: VirtualGuest.Order.allCases)
  func everyFrontEndsOrderCarriesTraffic(order: VirtualGuest.Order) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) { $0.order = order } }
      try bench.expect(frame(1), from: "a", reaches: ["b": frame(1)])
      try bench.expect(frame(1), from: "b", reaches: ["a": frame(1)])
      let status = try await bench.status("a")
      #expect(status.carrier)
      #expect(status.vhostUser?.isConnected == true)
      #expect(status.vhostUser?.features.contains("VERSION_1") == true)
      #expect(status.vhostUser?.memoryRegions.map(\.size) == [16 << 20])
    }
  }

  @Test func aGuestThatRebootsGoesOn() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      for turn in 0..<20 {
        try a.send(frame(turn))
        #expect(try b.receive()?.frame == frame(turn))
        try b.send(frame(turn))
        #expect(try a.receive()?.frame == frame(turn))
        try a.reboot()
      }
      #expect(try await bench.status("a").error == nil)
    }
  }

  @Test func aRingGoesOnWhereItStopped() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.firstIndex = 0xFFFC }
      for turn in 0..<12 {
        try a.send(frame(turn))
        #expect(try b.receive()?.frame == frame(turn))
        let base = try #require(try a.frontEnd?.getRingBase(1))
        #expect(base == a.transmitRing().base)
        #expect(base != a.transmitRing().startBase)
        try a.say {
          try $0.setRingBase(1, base)
          try $0.setRingAddress(a.transmitRing())
          try $0.setRingCall(1, a.transmitRing().callEvent.descriptor)
          try $0.setRingKick(1, a.transmitRing().kickEvent.descriptor)
        }
      }
      #expect(try a.waitForTransmitted())
    }
  }
}
