import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// What a port offers, as front-ends see it.
@Suite struct PortOfferTests {
  /// MTU field of `struct virtio_net_config` (VIRTIO 1.2 section 5.1.4).
  private static func configuredMTU(_ frontEnd: FrontEnd) throws -> Int {
    let bytes = try #require(try frontEnd.getConfiguration(offset: 10, size: 2))
    return Int(bytes[0]) | Int(bytes[1]) << 8
  }

  /// A guest that takes VIRTIO_NET_F_MTU up is bound to the number; so without one nothing is offered.
  @Test func theMTUIsOfferedIfItWasSaid() async throws {
    try await Bench.with { bench in
      let silent = try FrontEnd(path: try await bench.addPort("a", .wire))
      #expect(try silent.getFeatures() & VirtioFeature.mtu == 0)
      #expect(try Self.configuredMTU(silent) == 1500)
      for mtu in [68, 1500, 9000, 65_521] {
        let frontEnd = try FrontEnd(path: try await bench.addPort("p\(mtu)", .wire, mtu: mtu))
        #expect(try frontEnd.getFeatures() & VirtioFeature.mtu != 0)
        #expect(try Self.configuredMTU(frontEnd) == mtu)
        try frontEnd.setProtocolFeatures(ProtocolFeature.replyAcknowledge)
        try frontEnd.setMTU(UInt64(mtu))
        #expect(throws: GuestKitError.self) { try frontEnd.setMTU(UInt64(mtu) + 1) }
      }
    }
  }

  /// Another MTU is offered to the front-ends that come from then on; what a front-end has lowered stays lower.
  @Test func theMTUChangesAtRunTime() async throws {
    try await Bench.with { bench in
      let path = try await bench.addPort("a", .wire, mtu: 9000)
      let plane = bench.dataplane
      do {
        let frontEnd = try FrontEnd(path: path)
        _ = try frontEnd.getFeatures()
        try frontEnd.setProtocolFeatures(ProtocolFeature.replyAcknowledge)
        try frontEnd.setMTU(1400)
        try await plane.setMTU(port: "a", 2000)
        #expect(try await bench.status("a").mtu == 1400)
        try await plane.setMTU(port: "a", 1300)
        #expect(try await bench.status("a").mtu == 1300)
      }
      try await eventually("the front-end has gone") {
        try await bench.status("a").vhostUser?.isConnected == false
      }
      let next = try FrontEnd(path: path)
      #expect(try next.getFeatures() & VirtioFeature.mtu != 0)
      #expect(try Self.configuredMTU(next) == 1300)
      try await plane.setMTU(port: "a", nil)
      #expect(try await bench.status("a").mtu == 65_521)
      for mtu in [67, 65_522] {
        await #expect(throws: DataplaneError.self) { try await plane.setMTU(port: "a", mtu) }
      }
      await #expect(throws: DataplaneError.unknownPort("b")) { try await plane.setMTU(port: "b", 1500) }
    }
  }

  /// Checksums and large frames go by `offload` alone; nothing else does.
  @Test func offloadsAreOfferedAsTheUserSays() async throws {
    try await Bench.with { bench in
      var rest: Set<UInt64> = []
      for (level, expected) in [
        (OffloadLevel.on, VirtioFeature.offloads),
        (.checksum, VirtioFeature.checksum | VirtioFeature.guestChecksum), (.off, 0),
      ] {
        let frontEnd = try FrontEnd(path: try await bench.addPort("\(level)", .wire, offload: level))
        let features = try frontEnd.getFeatures()
        #expect(features & VirtioFeature.offloads == expected, "\(level)")
        rest.insert(features & ~VirtioFeature.offloads)
      }
      #expect(rest.count == 1)
      #expect(
        featureNames(VirtioFeature.offloads) == [
          "CSUM", "GUEST_CSUM", "GUEST_TSO4", "GUEST_TSO6", "GUEST_ECN", "HOST_TSO4", "HOST_TSO6", "HOST_ECN",
          "GUEST_USO4", "GUEST_USO6", "HOST_USO",
        ])
    }
  }

  @Test func largeFramesPassWhereNothingWasSaid() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      let frame = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 9014)
      try a.send(frame)
      #expect(try b.receive()?.frame == frame)
      // QEMU's `host_mtu=` says it by this message, offered or not.
      try b.say { try $0.setMTU(9001) }
      #expect(try await bench.status("b").mtu == 9001)
    }
  }

  /// Both formats are offered to everybody; `port show` tells which was taken, and a restart may take the other.
  @Test func bothRingFormatsAreOffered() async throws {
    try await Bench.with { bench in
      for (name, format) in [("a", RingFormat.split), ("b", .packed)] {
        try await bench.addGuest(name, .wire) { $0.format = format }
        let guest = try bench.guest(name)
        #expect(guest.features & VirtioFeature.packedRing == (format == .packed ? VirtioFeature.packedRing : 0))
        let status = try #require(try await bench.status(name).vhostUser)
        #expect(status.queues.map(\.ring) == ["\(format)", "\(format)"])
        #expect(status.features.contains("RING_PACKED") == (format == .packed))
      }
      try await bench.dataplane.connectWire("a", "b")
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      let frame = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 200)
      for _ in 0..<100 {
        for (from, to) in [(a, b), (b, a)] {
          try from.send(frame)
          #expect(try to.receive()?.frame == frame)
        }
      }
      // Two laps have the numbers of a packed ring; what the driver has given less what was used is the device's.
      let queues = try #require(try await bench.status("b").vhostUser?.queues)
      #expect(queues.map(\.usedIndex) == [100, 100])
      #expect(queues.map(\.availableIndex) == [(100 + 64) % 128, 100])
    }
  }

  @Test(arguments: [(VirtualGuest.Order.qemu, false, 2), (.cloudHypervisor, false, 4), (.crosvm, true, 4)])
  func queuesAreCountedAsTheFrontEndDoes(order: VirtualGuest.Order, countsRings: Bool, count: UInt64) async throws {
    try await Bench.with { bench in
      let path = try await bench.addPort("a", .wire, pairs: 2, countsRings: countsRings)
      var options = VirtualGuest.Options()
      options.order = order
      options.pairs = 2
      let guest = try VirtualGuest(options)
      try guest.connect(path: path)
      #expect(guest.frontEnd?.queueCount == count)
      #expect(try await eventually { try await bench.status("a").hasEnd })
      #expect(try await bench.status("a").vhostUser?.refusals == 0)
    }
  }
}
