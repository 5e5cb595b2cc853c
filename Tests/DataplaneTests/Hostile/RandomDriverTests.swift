import Dataplane
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VhostUser

/// Drivers that write anything anywhere, by seeded chance and by threads that change words while they are read (R7).
@Suite(.everyRingFormat) struct RandomDriverTests {
  /// A guest that knows no rules.
  private struct Driver {
    var random: SeededRandom
    let guest: VirtualGuest
    let buffer: UInt64

    init(_ guest: VirtualGuest, random: SeededRandom) {
      self.guest = guest
      self.random = random
      buffer = guest.memory.allocate(0x4000)
      fillBuffer()
    }

    private mutating func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
    private mutating func number(below limit: UInt64) -> UInt64 { random.next() % limit }

    private mutating func fillBuffer() {
      for offset in stride(from: 0, to: 0x4000, by: 0x400) {
        var header = NetworkHeader()
        if number(below: 2) == 0 {
          header = NetworkHeader((0..<12).map { _ in UInt8(truncatingIfNeeded: random.next()) })
          header.flags = pick([0, 1, 1, 2, 3])
          header.segmentationType = pick([0, 0, 0, 1, 4])
          header.checksumStart = pick([14, 18, 34, 38, 54, 200, 1000])
          header.checksumOffset = pick([0, 6, 16, 250])
        }
        let destination = pick([FrameBuilder.broadcast, FrameBuilder.station(22), FrameBuilder.station(77)])
        let tags: [FrameBuilder.Tag] = number(below: 3) == 0 ? [.init(UInt16(number(below: 4096)))] : []
        let frame = FrameBuilder(to: destination, from: FrameBuilder.station(21), tags: tags)
          .plain(size: Int(number(below: 900)))
        guest.memory.write(header.bytes + frame, at: buffer + UInt64(offset))
      }
    }

    private mutating func address() -> UInt64 {
      let region = guest.memory.regions[0]
      return switch number(below: 12) {
      case 0: random.next()
      case 1: region.guestAddress + region.size - number(below: 300)
      case 2: region.guestAddress &- number(below: 20)
      default: buffer + number(below: 0x3C00)
      }
    }

    private mutating func length() -> UInt32 {
      switch number(below: 12) {
      case 0: UInt32(truncatingIfNeeded: random.next())
      case 1: 0
      case 2: UInt32(number(below: 13))
      case 3: 16 * UInt32(number(below: 70))
      default: UInt32(number(below: 1000))
      }
    }

    private mutating func flags(_ ring: any RingDriver) -> UInt16 {
      let usual: UInt16 = ring.index % 2 == 0 ? RawDescriptor.write : 0
      return pick([
        usual, usual, usual, usual | 1, usual | 1, 4, 0, 1, 2, 3, 5, 7, UInt16(truncatingIfNeeded: random.next()),
      ])
    }

    /// One wild act on one ring.
    mutating func act() {
      let ring = pick(guest.rings)
      switch number(below: 16) {
      case 0...4: ring.writeWord(random.next(), random.next())
      case 5: fillBuffer()
      case 6...9:
        ring.write(
          RawDescriptor(
            slot: Int(number(below: UInt64(ring.size))), address: address(), length: length(), flags: flags(ring),
            next: UInt16(number(below: UInt64(ring.size) + 2))))
      default:
        ring.offerUnseen((0...number(below: 4)).map { _ in UInt16(number(below: UInt64(ring.size))) })
      }
      ring.kick()
    }
  }

  private static func wildOptions(_ random: inout SeededRandom) -> VirtualGuest.Options {
    var options = VirtualGuest.Options()
    options.ringSize = 16
    options.memorySize = 1 << 20
    options.transmitSize = 2048
    options.pairs = 1 + Int(random.next() % 2)
    // With an inflight region, or without.
    options.order = random.next() % 2 == 0 ? .qemu : .cloudHypervisor
    for feature in [
      VirtioFeature.mergeableBuffers, VirtioFeature.indirectDescriptors, VirtioFeature.eventIndex,
      VirtioFeature.guestChecksum, VirtioFeature.version1, VirtioFeature.checksum,
    ] where random.next() % 4 == 0 {
      options.features &= ~feature
    }
    options.firstIndex = UInt16(truncatingIfNeeded: random.next())
    return options
  }

