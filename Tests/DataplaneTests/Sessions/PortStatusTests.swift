import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// What a port tells of what was agreed with its node, and of its rings.
@Suite struct PortStatusTests {
  private func stopped(_ bench: Bench, _ name: String) async throws -> [String?] {
    try await bench.status(name).vhostUser?.queues.map(\.stopped) ?? []
  }

  @Test func aRingThatDoesNotRunSaysWhy() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let path = try await bench.addPort("a", .access(vlan: 1), pairs: 2)
      var options = VirtualGuest.Options()
      options.ringSize = 64
      let guest = try VirtualGuest(options)
      try guest.connect(path: path)
      // Queues are listed up to the last one that ran, not all that are offered.
      #expect(try await stopped(bench, "a") == [nil, nil])
      let ring = try RingFormat.current.driver(memory: guest.memory, index: 3, size: 64)
      try guest.say {
        try $0.setRingSize(3, 64)
        try $0.setRingAddress(ring)
        try $0.setRingKick(3, ring.kickEvent.descriptor)
      }
      let never = "never started"
      #expect(try await stopped(bench, "a") == [nil, nil, never, nil])
      _ = try #require(guest.frontEnd).getRingBase(1)
      #expect(try await stopped(bench, "a") == [nil, "stopped by its front-end", never, nil])
      guest.disconnect()
      let end = "its session ended"
      #expect(await eventually { (try? await stopped(bench, "a")) == [end, "stopped by its front-end", never, end] })
      try guest.connect(path: path)
      #expect(try await stopped(bench, "a") == [nil, nil, never, end])
    }
  }

  /// What was wrong with it is known until it is started again, also when its session is over.
  @Test func aRingThatFailedKeepsItsReason() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      guest.offerRaw([RawDescriptor(slot: 0, address: 1 << 40, length: 100)], ring: guest.transmitRing())
      let fault = "buffer of 100 bytes at 0x10000000000 is outside guest memory"
      #expect(await eventually { (try? await stopped(bench, "a")) == [nil, fault] })
      guest.disconnect()
      #expect(await eventually { (try? await stopped(bench, "a")) == ["its session ended", fault] })
    }
  }

  @Test func framesOfManyBuffersAreCounted() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.receiveLayout = [512] }
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      for size in [60, 1400, 500, 501, 1400] {
        try a.send(builder.plain(size: size, seed: size))
        #expect(try b.receive()?.frame == builder.plain(size: size, seed: size))
      }
      let queues = try #require(try await bench.status("b").vhostUser?.queues)
      #expect(queues.map(\.merged) == [3, 0])
      #expect(queues.map(\.segmented) == [0, 0])
      #expect(queues.allSatisfy { $0.worker < Bench.workerCount })
    }
  }

  @Test func offloadsAreWhatWasAgreed() async throws {
    let all = ["checksum", "tso4", "tso6", "ecn", "uso"]
    let without = ~(VirtioFeature.guestChecksum | VirtioFeature.hostTSO4 | VirtioFeature.hostUSO)
    let cases: [(OffloadLevel, UInt64, OffloadStatus)] = [
      (.on, .max, OffloadStatus(toNode: all, fromNode: all)),
      (.on, ~VirtioFeature.guestUSO4, OffloadStatus(toNode: Array(all.dropLast()) + ["uso6"], fromNode: all)),
      (.on, without, OffloadStatus(toNode: [], fromNode: ["checksum", "tso6", "ecn"])),
      (.checksum, .max, OffloadStatus(toNode: ["checksum"], fromNode: ["checksum"])),
      (.off, .max, OffloadStatus(toNode: [], fromNode: [])),
    ]
    try await Bench.with { bench in
      try await bench.addSwitch()
      for (number, (level, features, expected)) in cases.enumerated() {
        try await bench.addGuest("g\(number)", .access(vlan: 1), offload: level) {
          $0.features = features & ~(VirtioFeature.logAll | VirtioFeature.platformAddresses)
        }
        #expect(try await bench.status("g\(number)").offloads == expected, "\(level) \(features)")
      }
      try await bench.addPort("nobody", .access(vlan: 1))
      #expect(try await bench.status("nobody").offloads == nil)
    }
  }

  @Test func offloadsOfAnInterfaceAreWhatTheKernelHas() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      for level in OffloadLevel.allCases {
        var interface = TAPInterface(name: "tap-\(level)")
        interface.namespace = namespace.name
        interface.offload = level
        try await bench.dataplane.addPort(
          PortConfiguration(
            name: "\(level)", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
            backend: .tap(interface)))
      }
      let on = try #require(try await bench.status("on").offloads)
      // Linux knows UDP's since 6.2.
      #expect([["checksum", "tso4", "tso6", "ecn"], ["checksum", "tso4", "tso6", "ecn", "uso"]].contains(on.toNode))
      #expect(on.fromNode == on.toNode)
      let (checksum, off) = (try await bench.status("checksum").offloads, try await bench.status("off").offloads)
      #expect(checksum == OffloadStatus(toNode: ["checksum"], fromNode: ["checksum"]))
      #expect(off == OffloadStatus(toNode: [], fromNode: []))
    }
  }
}
