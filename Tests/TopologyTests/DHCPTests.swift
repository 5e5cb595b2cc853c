import Testing

@testable import Topology

/// The servers of VLANs, and machines that start from the network.
@Suite struct DHCPTests {
  private func lab(_ dhcp: String, _ nodes: String, switches: String = "{ sw1: }", more: String = "") throws
    -> CanonicalLab
  {
    let text = """
      version: 1
      name: test
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24, dhcp: \(dhcp) } }
      switches: \(switches)
      nodes:
        \(nodes)
      \(more)
      """
    return try #require(load(text, facts: .usual).lab, "\(rendered(text, facts: .usual))")
  }

  private func server(_ lab: CanonicalLab) throws -> NodeDefinition {
    let servers = lab.nodes.filter { $0.kind == "dhcp" }
    #expect(servers.count == 1 && lab.nodes.last?.kind == "dhcp")
    return try #require(servers.first)
  }

  @Test("the server has the highest address that nobody declares, and gives out what is free")
  func usual() throws {
    let lab = try lab(
      "on",
      """
      a: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.0.20.254/24, mac: 02:00:00:00:00:09 } } }
        c: { kind: netns, nics: { eth0: { switch: sw1, trunk: [blue], addresses: { blue: 10.0.20.9/24 } } } }
        d: { kind: netns, nics: { eth0: { switch: sw1, vlan: 30, address: 10.0.20.8/24 } } }
      """)
    let server = try server(lab)
    #expect(server.name == "dhcp-blue")
    #expect(server.nics.map(\.name) == ["eth0"])
    #expect(server.nics[0].attachment == .switchPort(switch: "sw1", mode: .access(20)))
    #expect(server.nics[0].addresses.map(\.address) == ["10.0.20.253/24"])
    let dhcp = try #require(server.dhcp)
    #expect(dhcp.hosts.map(\.name) == ["a", "b", "c"])
    #expect(dhcp.hosts.map(\.addresses) == [["10.0.20.1"], ["10.0.20.254"], ["10.0.20.9"]])
    #expect("\(dhcp.hosts[1].mac)" == "02:00:00:00:00:09")
    #expect(dhcp.hosts[0].mac == lab.nodes[0].nics[0].mac)
    // What a node of another VLAN declares is left alone, too.
    #expect(
      dhcp.ranges.map { "\($0.first)-\($0.last)" } == [
        "10.0.20.2-10.0.20.7", "10.0.20.10-10.0.20.252",
      ])
    #expect(dhcp.lease == 3600 && dhcp.gateway == nil && dhcp.boot == nil)
    #expect(Set(lab.nodes.flatMap(\.nics).map(\.mac)).count == 5)
  }

  @Test("NICs without an address get none of the range, of the server, or of the router that it offers")
  func kept() throws {
    let lab = try lab(
      "{ address: 10.0.20.1, range: [10.0.20.2, 10.0.20.9], gateway: 10.0.20.10, lease: 2h, "
        + "boot: { root: tftp, bios: boot.ipxe, uefi: 'http://10.0.20.1/x' } }",
      "a[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }")
    #expect(
      lab.nodes.map { $0.nics[0].addresses.map(\.address) } == [
        ["10.0.20.11/24"], ["10.0.20.12/24"], ["10.0.20.1/24"],
      ])
    let dhcp = try #require(try server(lab).dhcp)
    #expect(dhcp.ranges == [.init(first: "10.0.20.2", last: "10.0.20.9")])
    #expect(dhcp.gateway == "10.0.20.10" && dhcp.lease == 7200)
    #expect(
      dhcp.boot?.root == "/labs/tftp" && dhcp.boot?.bios == "boot.ipxe" && dhcp.boot?.uefi == "http://10.0.20.1/x")
  }

  @Test("the server is plugged into a switch that has the VLAN")
  func places() throws {
    let trunk = "links: [{ ends: [sw2, sw3], trunk: [blue] }]"
    func place(_ nodes: String, _ more: String) throws -> Topology.Attachment {
      try server(try lab("on", nodes, switches: "{ sw1: , sw2: , sw3: }", more: more)).nics[0].attachment
    }
    let there = "a: { kind: netns, nics: { eth0: { switch: sw3, trunk: [blue, 30] } } }"
    let elsewhere = "a: { kind: netns, nics: { eth0: { switch: sw1, vlan: 30 } } }"
    #expect(try place(there, trunk) == .switchPort(switch: "sw3", mode: .access(20)))
    #expect(try place(elsewhere, trunk) == .switchPort(switch: "sw2", mode: .access(20)))
    #expect(try place(elsewhere, "") == .switchPort(switch: "sw1", mode: .access(20)))
  }

  @Test("of an address on two switches that nothing joins, the server has that of its own side")
  func islands() throws {
    let nodes = [("a", "sw1", 4), ("b", "sw2", 5), ("c", "sw1", 5), ("d", "sw2", 6)].map { name, place, host in
      "\(name): { kind: netns, nics: { eth0: { switch: \(place), vlan: blue, address: 10.0.20.\(host)/24 } } }"
    }.joined(separator: "\n  ")
    let server = try server(try lab("on", nodes, switches: "{ sw1: , sw2: }"))
    #expect(server.nics[0].attachment == .switchPort(switch: "sw1", mode: .access(20)))
    let dhcp = try #require(server.dhcp)
    #expect(dhcp.hosts.map(\.name) == ["a", "c", "d"])
    #expect(dhcp.hosts.map(\.addresses) == [["10.0.20.4"], ["10.0.20.5"], ["10.0.20.6"]])
  }

  @Test("a name that would be too long has the VLAN's number")
  func longNames() throws {
    let name = String(repeating: "v", count: 60)
    let text = """
      version: 1
      name: test
      vlans: { \(name): { id: 20, subnet: 10.0.20.0/24, dhcp: on } }
      switches: { sw1: }
      """
    #expect(load(text).lab?.nodes.map(\.name) == ["dhcp-20"])
  }

  @Test("what machines start from")
  func bootOrder() throws {
    let lab = try lab(
      "off",
      """
      a: { kind: vm }
        b: { kind: vm, image: debian.qcow2, firmware: uefi }
        c: { kind: vm, image: debian.qcow2, boot: [network, disk], nics: { eth0: { switch: sw1 } } }
        d: { kind: vm, image: none, disk: 4G, persist: on, nics: { eth0: { switch: sw1 } } }
        e: { kind: vm, image: none, persist: on, nics: { eth0: { switch: sw1 } } }
        f: { kind: vm, image: none, disk: 4G, boot: network, nics: { eth0: { switch: sw1 } } }
      """)
    let orders: [[BootSource]] = [[], [.disk], [.network, .disk], [.disk, .network], [.network], [.network]]
    #expect(lab.nodes.map(\.bootOrder) == orders)
    #expect(lab.nodes.map(\.firmware) == [.bios, .uefi, .bios, .bios, .bios, .bios])
    #expect(lab.nodes.map(\.emptyDisk) == [nil, nil, nil, 4 << 30, nil, 4 << 30])
    #expect(lab.nodes.map(\.hasNoImage) == [false, false, false, true, true, true])
    // What does not last has nothing to keep.
    #expect(lab.nodes.map { $0.disk?.persist } == [nil, false, false, true, false, false])
  }

  @Test("machines have UUIDs of their own, the same in every run")
  func identifiers() {
    let uuid = Names.machineUUID(lab: "l", node: "a")
    #expect(
      uuid.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil, "\(uuid)")
    #expect(uuid == Names.machineUUID(lab: "l", node: "a"))
    #expect(Set(["a", "b", "c"].map { Names.machineUUID(lab: "l", node: $0) }).count == 3)
    #expect(uuid != Names.machineUUID(lab: "m", node: "a"))
  }
}
