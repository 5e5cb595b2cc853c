import Dataplane
import Frames
import Lab
import Testing
import Topology

@testable import Control

/// What is told of rules of ports, letter by letter, and what is taken.
@Suite struct RuleRowTests {
  @Test func portShowTellsItsRules() throws {
    let row = PortRow(FixedLab.ports[0], isDetailed: true, rules: FixedLab.rules)
    let text = try JSON.text(row)
    let wanted =
      #""rules":{"access":"web","flow_limit":4096,"flows":2,"ip_lock":["10.0.0.5","10.0.0.6"],"isolated":true,"#
      + #""learn_limit":1,"mac_lock":"02:00:00:00:ab:01","rate":{"from_node":1500000,"to_node":10000000},"#
      + #""storm":{"broadcast":100,"multicast":200,"unknown":1000}}"#
    #expect(text.contains(wanted), "\(text)")
    #expect(try JSON.decode(PortRow.self, from: Array(text.utf8)) == row)
    let lines = row.description()
    for line in [
      "access       web", "mac-lock     02:00:00:00:ab:01", "ip-lock      10.0.0.5, 10.0.0.6", "learn-limit  1 station",
      "isolated     yes", "storm        broadcast 100/s, multicast 200/s, unknown 1000/s",
      "rate         10Mbit to the node, 1500kbit from the node", "flows        2 of 4096",
    ] {
      #expect(lines.contains(line), "\(lines)")
    }
  }

  @Test func aPortThatLetsAllThroughTellsNoRules() throws {
    for status in [nil, RuleStatus(rules: PortRules())] {
      let row = PortRow(FixedLab.ports[0], isDetailed: true, rules: status)
      #expect(row.rules == nil)
      #expect(!(try JSON.text(row).contains("rules")))
    }
    let status = RuleStatus(rules: PortRules(isIsolated: true))
    let row = PortRow(FixedLab.ports[0], isDetailed: true, rules: status)
    let text = try JSON.text(row)
    #expect(
      text.contains(
        #""rules":{"access":null,"flow_limit":0,"flows":0,"ip_lock":null,"isolated":true,"learn_limit":null,"#
          + #""mac_lock":null,"rate":{"from_node":null,"to_node":null},"#
          + #""storm":{"broadcast":null,"multicast":null,"unknown":null}}"#), "\(text)")
    let facts = row.rules?.facts.filter { $0.1 != nil }.map(\.0)
    #expect(facts == ["isolated"])
  }

  @Test func accessListHasARowForEachRuleAndPort() throws {
    var web = AccessDefinition(name: "web")
    web.toNode = [AccessRuleDefinition(.allow, .tcp)]
    web.toNode?[0].ports = [PortSpan("80"), PortSpan("8000-8010")].compactMap(\.self)
    var idle = AccessDefinition(name: "idle")
    idle.fromNode = []
    var other = FixedLab.rules
    other.toNodeHits = []
    let rows = AccessRow.rows([web, idle], [("a.eth0", FixedLab.rules), ("b.eth0", other)])
    #expect(
      try rows.map { try JSON.text($0) } == [
        #"{"direction":"to-node","hits":7,"list":"web","number":1,"port":"a.eth0","rule":"allow tcp port 80,8000-8010"}"#,
        #"{"direction":"to-node","hits":0,"list":"web","number":1,"port":"b.eth0","rule":"allow tcp port 80,8000-8010"}"#,
        #"{"direction":"to-node","hits":3,"list":"web","number":null,"port":"a.eth0","rule":"deny any other"}"#,
        #"{"direction":"to-node","hits":0,"list":"web","number":null,"port":"b.eth0","rule":"deny any other"}"#,
        #"{"direction":"from-node","hits":0,"list":"idle","number":null,"port":null,"rule":"deny any other"}"#,
      ])
    #expect(rows[0].cells.map(\.text) == ["web", "to-node", "1", "allow tcp port 80,8000-8010", "a.eth0", "7"])
    #expect(rows[4].cells.map(\.text) == ["idle", "from-node", "-", "deny any other", "-", "0"])
  }

  @Test func settingsGoOverTheAPIAsTheyAreSaid() throws {
    let said = Dictionary(uniqueKeysWithValues: RuleKey.allCases.map { ($0, "value of \($0.rawValue)") })
    let settings = try #require(RuleSettings(said))
    #expect(settings.settings == said)
    let again = try JSON.decode(RuleSettings.self, from: JSON.bytes(settings))
    #expect(again.settings == said)
    #expect(RuleSettings([:]) == nil)
    var change = PortChange()
    try change.read("storm.broadcast=100/s")
    #expect(PortSettings(change).change == change)
    #expect(try JSON.text(PortSettings(change)) == #"{"rules":{"storm":{"broadcast":"100/s"}}}"#)
  }

  @Test(
    arguments: [
      (#"{"action":"allow","traffic":"tpc"}"#, "traffic of a rule"),
      (#"{"action":"allow","traffic":"tcp","from":"10.0.0.1/8"}"#, "address or prefix"),
      (#"{"action":"deny","traffic":"tcp","ports":["0"]}"#, "port or span"),
      (#"{"action":"deny","traffic":"tcp","from_ports":["9-3"]}"#, "port or span"),
      (#"{"action":"deny","traffic":"any","mac":"x"}"#, "MAC address"),
    ])
  func rulesThatAreNoneAreRefused(rule: String, words: String) throws {
    let text = #"{"version":1,"name":"a","access":[{"name":"web","to_node":[\#(rule)]}]}"#
    let document = try JSON.decode(LabDocument.self, from: Array(text.utf8))
    let error = #expect(throws: UserError.self) { try document.lab() }
    #expect(error?.code == .badInput)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func settingsOfANICThatAreNoneAreRefused() throws {
    let text =
      #"{"version":1,"name":"a","nodes":[{"name":"n","kind":"netns","nics":[{"name":"eth0","#
      + #""mac":"02:00:00:00:00:01","rules":{"rate":{"to_node":"0"}}}]}]}"#
    let document = try JSON.decode(LabDocument.self, from: Array(text.utf8))
    let error = #expect(throws: UserError.self) { try document.lab() }
    #expect(error?.message == "NIC n.eth0: rate.to-node must be 1kbit..1Tbit, found \"0\"")
  }
}
