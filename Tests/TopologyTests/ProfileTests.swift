import Foundation
import Testing

@testable import Topology

@Suite("Profiles, LANs and tests")
struct ProfileTests {
  private func lab(_ body: String) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    #expect(rendered(text) == "")
    return try #require(load(text).lab)
  }

  @Test("a node has its profile's keys, unless it has them itself; defaults come last")
  func nodes() throws {
    let lab = try lab(
      """
      defaults: { memory: 96M, cpus: 4 }
      profiles:
        host: { kind: vm, memory: 256M, nics: { eth0: { switch: sw1, mtu: 9000 }, eth1: {} } }
      switches: { sw1: {}, sw2: {} }
      nodes:
        a: { profile: host }
        b[1-2]: { profile: host, memory: 512M, nics: { lan: {}, eth0: { switch: sw2 } } }
        c: { profile: host, kind: vm, nics: { eth0: } }
      """)
    #expect(lab.nodes.map(\.memory) == [256 << 20, 512 << 20, 512 << 20, 256 << 20])
    #expect(lab.nodes.map(\.cpus) == [4, 4, 4, 4])
    #expect(lab.nodes[0].nics.map(\.name) == ["eth0", "eth1"])
    #expect(lab.nodes[1].nics.map(\.name) == ["eth0", "eth1", "lan"])
    #expect(lab.nodes[2].nics[0].attachment == .switchPort(switch: "sw2", mode: .access(1)))
    #expect(lab.nodes[2].nics[0].mtu == 9000)
    #expect(lab.nodes[3].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(1)))
  }

  @Test("a NIC has its port profile's keys; an access port takes no trunk from it, nor the reverse")
  func nics() throws {
    let lab = try lab(
      """
      vlans: { red: 10, blue: 20 }
      port-profiles:
        access: { switch: sw1, vlan: red, queues: 2 }
        trunk: { switch: sw1, trunk: [red, blue], native: red, impair: wan }
      profiles: { host: { kind: vm, nics: { eth0: { profile: access } } } }
      switches: { sw1: {} }
      nodes:
        a: { profile: host }
        b: { kind: vm, nics: { eth0: { profile: access, trunk: all }, eth1: { profile: trunk, vlan: blue } } }
        c: { profile: host, nics: { eth0: { profile: trunk, native: blue } } }
      """)
    #expect(lab.nodes[0].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(10)))
    #expect(lab.nodes[0].nics[0].queues == 2)
    let all = VLANMode.trunk(allowed: [1...4094], native: nil)
    #expect(lab.nodes[1].nics[0].attachment == .switchPort(switch: "sw1", mode: all))
    #expect(lab.nodes[1].nics[1].attachment == .switchPort(switch: "sw1", mode: .access(20)))
    #expect(lab.nodes[1].nics[1].impair?.fromFirst == ImpairmentDefinition.preset("wan"))
    let trunk = VLANMode.trunk(allowed: [10...10, 20...20], native: 20)
    #expect(lab.nodes[2].nics[0].attachment == .switchPort(switch: "sw1", mode: trunk))
    #expect(lab.nodes[2].nics[0].queues == 1)
  }

  @Test("a small file with profiles stays a small lab")
  func bomb() {
    let vlans = Array(repeating: "5", count: 20_000).joined(separator: ", ")
    let nodes = (0..<50).map { "  n\($0): { profile: host }" }.joined(separator: "\n")
    let head = "version: 1\nname: test\nswitches: { sw1: {} }\nprofiles:\n"
    let text = head + "  host: { kind: netns, nics: { eth0: { switch: sw1, trunk: [\(vlans)] } } }\nnodes:\n\(nodes)\n"
    let result = load(text)
    #expect(Set(result.diagnostics.map(\.code)) == ["L009"])
    #expect(result.lab == nil)
  }

  @Test("a link with more than two ends is a switch of its own")
  func lans() throws {
    let lab = try lab(
      """
      vlans: { one: { id: 1, subnet: 10.1.0.0/24 } }
      switches: { sw1: {} }
      nodes:
        n[1-3]: { kind: netns, nics: { eth0: { switch: sw1 } } }
        a: { kind: netns, nics: { eth0: { address: 192.0.2.1/24 } } }
        b: { kind: netns, nics: { eth0: { address: 192.0.2.1/24 } } }
      links:
        - { ends: [n1, n2, n3] }
        - { name: lan, ends: [n1, n2, n3:eth7, a], impair: dsl }
        - { name: other, ends: [b, n1, n2] }
      """)
    #expect(lab.switches.map(\.name) == ["sw1", "n1:eth1--n2:eth1--n3:eth1", "lan", "other"])
    #expect(lab.switches.map(\.isAnonymous) == [false, true, true, true])
    #expect(lab.switches.map(\.isVLANAware) == [true, false, false, false])
    #expect(lab.switches.map(\.linkLocal) == [.standard, .transparent, .transparent, .transparent])
    #expect(lab.links == [])
    #expect(lab.nodes[0].nics.map(\.name) == ["eth0", "eth1", "eth2", "eth3"])
    let (first, second) = (lab.nodes[2].nics[1], lab.nodes[2].nics[2])
    #expect(first.attachment == .switchPort(switch: "n1:eth1--n2:eth1--n3:eth1", mode: .transparent))
    #expect(first.impair == nil)
    #expect(first.addresses == [])
    #expect(second.name == "eth7")
    #expect(second.attachment == .switchPort(switch: "lan", mode: .transparent))
    #expect(second.impair == ImpairmentPair(fromFirst: ImpairmentDefinition.preset("dsl")))
  }

  @Test("every kind of test")
  func tests() throws {
    let lab = try lab(
      """
      nodes:
        a: { kind: netns, nics: { eth0: { address: 10.0.0.1/24 } } }
        b: { kind: vm, nics: { eth0: { address: 10.0.0.2/24 } } }
      links: [{ ends: [a:eth0, b:eth0] }]
      tests:
        - { tcp: a -> b }
        - { udp: b -> a, port: 53, expect: fail, for: 1s }
        - { arp: a -> b, within: 2s }
        - { exec: { node: b, run: "ip route | grep 10.0", output: eth0 } }
        - { exec: { node: a, run: [ip, route] }, expect: fail }
      """)
    #expect(lab.tests.map(\.action) == ["tcp", "udp", "arp", "exec", "exec"])
    #expect(lab.tests.map(\.port) == [7777, 53, nil, nil, nil])
    #expect(lab.tests.map(\.source) == ["a", "b", "a", "b", "a"])
    #expect(lab.tests.map(\.destination) == ["b", "a", "b", "", ""])
    #expect(lab.tests[1].duration == 1)
    #expect(lab.tests[2].within == 2)
    #expect(lab.tests[3].run == ["/bin/sh", "-c", "ip route | grep 10.0"])
    #expect(lab.tests[3].output == "eth0")
    #expect(lab.tests[4].run == ["ip", "route"])
    #expect(lab.tests[4].output == nil)
  }

  @Test("a lab that an older version wrote can still be read")
  func older() throws {
    let encoded = #"{"name":"sw1","aging":300,"linkLocal":"standard"}"#
    let definition = try JSONDecoder().decode(SwitchDefinition.self, from: Data(encoded.utf8))
    #expect(!definition.isAnonymous)
  }
}
