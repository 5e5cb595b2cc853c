import Dataplane
import Foundation
import Frames
import GuestKit
import TestSupport
import Testing

/// Rules as the control side sets them, on whole data planes.
@Suite struct PlaneRulesTests {
  private static let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))

  private static func udp(_ port: UInt16, tags: [FrameBuilder.Tag] = []) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1), tags: tags).udp(
      from: [10, 0, 0, 1], to: [10, 0, 0, 2], ports: (4000, port), payload: [UInt8](repeating: 1, count: 30)
    ).frame
  }

  private static func list(_ name: String = "web", allowing port: UInt16, stateful: Bool = false) -> PortRules {
    let rules = [AccessRule(.allow, .udp, ports: [port...port])]
    return PortRules(access: AccessList(name: name, isStateful: stateful, toNode: rules))
  }

  @Test func rulesAreSetAskedAndTakenAway() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      #expect(try await bench.dataplane.ruleStatus(port: "b") == nil)
      try await bench.dataplane.setRules(port: "b", Self.list(allowing: 80))
      try bench.expect(Self.udp(80), from: "a", reaches: ["b": Self.udp(80)])
      try bench.expect(Self.udp(81), from: "a", reaches: [:])
      #expect(try await bench.dataplane.ruleStatus(port: "b")?.toNodeHits == [1, 1])
      #expect(try await bench.status("b").dropsOut == ["acl": 1])
      try await bench.dataplane.setRules(port: "b", PortRules())
      try bench.expect(Self.udp(81), from: "a", reaches: ["b": Self.udp(81)])
      #expect(try await bench.dataplane.ruleStatus(port: "b") == nil)
      await #expect(throws: DataplaneError.unknownPort("c")) {
        try await bench.dataplane.setRules(port: "c", PortRules())
      }
      await #expect(throws: DataplaneError.invalid("port b: rate of 1 bit/s is outside 1000...1000000000000")) {
        try await bench.dataplane.setRules(port: "b", PortRules(rateToNode: 1))
      }
    }
  }

  @Test func aPortHasItsRulesFromItsFirstFrameOnAndTheNextByItsNameHasNone() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      var port = PortConfiguration(
        name: "b", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(2),
        backend: .vhostUser(VhostUserSocket(path: bench.path("b"))))
      port.rules = Self.list(allowing: 80)
      try await bench.dataplane.addPort(port)
      #expect(try await bench.dataplane.ruleStatus(port: "b")?.rules == port.rules)
      try await bench.dataplane.removePort("b")
      port.rules = PortRules()
      try await bench.dataplane.addPort(port)
      #expect(try await bench.dataplane.ruleStatus(port: "b") == nil)
      port.name = "c"
      port.rules.rateToNode = 1
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.addPort(port) }
    }
  }

  @Test func wiresAndTrunksAndPortsWithoutVLANsAreJudgedToo() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["t", "u"] { try await bench.addGuest(name, .trunk(allowed: .all, native: nil)) }
      _ = try await bench.addWire("w1", "w2")
      try await bench.addSwitch("plain")
      for name in ["x", "y"] { try await bench.addGuest(name, .transparent, on: "plain") }
      for (from, to) in [("t", "u"), ("w1", "w2"), ("x", "y")] {
        try await bench.dataplane.setRules(port: to, Self.list(allowing: 80))
        let tags = [FrameBuilder.Tag(5)]
        let (good, bad) = (Self.udp(80, tags: tags), Self.udp(81, tags: tags))
        try bench.expect(good, from: from, reaches: [to: good])
        try bench.expect(bad, from: from, reaches: [:])
        #expect(try await bench.status(to).dropsOut == ["acl": 1])
        let rules = PortRules(access: AccessList(name: "out", fromNode: [AccessRule(.deny, .udp, ports: [80...80])]))
        try await bench.dataplane.setRules(port: from, rules)
        try bench.expect(good, from: from, reaches: [:])
        #expect(try await bench.status(from).dropsIn == ["acl": 1])
      }
    }
  }

  /// What a trace says comes true, and it names the rule; nothing of it counts.
  @Test func tracesNameTheRule() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
      try await bench.dataplane.setRules(port: "b", Self.list(allowing: 80))
      var rules = PortRules(macLock: FrameBuilder.address(1), isIsolated: true)
      try await bench.dataplane.setRules(port: "a", rules)
      rules = PortRules(isIsolated: true)
      try await bench.dataplane.setRules(port: "c", rules)
      let good = try await bench.dataplane.trace(port: "a", frame: Self.udp(80))
      #expect(good.outputs.map(\.port) == ["b"] && good.drops == ["isolated"])
      #expect(good.steps.map(\.text).contains("b: rule 1 of web, to-node, allows it"))
      let bad = try await bench.dataplane.trace(port: "a", frame: Self.udp(81))
      #expect(bad.outputs.isEmpty && Set(bad.drops) == ["acl", "isolated"])
      #expect(bad.steps.map(\.text).contains("b: no rule of web, to-node, takes it, so it is denied"))
      let spoofed = try await bench.dataplane.trace(port: "a", frame: frame(3, to: 2))
      #expect(spoofed.drops == ["spoofed"])
      #expect(try await bench.dataplane.ruleStatus(port: "b")?.toNodeHits == [0, 0])
      try bench.expect(Self.udp(80), from: "a", reaches: ["b": Self.udp(80)])
    }
  }

  /// A state that a program without rules has written down is read, and one with rules comes back.
  @Test func whatRulesCameToIsWrittenDown() async throws {
    var written = Data()
    for turn in 0..<2 {
      try await Bench.with { bench in
        try await bench.addSwitch()
        for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
        let rules = PortRules(
          access: AccessList(name: "out", isStateful: true, toNode: [], fromNode: [AccessRule(.allow, .any)]))
        try await bench.dataplane.setRules(port: "a", rules)
        let answer = FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2)).udp(
          from: [10, 0, 0, 2], to: [10, 0, 0, 1], ports: (80, 4000), payload: [UInt8](repeating: 1, count: 30)
        ).frame
        if turn == 0 {
          try bench.expect(answer, from: "b", reaches: [:])
          try bench.expect(Self.udp(80), from: "a", reaches: ["b": Self.udp(80)])
          written = try JSONEncoder().encode(await bench.dataplane.save())
        } else {
          await bench.dataplane.restore(try JSONDecoder().decode(PlaneState.self, from: written))
        }
        try bench.expect(answer, from: "b", reaches: ["a": answer])
      }
    }
    var object = try #require(JSONSerialization.jsonObject(with: written) as? [String: Any])
    #expect(object.removeValue(forKey: "rules") != nil)
    let old = try JSONDecoder().decode(PlaneState.self, from: JSONSerialization.data(withJSONObject: object))
    #expect(old.rules == nil)
  }

  /// Rules change while frames move between ports of several workers: each frame passes or is counted, and none passes that
  /// the rules in force forbid.
  @Test(arguments: [1, 3]) func rulesChangeUnderTraffic(workers: Int) async throws {
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let c = FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(3)).plain(size: 60)
      try bench.exchange(c, from: "c")
      let plane = bench.dataplane
      var counts = (passed: 0, sent: 0)
      for turn in 0..<60 {
        let allows = turn % 2 == 0
        let rules = Self.list("n\(turn % 3)", allowing: allows ? 80 : 81, stateful: turn % 4 < 2)
        async let change: Void = plane.setRules(port: "b", rules)
        let burst = [[UInt8]](repeating: Self.udp(80), count: 20)
        try bench.guest("a").send(burst: burst)
        try await change
        counts.passed += try bench.collect(after: bench.guest("a"))["b"]?.count ?? 0
        try bench.guest("a").send(burst: burst)
        let after = try bench.collect(after: bench.guest("a"))["b"]?.count ?? 0
        #expect(after == (allows ? 20 : 0))
        counts = (counts.passed + after, counts.sent + 40)
      }
      let dropped = try await bench.status("b").dropsOut["acl"] ?? 0
      #expect(counts.passed + Int(dropped) == counts.sent)
    }
  }
}
