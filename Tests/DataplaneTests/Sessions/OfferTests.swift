import Dataplane
import GuestKit
import LinuxHost
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
      #expect(try await eventually { try await bench.status("a").carrier })
      #expect(try await bench.status("a").vhostUser?.refusals == 0)
    }
  }
}

/// Guest memory in ordinary files of a disk (libvirt's `<source type='file'/>`, an NVDIMM).
@Suite(.enabled(if: TemporaryFile.isMemory, "the temporary folder is on no ext4, XFS or Btrfs"))
struct FileMemoryTests {
  private static func memory() throws -> SharedMemory {
    try SharedMemory([.init(guestAddress: 0x10_0000, size: 16 << 20, userAddress: 0x7F00_0000_0000)]) {
      size throws(GuestKitError) in try TemporaryFile.make(size: size)
    }
  }

  @Test func framesPass() async throws {
    try await Victim.with { victim in
      var options = try victim.bad.options
      options.memorySize = 16 << 20
      try victim.replaceBad(with: options, memory: Self.memory())
      for _ in 0..<100 { try victim.expectTraffic() }
      #expect(try await victim.bench.status("bad").vhostUser?.refusals == 0)
    }
  }

  /// As with a memory file: the page that is touched is gone, which ends that port's session alone.
  @Test func aFileThatIsCutFailsItsPort() async throws {
    try await Victim.with { victim in
      let memory = try Self.memory()
      try victim.replaceBad(memory: memory)
      try victim.expectTraffic()
      memory.truncate(region: 0, to: 0)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      try await victim.expectFault("guest memory file was truncated while mapped")
    }
  }
}
