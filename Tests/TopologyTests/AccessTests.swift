import Frames
import Testing

@testable import Topology

/// Access lists and rules of ports in the canonical lab.
@Suite struct AccessTests {
  private func lab(_ text: String) throws -> CanonicalLab {
    let result = load("version: 1\nname: test\nswitches: { sw1: {} }\n\(text)\n")
    #expect(result.diagnostics.map(\.message) == [])
    return try #require(result.lab)
  }

  private func rule(_ text: String) throws -> AccessRuleDefinition {
    let result = load(
      "version: 1\nname: test\naccess: { web: { to-node: [ \(text) ] } }\nnodes: { a: { kind: netns, nics: { eth0: { access: web } } } }\n"
    )
    return try #require(result.lab?.access?.first?.toNode?.first, "\(text): \(result.diagnostics.map(\.message))")
  }

  @Test func listsAreReadWhole() throws {
    let lab = try lab(
      """
      access:
        web:
          stateful: on
          to-node:
            - { deny: any, from: 10.9.0.0/16 }
            - { allow: tcp, port: [443, 80, 8000-8005, 8006], from-port: 1024-65535, to: fd00::1 }
            - { allow: icmp, mac: 02:00:00:00:00:01 }
            - { allow: any, ethertype: 0x88CC }
            - { deny: 17 }
          from-node: []
      nodes: { a: { kind: netns, nics: { eth0: { switch: sw1, access: web } } } }
      """)
    let list = try #require(lab.accessList("web"))
    #expect(list.isStateful)
    #expect(list.fromNode == [])
    #expect(
      list.toNode?.map(\.words) == [
        "deny any from 10.9.0.0/16", "allow tcp to fd00::1 port 80,443,8000-8006 from-port 1024-65535",
        "allow icmp mac 02:00:00:00:00:01", "allow any ethertype 0x88cc", "deny udp",
      ])
    #expect(lab.nodes[0].nics[0].rules.access == "web")
    let yaml = try lab.yaml()
    #expect(yaml.contains("from: 10.9.0.0/16") && yaml.contains("8000-8006"), "\(yaml)")
  }

  @Test func rulesOfAPortAreReadWhole() throws {
    let lab = try lab(
      """
      port-profiles:
        guarded: { mac-lock: on, ip-lock: on, learn-limit: 8, storm: { broadcast: 100/s, unknown: 1000/s }, isolated: on }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, profile: guarded } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, profile: guarded, ip-lock: [10.0.0.2, fd00::/64, 10.0.0.2], mac-lock: off } } }
        c: { kind: netns, nics: { eth0: { switch: sw1, rate: { to-node: 10Mbit, from-node: 1Gbit }, learn-limit: none } } }
        d: { kind: netns, nics: { eth0: { switch: sw1, ip-lock: 10.0.0.4, storm: { multicast: none } } } }
      """)
    let words = lab.nodes.map { $0.nics[0].rules.words }
    #expect(
      words == [
        "mac-lock on, ip-lock on, learn-limit 8, isolated on, storm.broadcast 100/s, storm.unknown 1000/s",
        "ip-lock 10.0.0.2,fd00::/64, learn-limit 8, isolated on, storm.broadcast 100/s, storm.unknown 1000/s",
        "rate.to-node 10Mbit, rate.from-node 1Gbit", "ip-lock 10.0.0.4",
      ])
  }

  @Test func aListOfTooManyRulesIsRefused() {
    func codes(_ count: Int) -> [String] {
      let rules = (1...count).map { "{ allow: tcp, port: \($0) }" }.joined(separator: ", ")
      let text = "version: 1\nname: test\naccess: { web: { to-node: [ \(rules) ] } }\n"
      return load(text + "nodes: { a: { kind: netns, nics: { eth0: { access: web } } } }\n").diagnostics.map(\.code)
    }
    #expect(codes(256) == [])
    #expect(codes(257) == ["L009"])
  }

  @Test(
    arguments: [
      ("{ allow: any }", "{ allow: tcp, port: 80 }", true), ("{ allow: tcp }", "{ deny: any }", false),
      ("{ allow: ip }", "{ allow: tcp }", false), ("{ allow: ip }", "{ allow: tcp, to: 10.0.0.1 }", true),
      ("{ allow: ip }", "{ allow: ip, from: 10.0.0.0/8 }", true), ("{ allow: ipv6 }", "{ allow: 58 }", false),
      ("{ deny: ipv6 }", "{ deny: 58 }", false), ("{ allow: tcp }", "{ allow: udp }", false),
      ("{ allow: tcp, port: 80 }", "{ allow: tcp }", false), ("{ allow: tcp }", "{ allow: tcp, port: 80 }", true),
      ("{ allow: tcp, port: 1-99 }", "{ deny: tcp, port: [5, 50-99] }", true),
      ("{ allow: tcp, port: 1-99 }", "{ deny: tcp, port: 99-100 }", false),
      ("{ allow: tcp, port: [1-9, 10-20] }", "{ deny: tcp, port: 5-15 }", true),
      ("{ allow: tcp, port: 80 }", "{ allow: tcp, from-port: 80 }", false),
      ("{ allow: any, from: 10.0.0.0/8 }", "{ allow: tcp, from: 10.1.0.0/16 }", true),
      ("{ allow: any, from: 10.1.0.0/16 }", "{ allow: tcp, from: 10.0.0.0/8 }", false),
      ("{ allow: any, from: fd00::/8 }", "{ allow: tcp, from: 10.0.0.1 }", false),
      ("{ allow: any, mac: 02:00:00:00:00:01 }", "{ allow: tcp }", false),
      ("{ allow: any }", "{ allow: any, mac: 02:00:00:00:00:01 }", true),
      ("{ allow: any, ethertype: 0x0800 }", "{ allow: ip, from: 10.0.0.1 }", true),
      ("{ allow: any, ethertype: 0x88cc }", "{ deny: any }", false),
      ("{ allow: any, ethertype: 0x88cc }", "{ deny: any, ethertype: 0x88cc }", true),
      ("{ allow: any }", "{ deny: arp }", false), ("{ allow: any }", "{ allow: arp }", false),
      ("{ deny: arp }", "{ allow: arp, from: 10.0.0.1 }", true), ("{ allow: any }", "{ deny: icmp }", true),
      ("{ deny: any }", "{ allow: icmp }", true), ("{ allow: icmp }", "{ deny: 1 }", true),
      ("{ allow: icmp }", "{ deny: 58 }", false), ("{ allow: 1 }", "{ deny: icmp }", false),
      ("{ allow: any }", "{ deny: udp, port: 67 }", false), ("{ allow: any }", "{ deny: udp, port: 80 }", true),
      ("{ allow: udp, port: 1-99 }", "{ deny: udp, port: 67 }", true), ("{ allow: any }", "{ deny: udp }", true),
      ("{ allow: 89 }", "{ deny: 89, from: 10.0.0.1 }", true), ("{ allow: 89 }", "{ deny: 88 }", false),
    ])
  func oneRuleLeavesNothingToAnother(first: String, second: String, covers: Bool) throws {
    #expect(try rule(first).covers(try rule(second)) == covers, "\(first) \(second)")
  }

  @Test(arguments: [
    "10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "fd00::1", "fd00::/64", "::/0", "fe80::/10", "::ffff:0:0/96",
  ])
  func blocksAreTheSameOnTheWayToTheDataPlaneAndBack(text: String) throws {
    let block = try #require(AddressBlock(text))
    #expect(block.description == text)
    #expect(AddressBlock(block.range) == block)
    #expect(block.range.isIPv6 == text.contains(":"))
  }

  @Test(arguments: ["", "10.0.0.1/8", "10.0.0.0/33", "fd00::1/64", "10.0.0", "here", "10.0.0.1,10.0.0.2"])
  func whatIsNoBlockIsNone(text: String) { #expect(AddressBlock(text) == nil) }

  @Test func labsOfEarlierVersionsHaveNoRules() throws {
    let lab = try lab("nodes: { a: { kind: netns, nics: { eth0: { switch: sw1 } } } }")
    #expect(lab.access == nil)
    let yaml = try lab.yaml()
    #expect(!yaml.contains("rules"), "\(yaml)")
  }
}
