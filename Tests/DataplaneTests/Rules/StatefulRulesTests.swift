import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// Answers to what a list has let through.
@Suite(.everyRingFormat) struct StatefulRulesTests {
  static let node: [UInt8] = [10, 0, 0, 1]
  static let other: [UInt8] = [10, 0, 0, 2]

  /// A node at port 0, whose list lets it open anything and others nothing, and another one at port 1.
  private func bench(toNode: [AccessRule] = []) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<2 { try bench.addGuest(.access(vlan: 1)) }
    bench.worker.setRules(
      port: 0,
      PortRules(access: AccessList(name: "client", isStateful: true, toNode: toNode, fromNode: [.init(.allow, .any)])))
    return bench
  }

  /// A segment of TCP with flags; from the node, or to it.
  private func tcp(_ flags: UInt8, fromNode: Bool, port: UInt16 = 80) -> [UInt8] {
    let builder = FrameBuilder(
      to: FrameBuilder.station(fromNode ? 2 : 1), from: FrameBuilder.station(fromNode ? 1 : 2))
    let ports: (UInt16, UInt16) = fromNode ? (4000, port) : (port, 4000)
    let (from, to) = fromNode ? (Self.node, Self.other) : (Self.other, Self.node)
    var frame = builder.tcp(from: from, to: to, ports: ports, payload: []).frame
    frame[47] = flags
    return frame
  }

  /// Sends a frame from a port; whether the other one got it.
  private func passes(_ frame: [UInt8], _ bench: DrivenBench, from port: Int) throws -> Bool {
    try bench.send([frame], from: port, at: 0)
    return try bench.frames(1 - port) == [frame]
  }

  private let fin: UInt8 = 1
  private let syn: UInt8 = 2
  private let rst: UInt8 = 4
  private let ack: UInt8 = 16

  @Test func aConnectionIsAnsweredForAsLongAsItLives() throws {
    let bench = try bench()
    #expect(try !passes(tcp(syn, fromNode: false), bench, from: 1))
    #expect(try passes(tcp(syn, fromNode: true), bench, from: 0))
    #expect(try !passes(tcp(syn, fromNode: false), bench, from: 1), "what opens is no answer")
    #expect(try passes(tcp(syn | ack, fromNode: false), bench, from: 1))
    #expect(try passes(tcp(ack, fromNode: true), bench, from: 0))
    bench.worker.tick += 3600
    #expect(try passes(tcp(ack, fromNode: false), bench, from: 1))
    bench.worker.tick += 3601
    #expect(try !passes(tcp(ack, fromNode: false), bench, from: 1))
    let status = try #require(bench.ruleStatus(0))
    #expect(status.toNodeAnswers == 2 && status.fromNodeHits == [2, 0] && status.toNodeHits == [3])
    #expect(bench.drops(0) == ["acl": 3])
  }

  @Test func aConnectionThatEndsIsForgottenSoon() throws {
    let bench = try bench()
    #expect(try passes(tcp(syn, fromNode: true), bench, from: 0))
    bench.worker.tick += 61
    #expect(try !passes(tcp(syn | ack, fromNode: false), bench, from: 1), "nobody answered for a minute")
    #expect(try passes(tcp(syn, fromNode: true), bench, from: 0))
    #expect(try passes(tcp(syn | ack, fromNode: false), bench, from: 1))
    #expect(try passes(tcp(fin | ack, fromNode: true), bench, from: 0))
    bench.worker.tick += 60
    #expect(try passes(tcp(ack, fromNode: false), bench, from: 1))
    #expect(try passes(tcp(rst, fromNode: true), bench, from: 0))
    bench.worker.tick += 40
    #expect(try passes(tcp(ack, fromNode: false), bench, from: 1))
    bench.worker.tick += 21
    #expect(try !passes(tcp(ack, fromNode: false), bench, from: 1), "a reset is not put off by what follows")
  }

  @Test func datagramsAndEchoesAreAnswered() throws {
    let bench = try bench()
    let ask = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
    let answer = FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2))
    func reply() -> [UInt8] {
      answer.udp(from: Self.other, to: Self.node, ports: (5000, 4000), payload: [UInt8](repeating: 1, count: 20)).frame
    }
    #expect(try !passes(reply(), bench, from: 1))
    #expect(
      try passes(
        ask.udp(from: Self.node, to: Self.other, payload: [UInt8](repeating: 1, count: 20)).frame, bench, from: 0))
    bench.worker.tick += 60
    #expect(try passes(reply(), bench, from: 1))
    bench.worker.tick += 61
    #expect(try !passes(reply(), bench, from: 1))
    let echo = { (type: UInt8, builder: FrameBuilder, from: [UInt8], to: [UInt8]) in
      builder.frame(
        type: 0x0800,
        payload: [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0] + from + to + [type, 0, 0, 0, 0, 9, 0, 1]
          + [UInt8](repeating: 0, count: 32))
    }
    #expect(try passes(echo(8, ask, Self.node, Self.other), bench, from: 0))
    #expect(try !passes(echo(8, answer, Self.other, Self.node), bench, from: 1))
    #expect(try passes(echo(0, answer, Self.other, Self.node), bench, from: 1))
    bench.worker.tick += 31
    #expect(try !passes(echo(0, answer, Self.other, Self.node), bench, from: 1))
  }

  @Test func messagesAboutAFlowPassAndOthersDoNot() throws {
    let bench = try bench()
    #expect(try passes(tcp(syn, fromNode: true), bench, from: 0))
    let error = { (port: UInt16) in
      let quoted = Array(self.tcp(2, fromNode: true, port: port)[14..<42])
      return FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2)).frame(
        type: 0x0800,
        payload: [0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 254] + Self.node + [3, 4, 0, 0, 0, 0, 5, 0]
          + quoted)
    }
    #expect(try passes(error(80), bench, from: 1))
    #expect(try !passes(error(81), bench, from: 1))
  }

  /// A flood of datagrams that nobody answers takes nobody's connection away.
  @Test func aFullTableKeepsWhatWasAnswered() throws {
    let bench = try bench()
    for port in 1...50 as ClosedRange<UInt16> {
      #expect(try passes(tcp(syn, fromNode: true, port: port), bench, from: 0))
      #expect(try passes(tcp(syn | ack, fromNode: false, port: port), bench, from: 1))
    }
    let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
    for number in 0..<9000 {
      let frame = builder.udp(
        from: Self.node, to: Self.other, ports: (UInt16(1000 + number), 53), payload: [UInt8](repeating: 1, count: 20)
      ).frame
      try bench.send([frame], from: 0, at: 0)
      if number % 50 == 0 { _ = try bench.frames(1) }
    }
    _ = try bench.frames(1)
    let status = try #require(bench.ruleStatus(0))
    #expect(status.flowLimit == 4096 && (3500...4096).contains(status.flowCount))
    for port in 1...50 as ClosedRange<UInt16> {
      #expect(try passes(tcp(ack, fromNode: false, port: port), bench, from: 1))
    }
    bench.worker.tick += 3601
    #expect(bench.ruleStatus(0)?.flowCount == 0)
  }

  @Test func flowsStayWithTheirListAndGoWithAnother() throws {
    let bench = try bench()
    #expect(try passes(tcp(syn, fromNode: true), bench, from: 0))
    var rules = try #require(bench.ruleStatus(0)).rules
    rules.rateFromNode = 1_000_000_000
    bench.worker.setRules(port: 0, rules)
    #expect(try passes(tcp(syn | ack, fromNode: false), bench, from: 1))
    rules.access?.name = "another"
    bench.worker.setRules(port: 0, rules)
    #expect(try !passes(tcp(ack, fromNode: false), bench, from: 1))
    #expect(bench.ruleStatus(0)?.fromNodeHits == [0, 0])
  }

  /// What was kept for another process, or for later, is as it was; what is changed on the way is left out.
  @Test func stateGoesOnElsewhere() throws {
    let first = try bench()
    #expect(try passes(tcp(syn, fromNode: true), first, from: 0))
    #expect(try passes(tcp(syn | ack, fromNode: false), first, from: 1))
    first.worker.tick += 100
    let state = try #require(first.ruleStates().first)
    #expect(state.flowCount == 1)
    let second = try bench()
    second.worker.core.coldRestoreRules(0, state.after(seconds: 10))
    #expect(try passes(tcp(ack, fromNode: false), second, from: 1))
    #expect(second.ruleStatus(0)?.fromNodeHits == [1, 0])
    let rules = try #require(second.ruleStatus(0)).rules
    var random = SeededRandom(seed: 3)
    for _ in 0..<500 {
      var spoilt = state
      let place = Int(random.next() % UInt64(RuleState.Flow.size))
      spoilt.packedFlows.bytes[place] ^= UInt8(1 << (random.next() % 8))
      second.worker.setRules(port: 0, PortRules())
      second.worker.setRules(port: 0, rules)
      second.worker.core.coldRestoreRules(0, spoilt)
      #expect(second.ruleStatus(0)?.flowCount ?? 9 <= 1)
    }
  }
}

extension DrivenBench {
  /// What a port's rules did; nil = it has none.
  func ruleStatus(_ port: Int) -> RuleStatus? { worker.ruleStatus(port: port) }

  func ruleStates() -> [RuleState] { worker.core.coldRuleStates(of: [(index: 0, name: "a")]) }

  var stationCount: Int { worker.stationCount }

  /// The port behind which a station of VLAN 1 is known.
  func portOf(_ station: Int) -> Int? {
    worker.table.fdb.lookup(FDB.key(vlan: 1, FrameBuilder.address(station)))?.port
  }
}
