import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// M18: event descriptors that block their writer, since their owner filled the counter and made them blocking again.
///
/// Within about a second the write is broken off, that port fails, and others go on.
@Suite(.everyRingFormat) struct WatchdogTests {
  /// Fills an eventfd and clears O_NONBLOCK, which all its descriptors share.
  private func jam(_ event: EventDescriptor) {
    var value = UInt64.max - 1
    event.drain()
    #expect(write(event.raw, &value, 8) == 8)
    let flags = fcntl(event.raw, F_GETFL)
    #expect(fcntl(event.raw, F_SETFL, flags & ~O_NONBLOCK) == 0)
  }

  /// A full counter alone is no fault: its reader is awake.
  @Test func aFullCounterIsNoFault() async throws {
    try await Victim.with { victim in
      let ring = try victim.bad.receiveRing()
      var value = UInt64.max - 1
      ring.callEvent.drain()
      #expect(write(ring.callEvent.raw, &value, 8) == 8)
      ring.armCalls(after: 1)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      #expect(try victim.neighbour.waitForTransmitted())
      #expect(ring.usedCount == 1)
      #expect(try await victim.bench.status("bad").error == nil)
    }
  }

  @Test func aCallThatBlocksItsNeighbourIsBroken() async throws {
    try await Victim.with { victim in
      let ring = try victim.bad.receiveRing()
      jam(ring.callEvent)
      ring.armCalls(after: 1)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      try await victim.expectFault("ring 0: call descriptor blocked a write")
      #expect(try await victim.bench.status("neighbour").error == nil)
    }
  }

  @Test func aCallThatBlocksOnTransmissionIsBroken() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      jam(bad.transmitRing().callEvent)
      bad.transmitRing().armCalls(after: bad.transmitRing().usedCount + 1)
      try bad.send(Victim.frame(21, to: 22))
      #expect(try victim.neighbour.receive(timeout: 5000)?.frame == Victim.frame(21, to: 22))
      try await victim.expectFault("ring 1: call descriptor blocked a write")
    }
  }

  /// The error descriptor is written when a ring fails; it must not hang the worker either.
  @Test func anErrorDescriptorThatBlocksIsBroken() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let error = try EventDescriptor()
      try bad.say { try $0.setRingError(1, error.descriptor) }
      jam(error)
      bad.breakTransmitRing()
      try await victim.expectFault(VirtualGuest.brokenRing)
      #expect(await eventually { openCopies(of: error.descriptor) == 1 })
    }
  }

  /// Two descriptors that block, one after the other: each is broken.
  @Test func bothDescriptorsMayBlock() async throws {
    try await Victim.with { victim in
      let bad = try victim.bad
      let error = try EventDescriptor()
      try bad.say { try $0.setRingError(0, error.descriptor) }
      jam(error)
      jam(bad.receiveRing().callEvent)
      bad.receiveRing().armCalls(after: 1)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      try await victim.expectFault("ring 0: call descriptor blocked a write")
    }
  }
}
