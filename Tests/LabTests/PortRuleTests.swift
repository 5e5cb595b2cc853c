import Dataplane
import FoundationEssentials
import Frames
import Testing
import Topology

@testable import Lab

/// What a port lets through: of the file, of what was said since, and what the data plane is told.
@Suite struct PortRuleTests {
  private static let lab: CanonicalLab = {
    var lab = CanonicalLab(name: "apl1")
    lab.switches = [SwitchDefinition(name: "sw1")]
    var web = AccessDefinition(name: "web")
    var rule = AccessRuleDefinition(.allow, .tcp)
    (rule.from, rule.ports) = (AddressBlock("10.9.0.0/16"), [PortSpan("80"), PortSpan("8000-8010")].compactMap(\.self))
    (web.isStateful, web.toNode) = (true, [rule, AccessRuleDefinition(.deny, .number(89))])
    lab.access = [web, AccessDefinition(name: "all")]
    lab.nodes = [
      node("p1", "netns", [nic(addresses: ["10.0.0.5/24", "fd00::5/64"])]),
      node("up", "nic", [nic("eth7", mac: "02:00:00:00:00:07")]),
    ]
    return lab
  }()

  private func rules(_ settings: [RuleKey: String]) throws -> PortRules {
    let rules = try RulesDefinition().changed(by: settings)
    return try Self.lab.nodes[0].nics[0].portRules(rules, of: Self.lab.nodes[0], in: Self.lab)
  }

