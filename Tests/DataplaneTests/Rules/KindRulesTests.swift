import GuestKit
import Testing

@testable import Dataplane

/// Rules of ports of every kind.
@Suite struct KindRulesTests {
  @Test(arguments: PortContract.kinds) func everyKindIsJudgedBothWays(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
    let frames = ([80, 81] as [UInt16]).map {
      builder.udp(
        from: [10, 0, 0, 1], to: [10, 0, 0, 2], ports: (4000, $0), payload: [UInt8](repeating: 1, count: 900)
      ).frame
    }
    let list = [AccessRule(.allow, .udp, ports: [80...80])]
    bench.core.coldSetRules(0, PortRules(access: AccessList(name: "web", toNode: list, fromNode: list)))
    for frame in frames { #expect(try bench.send(frame, from: 1)) }
    #expect(bench.counts(0).sent == 1 && bench.blocks[0]?.egressDrops == ["acl": 1])
    if bench.hasFarSide(0) { #expect(try bench.received(0) == [frames[0]]) }
    guard try bench.send(frames[1], from: 0) else { return }
    #expect(try bench.send(frames[0], from: 0) && bench.received(1) == [frames[0]])
    #expect(bench.blocks[0]?.ingressDrops == ["acl": 1])
  }
}
