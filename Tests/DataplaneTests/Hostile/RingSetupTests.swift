import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Rings set up where they cannot be, or in no order (M10 to M12).
@Suite struct RingSetupTests {
  /// Places of the three areas that are refused, in two regions side by side whose user addresses touch.
  struct Place: Sendable, CustomTestStringConvertible {
    var name: String
    var reason: String
    var descriptors: UInt64 = base
    var available: UInt64 = base + 0x1000
    var used: UInt64 = base + 0x2000
    var format = RingFormat.split
    var testDescription: String { "\(name), \(format)" }

    var addresses: RingAddresses {
      RingAddresses(flags: 0, descriptors: descriptors, used: used, available: available, log: 0)
    }
  }

  private static let base: UInt64 = 0x7F00_0000_0000
  private static let border = base + 0x1_0000
  private static let end = base + 0x2_0000

  private static let places = [
    Place(name: "descriptors nowhere", reason: "descriptor area of 1024 bytes at 0x1000", descriptors: 0x1000),
    Place(name: "available nowhere", reason: "available ring of 134 bytes at 0x0", available: 0),
    Place(name: "used nowhere", reason: "used ring of 518 bytes", used: .max - 3),
    Place(name: "guest addresses", reason: "is not inside one memory region", descriptors: 0x10_0000),
    Place(name: "descriptors over the end", reason: "descriptor area", descriptors: end - 1008),
    Place(name: "available over the end by its event word", reason: "available ring", available: end - 132),
    Place(name: "used over the end by its event word", reason: "used ring", used: end - 516),
    Place(name: "descriptors over the border", reason: "descriptor area", descriptors: border - 512),
    Place(name: "available over the border", reason: "available ring", available: border - 132),
    Place(name: "used over the border", reason: "used ring", used: border - 516),
    Place(name: "descriptors askew", reason: "is not aligned to 16 bytes", descriptors: base + 8),
    Place(name: "available askew", reason: "is not aligned to 2 bytes", available: base + 0x1001),
    Place(name: "used askew", reason: "is not aligned to 4 bytes", used: base + 0x2002),
    Place(name: "descriptors wrap", reason: "descriptor area", descriptors: .max - 15),
  ]

  /// A packed ring's areas of 4 bytes, and descriptors of its own.
  private static let packedPlaces = [
    Place(name: "descriptors nowhere", reason: "descriptor ring of 1024 bytes at 0x1000", descriptors: 0x1000),
    Place(name: "descriptors over the end", reason: "descriptor ring", descriptors: end - 1008),
    Place(name: "descriptors over the border", reason: "descriptor ring", descriptors: border - 512),
    Place(name: "descriptors askew", reason: "is not aligned to 16 bytes", descriptors: base + 8),
    Place(name: "driver's wish nowhere", reason: "driver event area of 4 bytes at 0x0", available: 0),
    Place(name: "driver's wish over the end", reason: "driver event area", available: end - 2),
    Place(name: "driver's wish askew", reason: "is not aligned to 4 bytes", available: base + 0x1002),
    Place(name: "device's wish nowhere", reason: "device event area of 4 bytes", used: .max - 3),
    Place(name: "device's wish over the border", reason: "device event area", used: border - 2),
    Place(name: "device's wish askew", reason: "is not aligned to 4 bytes", used: base + 0x2002),
  ].map { place in
    var place = place
    place.format = .packed
    return place
  }

  private static func memory() throws -> SharedMemory {
    try SharedMemory([
      .init(guestAddress: 0x10_0000, size: 0x1_0000, userAddress: base),
      .init(guestAddress: 0x11_0000, size: 0x1_0000, userAddress: border),
    ])
  }

  /// Runs `body` with a front-end at the port, alone, that said all about ring 1 but where it is; then it is gone.
  private func withFrontEnd(
    of victim: Victim, isSetUp: Bool = true, _ body: (FrontEnd, SharedMemory) async throws -> Void
  ) async throws {
    let node = try #require(victim.bench.nodes.first { $0.name == "bad" })
    node.guest.disconnect()
    let memory = try Self.memory()
    let frontEnd = try FrontEnd(path: node.path)
    if isSetUp {
      try frontEnd.setOwner()
      try frontEnd.setProtocolFeatures(try frontEnd.getProtocolFeatures())
      try frontEnd.setFeatures(RingFormat.current.features(of: try frontEnd.getFeatures()))
      try frontEnd.setMemory(memory)
      try frontEnd.setRingSize(1, 64)
    }
    try await body(frontEnd, memory)
  }

