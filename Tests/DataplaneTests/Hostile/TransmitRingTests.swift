import Dataplane
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Transmit rings that break the rules (facts/vhost-user.md 3.2: R1 to R6): the ring stops, with its reason.
@Suite(.everyRingFormat) struct TransmitRingTests {
  /// What a driver does to its transmit ring, and what is said of it.
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var reason: String
    var features: UInt64 = .max
    /// Formats whose rules it breaks.
    var formats = RingFormat.allCases
    var act: @Sendable (VirtualGuest, any RingDriver) throws -> Void
    var testDescription: String { name }
  }

  private typealias Raw = RawDescriptor
  private static let next = RawDescriptor.next
  private static let write = RawDescriptor.write
  private static let indirect = RawDescriptor.indirect

  /// Attacks by one chain.
  private static func chain(
    _ name: String, _ reason: String, features: UInt64 = .max, id: UInt16? = nil,
    formats: [RingFormat] = RingFormat.allCases, _ make: @escaping @Sendable (VirtualGuest, UInt64) -> [RawDescriptor]
  ) -> Attack {
    Attack(name: name, reason: reason, features: features, formats: formats) { guest, ring in
      let buffer = guest.memory.allocate(4096)
      guest.memory.write(NetworkHeader().bytes + Victim.frame(21, to: 22), at: buffer)
      guest.offerRaw(make(guest, buffer), ring: ring, id: id)
    }
  }

  /// One descriptor of this address and length.
  private static func buffer(_ name: String, _ reason: String, _ address: UInt64, _ length: UInt32) -> Attack {
    chain(name, reason) { _, _ in [Raw(slot: 0, address: address, length: length)] }
  }

  /// Attacks by an indirect table, whose first descriptor `fill` makes.
  private static func table(
    _ name: String, _ reason: String, length: UInt32, flags: UInt16 = 0, next: UInt16 = 0,
    formats: [RingFormat] = RingFormat.allCases,
    _ fill: @escaping @Sendable (_ table: UInt64, _ buffer: UInt64) -> RawDescriptor? = { _, _ in nil }
  ) -> Attack {
    chain(name, reason, formats: formats) { guest, buffer in
      let table = guest.memory.allocate(0x4100)
      if let first = fill(table, buffer) { guest.transmitRing().write(first, table: table) }
      return [Raw(slot: 0, address: table, length: length, flags: indirect | flags, next: next)]
    }
  }

  /// 16 MiB of memory end here.
  private static let end: UInt64 = 0x10_0000 + 16 << 20

  private static let indices: [Attack] = [
    Attack(
      name: "index jumps by more than the ring", reason: "available index advanced by 65 but the ring has 64",
      formats: [.split]
    ) {
      $1.split.availableIndex &+= 65
      $1.kick()
    },
    Attack(
      name: "index runs backward", reason: "available index advanced by 65535 but the ring has 64", formats: [.split]
    ) {
      $1.split.availableIndex &-= 1
      $1.kick()
    },
    Attack(name: "index jumps by half its range", reason: "available index advanced by 32768", formats: [.split]) {
      $1.split.availableIndex &+= 0x8000
      $1.kick()
    },
    chain("head outside", "available ring names descriptor 64 of 64", id: 64, formats: [.split]) { _, buffer in
      [Raw(slot: 0, address: buffer, length: 112)]
    },
    chain("head far outside", "available ring names descriptor 65535 of 64", id: 0xFFFF, formats: [.split]) {
      _, buffer in
      [Raw(slot: 0, address: buffer, length: 112)]
    },
    chain("next outside", "descriptor chain goes on to descriptor 64 of 64", formats: [.split]) { _, buffer in
      [Raw(slot: 0, address: buffer, length: 112, flags: next, next: 64)]
    },
    chain("loop of one", "chain is longer than 64 descriptors or loops", formats: [.split]) { _, buffer in
      [Raw(slot: 0, address: buffer, length: 112, flags: next, next: 0)]
    },
    chain("loop of three", "chain is longer than 64 descriptors or loops", formats: [.split]) { _, buffer in
      (0..<3).map { Raw(slot: $0, address: buffer, length: 8, flags: next, next: UInt16(($0 + 1) % 3)) }
    },
    chain("loop of nothing", "chain is longer than 64 descriptors or loops", formats: [.split]) { _, buffer in
      [Raw(slot: 0, address: buffer, length: 0, flags: next, next: 0)]
    },
  ]

  /// What only a packed ring has: descriptors whose flags say whose they are.
  private static let laps: [Attack] = [
    Attack(
      name: "goes on to what is not available", reason: "goes on to descriptor 2 of 64, which was not made available",
      formats: [.packed]
    ) { guest, ring in
      let buffer = guest.memory.allocate(4096)
      guest.offerRaw([Raw(slot: 0, address: buffer, length: 12, flags: next)], ring: ring)
    },
    Attack(
      name: "goes on to what is of the lap before",
      reason: "goes on to descriptor 2 of 64, which was not made available",
      formats: [.packed]
    ) { guest, ring in
      let buffer = guest.memory.allocate(4096)
      ring.packed.setFlags(PackedDriver.used, at: 2)
      guest.offerRaw([Raw(slot: 0, address: buffer, length: 12, flags: next)], ring: ring)
    },
    Attack(
      name: "all the ring is one chain", reason: "chain is longer than 64 descriptors or loops", formats: [.packed]
    ) { guest, ring in
      let buffer = guest.memory.allocate(4096)
      // The last one, too, says that there are more.
      guest.offerRaw((0..<64).map { Raw(slot: $0, address: buffer, length: 1, flags: next) }, ring: ring)
    },
    Attack(
      name: "a table with reserved flags", reason: "indirect descriptor inside an indirect table", formats: [.packed]
    ) { guest, ring in
      let table = guest.memory.allocate(64)
      for slot in 0..<4 {
        ring.write(Raw(slot: slot, address: table, length: 1, flags: slot == 3 ? 0xFFFD : 0xFFF9), table: table)
      }
      guest.offerRaw([Raw(slot: 0, address: table, length: 64, flags: indirect)], ring: ring)
    },
  ]

  private static let buffers: [Attack] = [
    buffer("no region", "buffer of 112 bytes at 0x1000 is outside guest memory", 0x1000, 112),
    buffer("address zero", "buffer of 112 bytes at 0x0 is outside", 0, 112),
    buffer("behind the end", "is outside guest memory", end, 112),
    buffer("over the end", "is outside guest memory", end - 111, 112),
    buffer("before the beginning", "is outside guest memory", 0x10_0000 - 1, 112),
    buffer("wraps 64 bits", "is outside guest memory", .max - 10, 112),
    buffer("ends at 2 to the 64", "is outside guest memory", .max - 111, 112),
    buffer("4 GiB less one", "buffer of 4294967295 bytes", 0x10_0000, .max),
    chain("chain of 64 times 4 GiB", "is outside guest memory") { _, _ in
      (0..<64).map { Raw(slot: $0, address: 0x10_0000, length: .max, flags: next, next: UInt16($0 + 1) % 64) }
    },
    chain("second buffer outside", "is outside guest memory") { _, buffer in
      [
        Raw(slot: 0, address: buffer, length: 12, flags: next, next: 5),
        Raw(slot: 5, address: end - 10, length: 100),
      ]
    },
    chain("writable", "device-writable descriptor in the transmit ring") { _, buffer in
      [Raw(slot: 0, address: buffer, length: 112, flags: write)]
    },
    chain("writable behind readable", "device-writable descriptor in the transmit ring") { _, buffer in
      [
        Raw(slot: 0, address: buffer, length: 12, flags: next, next: 1),
        Raw(slot: 1, address: buffer, length: 100, flags: write),
      ]
    },
  ]

  private static let short: [Attack] = [0, 1, 9, 10, 11].map { size in
    chain("\(size) bytes", "chain of \(size) bytes is shorter than the virtio-net header of 12") { _, buffer in
      [Raw(slot: 0, address: buffer, length: UInt32(size))]
    }
  }

  private static let tables: [Attack] = [
    chain("indirect not negotiated", "without VIRTIO_F_INDIRECT_DESC", features: ~VirtioFeature.indirectDescriptors) {
      [Raw(slot: 0, address: $1, length: 16, flags: indirect)]
    },
    chain("table outside", "indirect table at 0x1000 is outside guest memory") { _, _ in
      [Raw(slot: 0, address: 0x1000, length: 16, flags: indirect)]
    },
    chain("table over the end", "indirect table at") { _, _ in
      [Raw(slot: 0, address: end - 16, length: 32, flags: indirect)]
    },
    table("table of 15 bytes", "indirect table of 15 bytes", length: 15),
    table("table of 17 bytes", "indirect table of 17 bytes", length: 17),
    table("empty table", "indirect table of 0 bytes", length: 0),
    table("table of 1025 descriptors", "indirect table of 16400 bytes", length: 16_400),
    table("table of 4 GiB", "indirect table of 4294967280 bytes", length: 0xFFFF_FFF0),
    table("chained table", "both indirect and chained", length: 16, flags: next, next: 1),
    table("table in a table", "indirect descriptor inside an indirect table", length: 16) { table, _ in
      Raw(slot: 0, address: table, length: 16, flags: indirect)
    },
    table("next outside the table", "goes on to descriptor 2 of 2", length: 32, formats: [.split]) { _, buffer in
      Raw(slot: 0, address: buffer, length: 112, flags: next, next: 2)
    },
    table("loop in the table", "chain is longer than 4 descriptors or loops", length: 64, formats: [.split]) {
      _, buffer in
      Raw(slot: 0, address: buffer, length: 12, flags: next, next: 0)
    },
    table("writable in the table", "device-writable descriptor", length: 16, formats: [.split]) { _, buffer in
      Raw(slot: 0, address: buffer, length: 112, flags: write)
    },
    table("buffer outside in the table", "is outside guest memory", length: 16) { _, _ in
      Raw(slot: 0, address: 0x1000, length: 112)
    },
  ]

  /// All of them; `EverySettingTests` has them too.
  static let attacks = indices + laps + buffers + short + tables

  @Test(arguments: attacks)
  func theRingStopsWithItsReason(attack: Attack) async throws {
    guard attack.formats.contains(.current) else { return }
    try await Victim.with({ $0.features = attack.features }) { victim in
      let bad = try victim.bad
      let error = try EventDescriptor()
      try bad.say { try $0.setRingError(1, error.descriptor) }
      try attack.act(bad, bad.transmitRing())
      #expect(Deadline(milliseconds: 5000).waitReadable([error.raw]), "no word on the error descriptor")
      try await victim.expectFault("ring 1: ", attack.reason)
    }
  }

  @Test func framesBeforeTheBadOneArrive() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      for seed in 0..<5 { try bad.add(Victim.frame(21, to: 22, seed: seed)) }
      bad.offerRaw([RawDescriptor(slot: 40, address: 0x1000, length: 112)], ring: bad.transmitRing())
      for seed in 0..<5 { #expect(try victim.neighbour.receive()?.frame == Victim.frame(21, to: 22, seed: seed)) }
      try await victim.expectFault("ring 1: ", "buffer of 112 bytes at 0x1000 is outside guest memory")
    }
  }

  /// The front-end need not reconnect: it stops the ring and starts it anew.
  @Test func aRingIsServedAgainAfterARestart() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      bad.offerRaw([RawDescriptor(slot: 40, address: 0x1000, length: 112)], ring: bad.transmitRing())
      _ = try await victim.bench.fault("bad")
      try bad.reboot()
      try victim.expectTraffic()
      #expect(try await victim.bench.status("bad").carrier)
    }
  }

  /// A packed ring's descriptor is the device's if both of its flags say so, in the sense of the lap: one whose flags are
  /// any other is waited for, and what lies behind it with it.
  @Test(arguments: [0, 0x8000, 0x8080, 0x8081, 0x0001, 0x7F7F] as [UInt16])
  func aDescriptorOfNobodyIsWaitedFor(flags: UInt16) async throws {
    guard RingFormat.current == .packed else { return }
    try await Victim.with { victim in
      let bad = try victim.bad
      let ring = bad.transmitRing().packed
      ring.setFlags(flags, at: ring.slotToTake(after: 0))
      for _ in 0..<20 {
        ring.kick()
        try victim.expectOthersUnharmed()
      }
      let status = try await victim.bench.status("bad")
      #expect(status.error == nil && status.receivePackets == 1)
    }
  }

  /// As long as everything is inside, it is no fault: the first and the last bytes of memory, chains as long as the ring.
  @Test func theEdgesOfTheRulesAreNoFaults() async throws {
    try await Victim.with({ $0.memorySize = 1 << 20 }) { victim in
      let bad = try victim.bad
      let frame = Victim.frame(21, to: 22)
      let last = 0x10_0000 + UInt64(1 << 20) - UInt64(12 + frame.count)
      bad.memory.write(NetworkHeader().bytes + frame, at: last)
      try bad.transmitRing().submit([.init(last, 12 + frame.count, isWritable: false)])
      #expect(try victim.neighbour.receive()?.frame == frame)
      // 64 descriptors in a ring of 64.
      #expect(try bad.waitForTransmitted())
      try bad.send(frame, pieces: Array(repeating: 1, count: 63))
      #expect(try victim.neighbour.receive()?.frame == frame)
      #expect(try await victim.bench.status("bad").error == nil)
    }
  }
}
