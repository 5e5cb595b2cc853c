import Frames
import Testing

@testable import Topology

/// What has to be done to a node's interfaces, and the words for the built-in guest.
@Suite("Network steps")
struct NetworkStepTests {
  private func node(_ nics: String) throws -> NodeDefinition {
    let text = """
      version: 1
      name: test
      vlans: { red: 10, blue: 20 }
      switches: { sw1: {} }
      nodes:
        v:
          kind: vm
          nics:
            \(nics.split(separator: "\n").joined(separator: "\n      "))

      """
    #expect(rendered(text) == "")
    return try #require(load(text).lab?.nodes.first)
  }

  @Test("links first, then VLANs and addresses, then routes, each with its interface")
  func order() throws {
    let node = try node(
      """
      eth0:
        switch: sw1
        mac: 02:00:00:00:00:01
        trunk: [red, blue]
        native: red
        mtu: 9000
        addresses: { red: 10.0.10.1/24, blue: [10.0.20.1/24, "fd00::1/64"] }
        gateway: fe80::1
        routes:
          - { to: 10.9.0.0/16, via: 10.0.20.2 }
          - { to: 0.0.0.0/0, via: 198.51.100.1, onlink: on, metric: 50 }
          - { to: "fd09::/16", via: "fd00::2" }
      eth1: { switch: sw1, mac: 02:00:00:00:00:02 }
      """)
    #expect(
      node.networkSteps == [
        .link(name: "eth0", mac: MACAddress(bits: 0x0100_0000_0002), mtu: 9000),
        .link(name: "eth1", mac: MACAddress(bits: 0x0200_0000_0002), mtu: nil),
        .address("10.0.10.1/24", link: "eth0"),
        .vlan(name: "eth0.20", parent: "eth0", id: 20),
        .address("10.0.20.1/24", link: "eth0.20"),
        .address("fd00::1/64", link: "eth0.20"),
        .route(NetworkRoute(destination: "default", gateway: "fe80::1", link: "eth0")),
        .route(NetworkRoute(destination: "10.9.0.0/16", gateway: "10.0.20.2", link: "eth0.20")),
        .route(
          NetworkRoute(destination: "default", gateway: "198.51.100.1", link: "eth0", metric: 50, isOnLink: true)),
        .route(NetworkRoute(destination: "fd09::/16", gateway: "fd00::2", link: "eth0.20")),
      ])
    #expect(
      GuestWords.words(for: node.networkSteps) == [
        "apus.nic=eth0,02:00:00:00:00:01,mtu=9000,10.0.10.1/24", "apus.nic=eth1,02:00:00:00:00:02",
        "apus.vlan=eth0,20,10.0.20.1/24,fd00::1/64", "apus.route=default,fe80::1,eth0",
        "apus.route=10.9.0.0/16,10.0.20.2,eth0.20", "apus.route=default,198.51.100.1,eth0,metric=50,onlink",
        "apus.route=fd09::/16,fd00::2,eth0.20",
      ])
  }

  @Test("a link-local gateway of a trunk without native is behind its one VLAN")
  func linkLocalGatewayOfATrunk() throws {
    let node = try node(
      """
      eth0: { switch: sw1, trunk: all, addresses: { red: "fd00::1/64" }, gateway: fe80::1 }
      """)
    #expect(
      node.networkSteps.last == .route(NetworkRoute(destination: "default", gateway: "fe80::1", link: "eth0.10")))
  }

  @Test("names of subinterfaces are ones that Linux takes, and equal routes are one")
  func shortNames() throws {
    let node = try node(
      """
      uplink-of-site1: { switch: sw1, mac: 02:00:00:00:00:01, trunk: [4094], addresses: { 4094: 10.0.0.1/24 } }
      """)
    let name = node.nics[0].interfaceName(vlan: 4094)
    #expect(name.utf8.count <= Names.longestInterfaceName)
    #expect(
      GuestWords.words(for: node.networkSteps) == [
        "apus.nic=uplink-of-site1,02:00:00:00:00:01", "apus.vlan=uplink-of-site1,4094,name=\(name),10.0.0.1/24",
      ])
    var twice = node
    twice.nics[0].gateway = "10.0.0.254"
    var same = RouteDefinition(to: "0.0.0.0/0", via: "10.0.0.254")
    same.metric = 0
    twice.nics[0].routes = [same]
    #expect(
      twice.networkSteps.suffix(1) == [
        .route(NetworkRoute(destination: "default", gateway: "10.0.0.254", link: name))
      ])
    #expect(twice.networkSteps.count == node.networkSteps.count + 1)
  }

  @Test("metric and onlink are in the canonical form, where they are said")
  func canonicalForm() throws {
    let node = try node(
      """
      eth0: { switch: sw1, address: 10.0.0.1/32, routes: [{ to: default, via: 192.0.2.1, onlink: on, metric: 7 }] }
      """)
    var lab = CanonicalLab(name: "test")
    lab.nodes = [node]
    let yaml = try lab.yaml()
    #expect(yaml.contains("metric: 7\n") && yaml.contains("onlink: true\n"), "\(yaml)")
    lab.nodes[0].nics[0].routes = [RouteDefinition(to: "default", via: "10.0.0.2")]
    let plain = try lab.yaml()
    #expect(!plain.contains("metric") && !plain.contains("onlink"), "\(plain)")
  }
}