  @Test func everyWordReachesTheDataPlane() throws {
    #expect(try rules([:]).isEmpty)
    let all = try rules([
      .access: "web", .macLock: "on", .ipLock: "on", .learnLimit: "8", .isolated: "on", .broadcastStorm: "100/s",
      .multicastStorm: "200/s", .unknownStorm: "1000/s", .rateToNode: "10Mbit", .rateFromNode: "1Gbit",
    ])
    #expect(all.macLock == Self.lab.nodes[0].nics[0].mac)
    #expect(all.ipLock == [AddressRange(ipv4: 0x0A00_0005), AddressRange(ipv6: 0xFD00 << 48, 5)])
    #expect(!all.learnsAddresses)
    #expect((all.learnLimit, all.isIsolated) == (8, true))
    #expect((all.broadcastStorm, all.multicastStorm, all.unknownStorm) == (100, 200, 1000))
    #expect((all.rateToNode, all.rateFromNode) == (10_000_000, 1_000_000_000))
    #expect(
      all.access
        == AccessList(
          name: "web", isStateful: true,
          toNode: [
            AccessRule(
              .allow, .tcp, from: AddressRange(ipv4: 0x0A09_0000, length: 16), ports: [80...80, 8000...8010]),
            AccessRule(.deny, .number(89)),
          ]))
    #expect(try rules([.ipLock: "10.0.0.0/8,fd00::7"]).ipLock?.count == 2)
  }

  @Test func wordsAreReadAndWrittenAlike() throws {
    let words = [
      RuleKey.access: "web", .macLock: "on", .ipLock: "10.0.0.0/8,fd00::7", .learnLimit: "1", .isolated: "on",
      .broadcastStorm: "1/s", .multicastStorm: "2/s", .unknownStorm: "10000000/s", .rateToNode: "1kbit",
      .rateFromNode: "1500kbit",
    ]
    let rules = try RulesDefinition().changed(by: words)
    for key in RuleKey.allCases { #expect(rules.text(of: key) == words[key]) }
    let neutral = Dictionary(uniqueKeysWithValues: RuleKey.allCases.map { ($0, $0.neutralWord) })
    #expect(try rules.changed(by: neutral).isEmpty)
    let bytes = try JSONEncoder().encode(rules)
    #expect(try JSONDecoder().decode(RulesDefinition.self, from: bytes) == rules)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(RulesDefinition.self, from: Data(#"{"learn-limit": "0"}"#.utf8))
    }
  }

  @Test func locksNeedSomethingToGoBy() throws {
    let (up, lab) = (Self.lab.nodes[1], Self.lab)
    func refusal(_ settings: [RuleKey: String]) -> String {
      do {
        _ = try up.nics[0].portRules(try RulesDefinition().changed(by: settings), of: up, in: lab)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(refusal([.macLock: "on"]).contains("behind this one are others"))
    #expect(refusal([.ipLock: "on"]).contains("none is known"))
    #expect(refusal([.ipLock: "10.0.0.1"]) == "")
    #expect(refusal([.access: "wab"]).contains("did you mean \"web\"?"))
  }

  @Test func aServerOfTheVLANGivesAddresses() throws {
    var lab = Self.lab
    var server = node("dhcp-red", "dhcp", [nic(mac: "02:00:00:00:00:09")])
    server.dhcp = DHCPDefinition()
    server.nics[0].attachment = .switchPort(switch: "sw1", mode: .access(10))
    lab.nodes.append(server)
    lab.nodes[0].nics[0].addresses = []
    lab.nodes[0].nics[0].rules.ipLock = .own
    func learns(_ mode: VLANMode) -> Bool? {
      lab.nodes[0].nics[0].attachment = .switchPort(switch: "sw1", mode: mode)
      let nic = lab.nodes[0].nics[0]
      return try? nic.portRules(nic.rules, of: lab.nodes[0], in: lab).learnsAddresses
    }
    #expect(learns(.access(10)) == true)
    #expect(learns(.trunk(allowed: [5...20], native: nil)) == true)
    #expect(learns(.access(11)) == nil)
  }

  // MARK: - What was said at run time

  @Test func whatWasSaidIsOverTheFile() throws {
    var file = RulesDefinition()
    (file.access, file.learnLimit) = ("web", 4)
    var said = RunTimeState.Port()
    said.rules = ["access": "none", "isolated": "on", "of-another-version": "x", "learn-limit": "broken"]
    let rules = said.rules(insteadOf: file)
    #expect((rules.access, rules.isIsolated, rules.learnLimit) == (nil, true, 4))
    #expect(said.words == "access none, learn-limit broken, isolated on")
    let text = #"{"links": {}, "stopped": [], "settings": {"p1.eth0": {"mtu": 1400}}, "ports": []}"#
    let old = try JSONDecoder().decode(RunTimeState.self, from: Data(text.utf8))
    #expect(old.settings["p1.eth0"] == RunTimeState.Port(mtu: 1400))
  }

  @Test func aListThatPortsHaveDoesNotGoUnasked() throws {
    var state = RunTimeState()
    var said = RunTimeState.Port()
    said.rules = ["access": "web"]
    state.settings["p1.eth0"] = said
    #expect(state.conflict(with: Self.lab, folder: "/x") == nil)
    var lab = Self.lab
    lab.access = nil
    let error = state.conflict(with: lab, folder: "/x")
    #expect(error?.message.contains("port p1.eth0: unknown access list \"web\"") == true, "\(error?.message ?? "")")
    #expect(error?.hint?.contains("--reset") == true)
    var request = AddedPortRequest(switchName: "sw1", name: "p9", kind: "tap", target: "tap9")
    request.rules = [.access: "web", .isolated: "on"]
    var added = RunTimeState()
    added.ports = [try AddedPort(request, in: Self.lab)]
    #expect(added.ports[0].wholeWords == "tap tap9 on sw1, vlan 1, access web, isolated on")
    #expect(try added.ports[0].configuration(in: Self.lab).rules.isIsolated)
    #expect(added.conflict(with: Self.lab, folder: "/x") == nil)
    #expect(added.conflict(with: lab, folder: "/x")?.message.contains("p9") == true)
    #expect(throws: UserError.self) { try AddedPort(request, in: lab) }
    request.rules = [.ipLock: "on"]
    #expect(throws: UserError.self) { try AddedPort(request, in: Self.lab) }
  }

  @Test func onlyRulesAreSaidWithAPortThatIsAdded() throws {
    #expect(try PortChange.rules(["access=web", "rate.to-node=1Mbit"]) == [.access: "web", .rateToNode: "1Mbit"])
    let error = #expect(throws: UserError.self) { try PortChange.rules(["vlan=3"]) }
    #expect(error?.hint?.contains("--vlan") == true)
  }

  // MARK: - Another file

  private func difference(_ change: (inout CanonicalLab) -> Void) throws -> LabDifference {
    var other = Self.lab
    change(&other)
    return try LabDifference(from: Self.lab, to: other)
  }

  @Test func otherRulesAreStepsOfTheirPorts() throws {
    let set = try difference { $0.nodes[0].nics[0].rules.access = "web" }
    #expect(set.steps == [PlanStep(.change, "port p1.eth0", "rules: access web")])
    #expect(set.changedNodes.isEmpty)
    let lists = try difference {
      $0.access = [AccessDefinition(name: "all"), AccessDefinition(name: "new")]
      $0.access?[0].isStateful = true
    }
    #expect(
      lists.steps == [
        PlanStep(.remove, "access web"), PlanStep(.change, "access all", "0 rules, stateful"),
        PlanStep(.create, "access new", "0 rules"),
      ])
    var with = Self.lab
    with.nodes[0].nics[0].rules.isIsolated = true
    let without = try LabDifference(from: with, to: Self.lab)
    #expect(without.steps == [PlanStep(.change, "port p1.eth0", "no rules")])
  }

  @Test func rulesThatNoFileHasAreRefused() {
    func complaint(_ change: (inout CanonicalLab) -> Void) -> String {
      var lab = Self.lab
      change(&lab)
      return lab.whatNoFileHas ?? ""
    }
    #expect(complaint { _ in } == "")
    let twice = complaint { $0.access?.append(AccessDefinition(name: "web")) }
    #expect(twice.contains("twice (L002)"), "\(twice)")
    let reserved = complaint { $0.access?.append(AccessDefinition(name: "none")) }
    #expect(reserved.contains("(L101)"), "\(reserved)")
    #expect(complaint { $0.nodes[0].nics[0].rules.access = "wab" }.contains("(L226)"))
    let rules = [AccessRuleDefinition](repeating: AccessRuleDefinition(.allow, .any), count: 257)
    let (many, none) = (complaint { $0.access?[0].toNode = rules }, complaint { $0.access?[0].toNode?[0].ports = [] })
    #expect(many.contains("(L009)") && none.contains("(L009)"), "\(many); \(none)")
  }
}
