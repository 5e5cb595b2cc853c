import Testing

@testable import Topology

@Suite("Loading")
struct LoadingTests {
  @Test("the demo lab loads")
  func demo() throws {
    let text = """
      version: 1
      name: two-guests
      vlans: { red: 10, blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        vm[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
      tests:
        - { ping: vm1 -> vm2 }
      """
    #expect(rendered(text) == "")
    let lab = try #require(load(text).lab)
    #expect(lab.nodes.map(\.name) == ["vm1", "vm2"])
    #expect(lab.nodes.map(\.nics[0].addresses) == [[.init(address: "10.0.20.1/24")], [.init(address: "10.0.20.2/24")]])
  }
}
