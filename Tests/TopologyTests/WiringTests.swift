import Testing

@testable import Topology

@Suite("Wiring")
struct WiringTests {
  private func lab(_ body: String) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    #expect(rendered(text) == "")
    return try #require(load(text).lab)
  }

  @Test("a bare node takes its next free ethN, past switches' NICs and those that other links name")
  func bareEnds() throws {
    let lab = try lab(
      """
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1 }, wan: {}, eth3: {} } }
        b: { kind: netns }
      links:
        - { ends: [a, b] }
        - { ends: [a:eth2, b] }
        - { ends: [a, b.eth0] }
        - { ends: [a, a] }
      """)
    #expect(lab.nodes[0].nics.map(\.name) == ["eth0", "wan", "eth3", "eth1", "eth2", "eth4", "eth5"])
    #expect(lab.nodes[1].nics.map(\.name) == ["eth1", "eth2", "eth0"])
    #expect(
      lab.links.map(\.name) == ["a:eth1--b:eth1", "a:eth2--b:eth2", "a:eth3--b:eth0", "a:eth4--a:eth5"])
  }

  @Test("a link to a switch is the NIC's switch key")
  func switchEnds() throws {
    let lab = try lab(
      """
      vlans: { red: 10, blue: 20 }
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { vlan: red } } }
        b: { kind: tap, nics: { tap-b: { mtu: 9000 } } }
        c: { kind: netns }
      links:
        - { ends: [a:eth0, sw1] }
        - { ends: [sw1, b], trunk: [blue, 100-102, red, 101-110], native: blue }
        - { ends: [c, sw1] }
      """)
    #expect(lab.links == [])
    #expect(lab.nodes[0].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(10)))
    let trunk = VLANMode.trunk(allowed: [10...10, 20...20, 100...110], native: 20)
    #expect(lab.nodes[1].nics[0].attachment == .switchPort(switch: "sw1", mode: trunk))
    #expect(lab.nodes[2].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(1)))
    #expect(lab.vlans.map(\.id) == [10, 20, 1])
  }

  @Test("trunks between switches: all by default, a list, or one VLAN")
  func trunks() throws {
    let lab = try lab(
      """
      switches: { a: {}, b: {}, c: {}, d: {} }
      links:
        - { ends: [a, b] }
        - { ends: [b, c], trunk: [10, 20], native: 10 }
        - { name: last, ends: [c, d], vlan: 30 }
      """)
    #expect(lab.links.map(\.name) == ["a--b", "b--c", "last"])
    #expect(
      lab.links.map(\.kind) == [
        .trunk(.trunk(allowed: [1...4094], native: nil)), .trunk(.trunk(allowed: [10...10, 20...20], native: 10)),
        .trunk(.access(30)),
      ])
  }

  @Test("parallel trunks without a common VLAN are no loop")
  func disjointTrunks() throws {
    _ = try lab(
      """
      switches: { a: {}, b: {} }
      links:
        - { name: one, ends: [a, b], trunk: [10-19] }
        - { name: two, ends: [a, b], trunk: [20-29] }
      """)
  }

  @Test("a NIC without switch or link leads nowhere")
  func loose() throws {
    let lab = try lab("nodes: { a: { kind: vm, nics: { eth0: { address: [10.0.0.1/24, \"fd00::1/64\"] } } } }")
    #expect(lab.nodes[0].nics[0].attachment == .none)
    #expect(lab.nodes[0].nics[0].addresses.map(\.address) == ["10.0.0.1/24", "fd00::1/64"])
    #expect(lab.nodes[0].image == "builtin")
  }

  @Test("automatic addresses skip the declared ones and gateways, each VLAN by itself")
  func automaticAddresses() throws {
    let lab = try lab(
      """
      vlans: { red: { id: 10, subnet: 10.0.0.0/29 }, six: { id: 20, subnet: "fd00:1::/64" } }
      switches: { sw1: {} }
      nodes:
        a[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red }, eth1: { switch: sw1, vlan: 20 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, vlan: 10, address: 10.0.0.2/29, gateway: 10.0.0.1 } } }
        c: { kind: external, nics: { eth0: { switch: sw1, vlan: red }, eth1: { switch: sw1, trunk: all } } }
      """)
    #expect(
      lab.nodes.map { $0.nics[0].addresses.map(\.address) } == [
        ["10.0.0.3/29"], ["10.0.0.4/29"], ["10.0.0.2/29"], ["10.0.0.5/29"],
      ])
    #expect(lab.nodes[0].nics[1].addresses.map(\.address) == ["fd00:1::1/64"])
    #expect(lab.nodes[1].nics[1].addresses.map(\.address) == ["fd00:1::2/64"])
    #expect(lab.nodes[3].nics[1].addresses == [])
  }

  @Test("addresses by VLAN: the untagged one is the NIC's own")
  func addressesByVLAN() throws {
    let lab = try lab(
      """
      vlans: { red: 10, blue: 20 }
      switches: { sw1: {} }
      nodes:
        a:
          kind: netns
          nics:
            eth0:
              switch: sw1
              trunk: all
              native: red
              addresses: { red: 10.0.0.1/24, blue: [10.0.1.1/24, "fd00::1/64"], 30: 10.0.2.1/24 }
              routes: [{ to: 10.9.0.0/16, via: 10.0.1.2 }, { to: default, via: fe80::1 }]
            eth1: { switch: sw1, vlan: red, addresses: { 10: 10.0.3.1/24 } }
      """)
    #expect(lab.nodes[0].nics[0].addresses.map(\.vlan) == [nil, 20, 20, 30])
    #expect(
      lab.nodes[0].nics[0].routes == [.init(to: "10.9.0.0/16", via: "10.0.1.2"), .init(to: "default", via: "fe80::1")])
    #expect(lab.nodes[0].nics[1].addresses.map(\.vlan) == [nil])
  }

  @Test("the same address in two VLANs is allowed")
  func sameAddressApart() throws {
    _ = try lab(
      """
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, vlan: 10, address: 10.0.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, vlan: 20, address: 10.0.0.1/24 } } }
      """)
  }

  @Test("defaults fill in, the node's own keys win")
  func defaults() throws {
    let lab = try lab("defaults: { memory: 96M, cpus: 2 }\nnodes: { a: { kind: vm }, b: { kind: vm, memory: 1GiB } }")
    #expect(lab.nodes.map(\.memory) == [96 << 20, 1 << 30])
    #expect(lab.nodes.map(\.cpus) == [2, 2])
  }
}
