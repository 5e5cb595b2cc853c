import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Receive rings that break the rules (facts/vhost-user.md 3.2: R1 to R4, R6, R9 to R11).
@Suite(.everyRingFormat) struct ReceiveRingTests {
  /// What a driver does to the chain that the next frame would go to, and what is said of it.
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var reason: String
    var features: UInt64 = .max
    /// Formats whose rules it breaks.
    var formats = RingFormat.allCases
    /// Guest, ring, and the first descriptor of the next chain.
    var act: @Sendable (VirtualGuest, any RingDriver, Int) -> Void
    var testDescription: String { name }
  }

  private static let next = RawDescriptor.next
  private static let write = RawDescriptor.write
  private static let indirect = RawDescriptor.indirect
  private static let end: UInt64 = 0x10_0000 + 16 << 20

  private static func descriptor(
    _ name: String, _ reason: String, _ address: UInt64, _ length: UInt32, _ flags: UInt16 = write, next: UInt16 = 0,
    features: UInt64 = .max, formats: [RingFormat] = RingFormat.allCases
  ) -> Attack {
    Attack(name: name, reason: reason, features: features, formats: formats) { guest, ring, head in
      ring.write(RawDescriptor(slot: head, address: address, length: length, flags: flags, next: next))
    }
  }

  /// `EverySettingTests` has them too.
  static let attacks: [Attack] = [
    Attack(name: "index jumps", reason: "available index advanced by 65 but the ring has 64", formats: [.split]) {
      _, ring, _ in
      ring.split.availableIndex &+= 1
    },
    Attack(name: "index runs backward", reason: "available index advanced by 65535", formats: [.split]) { _, ring, _ in
      ring.split.availableIndex &-= 65
    },
    Attack(name: "head outside", reason: "available ring names descriptor 64 of 64", formats: [.split]) { _, ring, _ in
      for position in 0..<64 { ring.split.writeAvailableEntry(position, 64) }
    },
    descriptor("readable", "device-readable descriptor in the receive ring", 0x10_0000, 2048, 0),
    Attack(name: "readable behind writable", reason: "device-readable descriptor in the receive ring") {
      let second = $1.slot(behind: $2)
      $1.write(RawDescriptor(slot: $2, address: 0x20_0000, length: 12, flags: write | next, next: UInt16(second)))
      $1.write(RawDescriptor(slot: second, address: 0x20_0000, length: 2048))
    },
    descriptor(
      "next outside", "goes on to descriptor 64 of 64", 0x20_0000, 10, write | next, next: 64, formats: [.split]),
    Attack(name: "loop", reason: "chain is longer than 64 descriptors or loops", formats: [.split]) {
      $1.write(RawDescriptor(slot: $2, address: 0x20_0000, length: 2, flags: write | next, next: UInt16($2)))
    },
    descriptor("no bytes", "receive buffer without a byte", 0x20_0000, 0),
    descriptor("no region", "outside guest memory", 0x1000, 2048),
    descriptor("over the end", "outside guest memory", end - 2047, 2048),
    // The frame itself would fit.
    descriptor("far over the end", "outside guest memory", end - 1024, 65_536),
    descriptor("4 GiB", "outside guest memory", 0x20_0000, .max),
    descriptor("wraps 64 bits", "outside guest memory", .max - 100, 2048),
    descriptor(
      "indirect not negotiated", "without VIRTIO_F_INDIRECT_DESC", 0x20_0000, 16, indirect,
      features: ~VirtioFeature.indirectDescriptors),
    descriptor("table outside", "indirect table at 0x1000 is outside", 0x1000, 16, indirect),
    descriptor("table of 8 bytes", "indirect table of 8 bytes", 0x20_0000, 8, indirect),
    descriptor("table of no descriptors", "indirect table of 0 bytes", 0x20_0000, 0, indirect),
    descriptor("chained table", "both indirect and chained", 0x20_0000, 16, indirect | next, next: 1),
    Attack(name: "table in a table", reason: "indirect descriptor inside an indirect table") { guest, ring, head in
      let table = guest.memory.allocate(16)
      ring.write(RawDescriptor(slot: 0, address: table, length: 16, flags: indirect), table: table)
      ring.write(RawDescriptor(slot: head, address: table, length: 16, flags: indirect))
    },
  ]

  @Test(arguments: attacks, [60, 1514])
  func theRingStopsWithItsReason(attack: Attack, size: Int) async throws {
    guard attack.formats.contains(.current) else { return }
    try await Victim.with({ $0.features = attack.features }) { victim in
      let ring = try victim.bad.receiveRing()
      attack.act(try victim.bad, ring, ring.slotToTake(after: 0))
      let frame = FrameBuilder(to: FrameBuilder.station(21), from: FrameBuilder.station(22)).plain(size: size)
      try victim.neighbour.send(frame)
      #expect(try victim.neighbour.waitForTransmitted())
      // Counted where the frame did not arrive; its sender is not to blame.
      #expect(try await victim.bench.status("bad").dropsOut == ["guest-fault": 1])
      #expect(try await victim.bench.status("neighbour").error == nil)
      try await victim.expectFault("ring 0: ", attack.reason)
    }
  }

  /// A fault in the middle of a burst: what was delivered before is shown, the rest is counted.
  @Test func framesBeforeTheBadBufferArrive() async throws {
    try await Victim.with { victim in
      let ring = try victim.bad.receiveRing()
      ring.write(RawDescriptor(slot: ring.slotToTake(after: 2), address: 0, length: 2048, flags: Self.write))
      let frames = (0..<5).map { Victim.frame(22, to: 21, seed: $0) }
      try victim.neighbour.send(burst: frames)
      #expect(try victim.neighbour.waitForTransmitted())
      #expect(try victim.bad.receive(timeout: 0)?.frame == frames[0])
      #expect(try victim.bad.receive(timeout: 0)?.frame == frames[1])
      let status = try await victim.bench.status("bad")
      #expect(status.dropsOut == ["guest-fault": 3])
      try await victim.expectFault("ring 0: ", "outside guest memory")
    }
  }

  /// Frames in buffers of a byte each: as many as 1024, longer ones are dropped, and nothing is broken.
  @Test func buffersOfOneByteAreFilled() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = 2048
        $0.receiveLayout = [1]
        $0.transmitSize = 66_000
      }
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      for size in [60, 1012] {
        let frame = builder.plain(size: size)
        try a.send(frame)
        #expect(b.receiveRing().waitForUsed(12 + size, until: Deadline(milliseconds: 10_000)))
        let used = try b.receiveRing().collect()
        let bytes = try used.flatMap { try b.contents($0) }
        #expect(Array(bytes.dropFirst(12)) == frame)
        #expect(Int(NetworkHeader(bytes).bufferCount) == 12 + size)
        #expect(used.allSatisfy { $0.length == 1 })
      }
      for size in [1013, 65_535] { try a.send(builder.plain(size: size)) }
      #expect(try a.waitForTransmitted())
      #expect(b.receiveRing().usedCount == 0)
      let drops = try await bench.status("b").dropsOut
      #expect(drops.values.reduce(0, +) == 2)
      #expect(try await bench.status("b").error == nil)
    }
  }

  /// Buffers too small for a header are no fault where they are not merged; frames do not fit, that is all.
  @Test(arguments: [1, 11, 12, 13, 25])
  func smallBuffersWithoutMergingTakeNothing(size: Int) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.features = ~VirtioFeature.mergeableBuffers
        $0.receiveLayout = [size]
      }
      let frame = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 14)
      try a.send(frame)
      #expect(try a.waitForTransmitted())
      #expect(b.receiveRing().usedCount == 0)
      #expect(try await bench.status("b").dropsOut == ["too-big": 1])
      #expect(try await bench.status("b").error == nil)
    }
  }

  /// R10: a guest that posts no buffers, and one that never takes its used entries, holds nobody.
  @Test func aGuestThatTakesNothingHoldsNobody() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("lazy", .access(vlan: 1)) { $0.receiveCount = 0 }
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let sender = try bench.guest("a")
      for turn in 0..<50 {
        let frames = (0..<16).map {
          FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60, seed: turn + $0)
        }
        try sender.send(burst: frames)
        #expect(try bench.collect(after: sender).mapValues { $0.map(\.frame) } == ["b": frames])
      }
      #expect(try await bench.status("lazy").dropsOut == ["no-buffer": 800])
      // As soon as it posts buffers it is served.
      let lazy = try bench.guest("lazy")
      for _ in 0..<4 { try lazy.receiveRing().submit([.init(lazy.memory.allocate(2048), 2048, isWritable: true)]) }
      let last = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
      try sender.send(last)
      #expect(try bench.collect(after: sender)["lazy"]?.map(\.frame) == [last])
    }
  }

  /// R11: event words and flags are the driver's wishes, whatever they are.
  @Test(arguments: [UInt64.max, ~VirtioFeature.eventIndex])
  func eventWordsFullOfGarbageHurtNobody(features: UInt64) async throws {
    try await Victim.with({ $0.features = features }) { victim in
      var random = SeededRandom(seed: 11)
      let bad = try victim.bad
      for seed in 0..<300 {
        for ring in bad.rings {
          ring.writeWishes { UInt16.random(in: 0...UInt16.max, using: &random) }
        }
        let frame = Victim.frame(22, to: 21, seed: seed)
        try victim.neighbour.send(frame)
        #expect(try victim.neighbour.waitForTransmitted())
        #expect(try bad.receive()?.frame == frame)
        try bad.add(frame)
        bad.transmitRing().publish()
        bad.transmitRing().kick()
        #expect(try bad.waitForTransmitted())
      }
      #expect(try await victim.bench.status("bad").error == nil)
    }
  }
}