  /// Every other guest's pages are logged.
  private static func log(_ guest: VirtualGuest, _ round: Int) throws {
    guard round % 2 == 1, let frontEnd = guest.frontEnd else { return }
    frontEnd.asksForReply = true
    try frontEnd.setLog(try DirtyPages(of: guest.memory))
    try frontEnd.setLogging(true, guest.rings)
  }

  @Test(arguments: 1...12)
  func randomRingsHurtNobody(seed: Int) async throws {
    try await Victim.with(pairs: 2) { victim in
      var random = SeededRandom(seed: UInt64(seed))
      for round in 0..<15 {
        let bad = try victim.replaceBad(with: Self.wildOptions(&random))
        try Self.log(bad, round)
        var driver = Driver(bad, random: SeededRandom(seed: UInt64(seed * 1000 + round)))
        for step in 0..<40 {
          driver.act()
          if step % 4 == 0 {
            // Others' frames pass, and this guest's neighbour keeps trying to reach it.
            try victim.expectOthersUnharmed()
            try victim.neighbour.send(Victim.frame(22, to: 21))
            try victim.neighbour.send(Victim.frame(22, to: 99))
            #expect(try victim.neighbour.waitForTransmitted())
          }
          while try victim.neighbour.receive(timeout: 0) != nil {}
        }
      }
      try await victim.recover()
    }
  }

  /// Flips words of rings, buffers and headers without pause while the device reads them.
  private final class Flipper: Sendable {
    private let isDone = Flag()
    private let thread: HostThread

    init(_ memory: SharedMemory, rings: [any RingDriver], buffer: UInt64, seed: UInt64) throws {
      let isDone = isDone
      thread = try HostThread.start(name: "apd-flipper", cpu: nil) {
        var random = SeededRandom(seed: seed)
        while !isDone.isSet {
          let ring = rings[Int(random.next() % UInt64(rings.count))]
          let slot = ring.descriptorTable + 16 * (random.next() % 8)
          switch random.next() % 8 {
          case 0: memory.store(random.next() % 2 == 0 ? buffer : random.next(), at: slot)
          case 1: memory.store(UInt32(random.next() % 2 == 0 ? 200 : random.next() & 0xFFFF_FFFF), at: slot + 8)
          case 2: memory.store16(UInt16(random.next() % 8), at: slot + 12)
          case 3:
            // In a packed ring these are the flags, which say whose a descriptor is.
            let owner = ring.format == .packed ? UInt16(random.next() & 0x8080) : 0
            memory.store16(UInt16(random.next() % 20) | owner, at: slot + 14)
          case 4: memory.store(random.next(), at: buffer)
          case 5: memory.store(random.next(), at: buffer + 8)
          case 6: memory.store(random.next(), at: buffer + 12 + random.next() % 100)
          default:
            // Mostly sound, so that frames are taken at all.
            ring.write(
              RawDescriptor(
                slot: Int(random.next() % 8), address: buffer, length: 200,
                flags: ring.index % 2 == 0 ? RawDescriptor.write : 0))
            memory.store(UInt64(0), at: buffer)
          }
        }
      }
    }

    func stop() {
      isDone.set()
      thread.join()
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func wordsThatChangeWhileTheyAreReadHurtNobody(seed: UInt64) async throws {
    try await Victim.with(pairs: 2) { victim in
      var random = SeededRandom(seed: seed)
      for round in 0..<12 {
        let bad = try victim.replaceBad(with: Self.wildOptions(&random))
        try Self.log(bad, round)
        let buffer = bad.memory.allocate(0x1000, alignment: 64)
        bad.memory.write(NetworkHeader().bytes + Victim.frame(21, to: 22), at: buffer)
        let flipper = try Flipper(bad.memory, rings: bad.rings, buffer: buffer, seed: seed * 100 + UInt64(round))
        for _ in 0..<20 {
          for ring in bad.rings {
            ring.offerUnseen((0..<8).map { _ in UInt16(random.next() % 8) })
            ring.kick()
          }
          try victim.neighbour.send(burst: (0..<8).map { Victim.frame(22, to: 21, seed: $0) })
          #expect(try victim.neighbour.waitForTransmitted())
          while try victim.neighbour.receive(timeout: 0) != nil {}
          try victim.expectOthersUnharmed()
        }
        flipper.stop()
      }
      try await victim.recover()
    }
  }
}
