import GuestKit
import LinuxHost
import Testing

@testable import Dataplane

/// Every kind of port, the trace and the delay lines go by the one rule of Egress.
@Suite struct DeliveryTests {
  @Test(arguments: PortContract.kinds) func everyKindHasTheSizeRuleOfTheTrace(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    var sent: UInt64 = 0
    for (tags, largest) in [([], 1514), ([FrameBuilder.Tag(7)], 1518), ([.init(7), .init(8)], 1518)] {
      for size in (largest - 1)...(largest + 4) {
        let bytes = frame(1, tags: tags, size: size)
        let trace = bench.core.forwarder.coldTrace(1, bytes, bench.core.state)
        #expect(try bench.send(bytes, from: 1))
        if size <= largest { sent += 1 }
        #expect(bench.counts(0).sent == sent, "\(kind) \(tags) \(size)")
        #expect(trace.outputs.map(\.port) == (size <= largest ? [0] : []))
        #expect(trace.drops == (size <= largest ? [] : [FrameDrop(EgressDrop.tooBig)]))
      }
    }
  }

  /// Frames that leave have nothing to do with the counts of those that do not, whatever comes in between.
  @Test(arguments: PortContract.kinds) func packetsAndDropsAddUp(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    for size in [60, 1515, 1514, 1600, 64, 1519, 300] {
      #expect(try bench.send(frame(1, size: size), from: 1))
    }
    #expect(bench.counts(0).sent == 4)
    #expect(bench.blocks[0]?.egressDrops == ["too-big": 3])
    #expect(bench.blocks[0]?.value(CounterBlock.Slot.transmitBytes) == 60 + 1514 + 64 + 300)
  }

  @Test func aDeliveryHasItsOwnFramesOnly() {
    let pending = FixedArray<PendingFrame>(count: 8) { _ in .none }
    let traits = EgressTraits(mtu: 1500, takesPartialChecksums: false)
    var outcome = TransmitOutcome()
    outcome.drop(1, .tapBusy, of: Delivery(pending, from: 2, count: 3, traits))
    outcome.drop(from: 1, .guestFault, of: Delivery(pending, from: 5, count: 2, traits))
    #expect(outcome.hasDrops)
    let all = TransmitOutcome.nobodyThere(Delivery(pending, from: 0, count: 2, traits))
    let names = (0..<8).map { FrameDrop(rawValue: pending[$0].verdict).name }
    #expect(names == ["carrier-down", "carrier-down", nil, "tap-busy", nil, nil, "guest-fault", nil])
    #expect(all.packets == 0 && all.bytes == 0 && all.fault == nil && all.hasDrops)
    let none = Delivery(pending, from: 8, count: 0, traits)
    #expect(none.count == 0)
  }
}