  private func victim(_ format: RingFormat, _ body: (Victim) async throws -> Void) async throws {
    try await RingFormat.$current.withValue(format) { try await Victim.with { try await body($0) } }
  }

  /// Nacked if a reply is asked for; the session goes on.
  @Test(arguments: places + packedPlaces)
  func ringsInImpossiblePlacesAreNacked(place: Place) async throws {
    try await victim(place.format) { victim in
      try await withFrontEnd(of: victim) { frontEnd, _ in
        let kick = try EventDescriptor()
        #expect(throws: GuestKitError.nacked(request: Request.setRingKick.rawValue, value: 1)) {
          try frontEnd.setRingAddress(1, place.addresses)
          try frontEnd.setRingKick(1, kick.descriptor)
        }
        #expect(try frontEnd.getRingBase(1) == (place.format == .packed ? QueueState.packedBeginning : 0))
        #expect(openCopies(of: kick.descriptor) == 1)
      }
      try await victim.recover()
    }
  }

  /// Without a reply there is one way to say no: the connection ends, and the port says why.
  @Test(arguments: places + packedPlaces)
  func ringsInImpossiblePlacesEndTheConnection(place: Place) async throws {
    try await victim(place.format) { victim in
      try await withFrontEnd(of: victim) { frontEnd, memory in
        frontEnd.asksForReply = false
        try frontEnd.setRingAddress(1, place.addresses)
        try frontEnd.setRingKick(1, try EventDescriptor().descriptor)
        #expect(throws: GuestKitError.closed) { try frontEnd.barrier() }
        let reason = try await victim.bench.fault("bad")
        #expect(reason.contains(place.reason) && reason.contains("ring 1"), "\(reason)")
        #expect(await eventually { memory.descriptors.allSatisfy { openCopies(of: $0) == 1 } })
      }
      try await victim.recover()
    }
  }

  @Test(.everyRingFormat) func aRunningRingIsNotMovedToAnImpossiblePlace() async throws {
    try await Victim.with { victim in
      var addresses = try victim.bad.transmitRing().addresses
      addresses.used = 0x1000
      try victim.bad.say { frontEnd in
        frontEnd.asksForReply = true
        #expect(throws: GuestKitError.nacked(request: Request.setRingAddress.rawValue, value: 1)) {
          try frontEnd.setRingAddress(1, addresses)
        }
      }
      try victim.expectTraffic()
    }
  }

  /// All three areas in one place: nonsense, and nobody else's.
  @Test func ringsThatOverlapHurtNobodyElse() async throws {
    try await Victim.with { victim in
      try await withFrontEnd(of: victim) { frontEnd, memory in
        let kick = try EventDescriptor()
        for ring in [0, 1] as [UInt32] {
          try frontEnd.setRingSize(ring, 64)
          try frontEnd.setRingAddress(
            ring, RingAddresses(flags: 0, descriptors: Self.base, used: Self.base, available: Self.base, log: 0))
          try frontEnd.setRingKick(ring, ring == 1 ? kick.descriptor : try EventDescriptor().descriptor)
          try frontEnd.setRingEnable(ring, true)
        }
        for value in 0..<200 as Range<UInt16> {
          memory.store16(value, at: 0x10_0002)
          kick.signal()
          try victim.neighbour.send(Victim.frame(22, to: 21))
          #expect(try victim.neighbour.waitForTransmitted())
        }
      }
      try victim.expectOthersUnharmed()
      try await victim.recover()
    }
  }

  /// M11: a base far from where the driver is.
  @Test(arguments: [65, 0x8000, 0xFFFF] as [UInt32])
  func aBaseFarFromTheDriverIsAFault(base: UInt32) async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let ring = bad.transmitRing()
      try bad.say {
        let old = try $0.getRingBase(1)
        try $0.setRingBase(1, (old &+ base) & 0xFFFF)
        try $0.setRingAddress(ring)
        try $0.setRingKick(1, ring.kickEvent.descriptor)
      }
      // Behind what was used: that is not taken once more.
      if base == 0xFFFF {
        try victim.expectOthersUnharmed()
        try victim.expectTraffic()
        #expect(try await victim.bench.status("bad").error == nil)
      } else {
        let driver = ring.base
        try await victim.expectFault(
          "ring 1: started at position \((driver &+ base) & 0xFFFF), but the driver has come to \(driver)")
      }
    }
  }

  @Test(arguments: [0x1_0000, 0x1_0001, 0xFFFF_FFFF] as [UInt32])
  func aBaseOfMoreThanSixteenBitsIsRefused(base: UInt32) async throws {
    try await Victim.with { victim in
      try await withFrontEnd(of: victim) { frontEnd, _ in
        #expect(throws: GuestKitError.nacked(request: Request.setRingBase.rawValue, value: 1)) {
          try frontEnd.setRingBase(1, base)
        }
      }
      try await victim.recover()
    }
  }

  /// M11, packed: a position that cannot be is put right by what lies in the ring; one that is not in it is refused.
  @Test(arguments: [1, 5, 63, 64, 0x7FFF, 0x8000] as [UInt32])
  func aPackedBaseFarFromTheDriverIsPutRight(offset: UInt32) async throws {
    try await victim(.packed) { victim in
      let bad = try victim.bad
      let ring = bad.transmitRing()
      let word = ring.base & 0xFFFF ^ offset
      try bad.say { frontEnd in
        frontEnd.asksForReply = true
        _ = try frontEnd.getRingBase(1)
        try frontEnd.setRingBase(1, word | word << 16)
        try frontEnd.setRingAddress(ring)
        guard word & 0x7FFF >= 64 else { return try frontEnd.setRingKick(1, ring.kickEvent.descriptor) }
        #expect(throws: GuestKitError.nacked(request: Request.setRingKick.rawValue, value: 1)) {
          try frontEnd.setRingKick(1, ring.kickEvent.descriptor)
        }
      }
      let frame = Victim.frame(21, to: 22, seed: 5)
      try bad.send(frame)
      ring.kick()
      if word & 0x7FFF < 64 { #expect(try victim.neighbour.receive()?.frame == frame) }
      #expect(try await victim.bench.status("bad").error == nil)
      try await victim.recover()
    }
  }

  /// M12: questions about rings that were never set up.
  @Test(.everyRingFormat) func ringsThatNeverWereAnswer() async throws {
    try await Victim.with(pairs: 4) { victim in
      try await withFrontEnd(of: victim, isSetUp: false) { frontEnd, _ in
        for _ in 0..<3 {
          for ring in 0..<8 as Range<UInt32> {
            #expect(try frontEnd.getRingBase(ring) == 0)
            try frontEnd.setRingEnable(ring, true)
            try frontEnd.setRingCall(ring, try EventDescriptor().descriptor)
            try frontEnd.setRingError(ring, try EventDescriptor().descriptor)
            try frontEnd.setRingEnable(ring, false)
          }
        }
        try frontEnd.barrier()
      }
      #expect(try await victim.bench.status("bad").error == nil)
      try await victim.recover()
    }
  }

  /// After a stop the old addresses are forgotten: a kick without new ones must not start the ring.
  @Test(.everyRingFormat) func aStoppedRingForgetsItsAddresses() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      try bad.say { frontEnd in
        frontEnd.asksForReply = true
        _ = try frontEnd.getRingBase(1)
        _ = try frontEnd.getRingBase(1)
        #expect(throws: GuestKitError.nacked(request: Request.setRingKick.rawValue, value: 1)) {
          try frontEnd.setRingKick(1, bad.transmitRing().kickEvent.descriptor)
        }
      }
      try await victim.recover()
    }
  }

  /// Addresses and kick before any memory: the ring starts when memory comes.
  @Test(.everyRingFormat) func aRingWaitsForItsMemory() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      try await withFrontEnd(of: victim, isSetUp: false) { frontEnd, _ in
        for ring in bad.rings {
          ring.reset()
          let index = UInt32(ring.index)
          try frontEnd.setRingSize(index, 64)
          try frontEnd.setRingAddress(ring)
          try frontEnd.setRingCall(index, ring.callEvent.descriptor)
          try frontEnd.setRingKick(index, ring.kickEvent.descriptor)
          ring.usesEventIndex = false
        }
        // Without VHOST_USER_F_PROTOCOL_FEATURES all rings are enabled.
        try frontEnd.setFeatures(RingFormat.current.features(of: VirtioFeature.version1))
        let frame = Victim.frame(21, to: 22)
        try bad.send(frame)
        try frontEnd.barrier()
        #expect(try victim.neighbour.receive(timeout: 0) == nil)
        try frontEnd.setMemory(bad.memory)
        #expect(try victim.neighbour.receive()?.frame == frame)
      }
    }
  }
}
