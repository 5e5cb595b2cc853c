import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// What a list says of a frame.
@Suite struct RuleMatchTests {
  private func decide(_ table: borrowing RuleTable, _ frame: [UInt8]) -> RuleTable.Decision {
    let view = HeaderBytes.withFirst(of: Array(frame.prefix(Burst.scratchSlotSize))) { FrameView(parsing: $0) }
    return table.decide(view ?? FrameView())
  }

  /// Any rules and any frames: tagged, cut off, fragments, chains of headers, wrong lengths.
  @Test(arguments: 0..<8) func listsDecideAsThePlainModel(seed: Int) throws {
    var random = RandomFrames(seed: UInt64(seed) + 1)
    var decided: [Int: Int] = [:]
    for _ in 0..<200 {
      let rules = (0..<(1 + random.below(12))).map { _ in random.rule() }
      let table = RuleTable(rules)
      for _ in 0..<60 {
        let frame = random.frame()
        let expected = RuleOracle.decide(rules, frame)
        let found = decide(table, frame)
        let number = expected.rule.map { $0 < 0 ? rules.count + 1 : $0 } ?? rules.count
        decided[min(number, rules.count + 1) - rules.count, default: 0] += 1
        guard found != RuleTable.Decision(number: number, allows: expected.allows) else { continue }
        Issue.record("\(found), expected \(expected), of \(rules) for \(frame)")
        return
      }
    }
    #expect(decided[0, default: 0] > 500 && decided[1, default: 0] > 500)
    #expect(decided.filter { $0.key < 0 }.values.reduce(0, +) > 1000)
  }

  /// What is read of a burst, by the quick way where there is one, is what the whole reading says.
  @Test func aBurstShowsWhatAFrameIs() throws {
    var random = RandomFrames(seed: 77)
    let burst = Burst()
    let pool = ReceivePool()
    var quick = 0
    for _ in 0..<20_000 {
      let frame = random.frame()
      burst.reset()
      pool.note(frame, in: burst)
      burst.look(0)
      let found = burst.views[0]
      let whole = HeaderBytes.withFirst(of: Array(frame.prefix(Burst.scratchSlotSize))) { FrameView(parsing: $0) }
      let view = try #require(whole)
      if burst.frames[0].scratchSize <= Burst.scratchRule, view.kind == .tcp4 { quick += 1 }
      #expect((found.word, found.source, found.link) == (view.word, view.source, view.link), "\(frame)")
      #expect((found.sourceLow, found.destination) == (view.sourceLow, view.destination))
      #expect(found.unseen == view.unseen)
      #expect((found.network, found.transport) == (view.network, view.transport))
    }
    #expect(quick > 1000)
  }

  private static let ip4 = (from: [10, 0, 0, 1] as [UInt8], to: [10, 0, 0, 2] as [UInt8])
  private static let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))

  private static func tcp(_ port: UInt16) -> [UInt8] {
    builder.tcp(from: ip4.from, to: ip4.to, ports: (4000, port), payload: [1]).frame
  }

  @Test func theFirstRuleThatFitsDecidesAndThenTheDefault() {
    let table = RuleTable([
      AccessRule(.deny, .tcp, ports: [22...22]), AccessRule(.allow, .tcp, ports: [20...25, 80...80]),
    ])
    #expect(decide(table, Self.tcp(22)) == .init(number: 0, allows: false))
    #expect(decide(table, Self.tcp(23)) == .init(number: 1, allows: true))
    #expect(decide(table, Self.tcp(80)) == .init(number: 1, allows: true))
    #expect(decide(table, Self.tcp(81)) == .init(number: 2, allows: false))
  }

  @Test func whatANodeNeedsPassesUnlessARuleNamesIt() {
    let arp = Self.builder.arp(
      operation: 1, senderAddress: FrameBuilder.station(1), senderIP: Self.ip4.from,
      targetAddress: FrameBuilder.station(0), targetIP: Self.ip4.to)
    let dhcp = Self.builder.udp(from: [0, 0, 0, 0], to: [255, 255, 255, 255], ports: (68, 67), payload: [1]).frame
    for rules in [[], [AccessRule(.deny, .any)], [AccessRule(.deny, .ip), AccessRule(.deny, .udp)]] {
      let table = RuleTable(rules)
      #expect(decide(table, arp) == .init(number: rules.count + 1, allows: true))
      #expect(decide(table, dhcp) == .init(number: rules.count + 1, allows: true))
    }
    #expect(!decide(RuleTable([AccessRule(.deny, .arp)]), arp).allows)
    #expect(!decide(RuleTable([AccessRule(.deny, .udp, ports: [67...68])]), dhcp).allows)
  }

  @Test func rulesThatCannotBeAreSaid() {
    let (four, six) = (AddressRange(ipv4: 1), AddressRange(ipv6: 1, 1))
    let impossible = [
      AccessRule(.allow, .icmp, ports: [1...1]), AccessRule(.allow, .any, fromPorts: [1...1]),
      AccessRule(.allow, .arp, from: six), AccessRule(.allow, .ip, to: six), AccessRule(.allow, .ipv6, from: four),
      AccessRule(.allow, .tcp, from: four, to: six), AccessRule(.allow, .ip, etherType: 0x0806),
      AccessRule(.allow, .tcp, ports: [ClosedRange<UInt16>](repeating: 1...1, count: 17)),
    ]
    for rule in impossible { #expect(rule.problem != nil, "\(rule)") }
    #expect(AccessRule(.allow, .number(6), ports: [1...2]).problem == nil)
    #expect(AccessRule(.allow, .any, from: four, etherType: 0x0806).problem == nil)
    var rules = PortRules()
    rules.rateToNode = 999
    #expect(rules.problem?.contains("999") == true)
    rules = PortRules(access: AccessList(name: "web", fromNode: impossible))
    #expect(rules.problem?.hasPrefix("access list web, from-node 1") == true)
  }
}
