import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Guest memory that is cut, moved or taken away under running rings (M9, R12).
///
/// This process maps the guest's memory too and must not touch what was cut.
@Suite(.everyRingFormat) struct LostMemoryTests {
  /// Memory whose second region holds buffers, so that it can be cut under rings that stay.
  private static func twoRegions() throws -> SharedMemory {
    try SharedMemory([
      .init(guestAddress: 0x10_0000, size: 0x10_0000, userAddress: 0x7F00_0000_0000),
      .init(guestAddress: 0x100_0000, size: 0x10_0000, userAddress: 0x7E00_0000_0000),
    ])
  }

  @Test func cutRingsFailWhenTheNeighbourSends() async throws {
    try await Victim.with { victim in
      try victim.bad.memory.truncate(region: 0, to: 0)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      try await victim.expectFault("guest memory file was truncated while mapped")
    }
  }

  @Test func cutRingsFailWhenTheirGuestKicks() async throws {
    try await Victim.with(pairs: 4) { victim in
      let bad = try victim.bad
      bad.memory.truncate(region: 0, to: 0)
      for pair in 0..<4 { bad.transmitRing(pair).kick() }
      try await victim.expectFault("guest memory file was truncated while mapped")
    }
  }

  /// The index of a ring that never carried anything reads as before.
  @Test func cutRingsThatWereIdleFail() async throws {
    try await Victim.with { victim in
      var options = try victim.bad.options
      options.receiveCount = 0
      let idle = try victim.replaceBad(with: options)
      idle.memory.truncate(region: 0, to: 0)
      idle.transmitRing().kick()
      try await victim.expectFault("guest memory file was truncated while mapped")
    }
  }

  /// The frame's bytes are lost between the driver's word and the worker's look.
  @Test(arguments: [[], [12], [12, 40, 50]])
  func cutFramesFailTheirSender(pieces: [Int]) async throws {
    try await Victim.with { victim in
      let bad = try victim.replaceBad(with: Self.options, memory: Self.twoRegions())
      let frame = Victim.frame(21, to: 22)
      let buffer = bad.memory.allocate(12 + frame.count, region: 1)
      bad.memory.write(NetworkHeader().bytes + frame, at: buffer)
      var segments: [RingSegment] = []
      var position = 0
      for piece in pieces + [12 + frame.count] {
        let count = min(piece, 12 + frame.count - position)
        segments.append(.init(buffer + UInt64(position), count, isWritable: false))
        position += count
      }
      bad.memory.truncate(region: 1, to: 0)
      try bad.transmitRing().submit(segments)
      try await victim.expectFault("guest memory file was truncated while mapped")
      #expect(try await victim.bench.status("neighbour").error == nil)
    }
  }

  /// The receive buffers are lost; the neighbour's frame goes nowhere, its sender goes on.
  @Test(arguments: [[2048], [64], [12, 1000]])
  func cutBuffersFailTheirReceiver(layout: [Int]) async throws {
    try await Victim.with { victim in
      let bad = try victim.replaceBad(with: Self.options, memory: Self.twoRegions())
      for _ in 0..<8 {
        try bad.receiveRing().add(
          layout.map { .init(bad.memory.allocate($0, region: 1), $0, isWritable: true) })
      }
      bad.receiveRing().publish()
      bad.memory.truncate(region: 1, to: 0)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      #expect(try victim.neighbour.waitForTransmitted())
      try await victim.expectFault("guest memory file was truncated while mapped")
      #expect(try await victim.bench.status("neighbour").error == nil)
    }
  }

  private static let options: VirtualGuest.Options = {
    var options = VirtualGuest.Options()
    options.ringSize = 64
    options.receiveCount = 0
    options.transmitSize = 2048
    return options
  }()

  // Memory tables under running rings.

  @Test func ringsOutsideTheNewTableStop() async throws {
    try await Victim.with { victim in
      let other = try SharedMemory(size: 1 << 20, guestAddress: 0x8000_0000, userAddress: 0x6000_0000_0000)
      let error = try EventDescriptor()
      try victim.bad.say {
        try $0.setRingError(0, error.descriptor)
        try $0.setMemory(other)
      }
      #expect(Deadline(milliseconds: 5000).waitReadable([error.raw]))
      try await victim.expectFault("new memory table does not hold the ring")
      #expect(await eventually { openCopies(of: other.descriptors[0]) == 1 })
    }
  }

  @Test func ringsOfARegionThatIsRemovedStop() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      try bad.say { try $0.removeMemory(bad.memory.regions[0]) }
      try await victim.expectFault("new memory table does not hold the ring")
    }
  }

  /// The region comes back elsewhere in the front-end's memory, and the guest starts its rings anew.
  @Test func ringsGoOnInARegionThatCameBack() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      var region = bad.memory.regions[0]
      try bad.say { try $0.removeMemory(region) }
      _ = try await victim.bench.fault("bad")
      region.userAddress = 0x5000_0000_0000
      let frontEnd = try #require(bad.frontEnd)
      try frontEnd.stopLikeQEMU(bad.plan)
      let node = try #require(victim.bench.nodes.first { $0.name == "bad" })
      node.guest = try VirtualGuest(bad.options, memory: SharedMemory([region]))
      try node.guest.start(frontEnd)
      try victim.expectTraffic()
      #expect(try await victim.bench.status("bad").vhostUser?.faults == 1)
    }
  }

  /// The same table again, while frames pass: old mappings go, no frame is lost.
  @Test func tablesMayBeReplacedUnderTraffic() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      for seed in 0..<100 {
        try victim.neighbour.send(Victim.frame(22, to: 21, seed: seed))
        try bad.frontEnd?.setMemory(bad.memory)
        try bad.send(Victim.frame(21, to: 22, seed: seed))
        #expect(try bad.receive()?.frame == Victim.frame(22, to: 21, seed: seed))
        #expect(try victim.neighbour.receive()?.frame == Victim.frame(21, to: 22, seed: seed))
      }
      try bad.say { _ in }
      #expect(try await victim.bench.status("bad").error == nil)
      // One mapping of the test's, one of the data plane's.
      let file = bad.memory.descriptors[0]
      #expect(await eventually { mappings(of: file.raw) == 2 })
    }
  }

  /// Regions come and go beside the one that holds the rings, and frames in them are found.
  @Test func regionsMayBeAddedUnderTraffic() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let more = try SharedMemory([
        .init(guestAddress: 0x4000_0000, size: 0x10_0000, userAddress: 0x6000_0000_0000, fileOffset: 0x3000)
      ])
      for seed in 0..<20 {
        try bad.say { try $0.addMemory(more.regions[0], more.descriptors[0]) }
        let frame = Victim.frame(21, to: 22, seed: seed)
        more.write(NetworkHeader().bytes + frame, at: 0x4000_0000 + 0xF_FF90 - 12 - 4)
        try bad.transmitRing().submit([.init(0x4000_0000 + 0xF_FF90 - 16, 12 + frame.count, isWritable: false)])
        #expect(try victim.neighbour.receive()?.frame == frame)
        #expect(try bad.waitForTransmitted())
        try bad.say { try $0.removeMemory(more.regions[0]) }
      }
      #expect(try await victim.bench.status("bad").error == nil)
      #expect(
        await eventually { openCopies(of: more.descriptors[0]) == 1 && mappings(of: more.descriptors[0].raw) == 1 })
      // What was removed is outside.
      try bad.transmitRing().submit([.init(0x4000_0000, 112, isWritable: false)])
      try await victim.expectFault("ring 1: ", "buffer of 112 bytes at 0x40000000 is outside guest memory")
    }
  }
}
