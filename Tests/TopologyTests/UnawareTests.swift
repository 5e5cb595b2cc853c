import Testing

@testable import Topology

/// Switches without VLANs, and what is connected with what.
@Suite struct UnawareTests {
  private static let head = "version: 1\nname: test\n"

  private func lab(_ text: String) throws -> CanonicalLab {
    #expect(rendered(Self.head + text) == "")
    return try #require(load(Self.head + text).lab)
  }

  @Test func portsAndLinksOfOneAreTransparent() throws {
    let lab = try lab(
      """
      switches: { u1: { vlan-aware: off }, u2: { vlan-aware: no, link-local: standard }, s: { vlan-aware: on } }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: u1, address: 10.0.0.1/24 } } }
        b: { kind: netns }
      links:
        - { ends: [b, u2] }
        - { ends: [u1, u2], name: uu }
        - { ends: [u1, s], name: us }
        - { ends: [s, u2], name: su, trunk: [10, 20], native: 10 }
      """)
    #expect(lab.switches.map(\.isVLANAware) == [false, false, true])
    #expect(lab.switches.map(\.linkLocal) == [.transparent, .standard, .standard])
    #expect(lab.nodes[0].nics[0].attachment == .switchPort(switch: "u1", mode: .transparent))
    #expect(lab.nodes[1].nics[0].attachment == .switchPort(switch: "u2", mode: .transparent))
    #expect(
      lab.links.map(\.kind) == [
        .trunk(.transparent), .trunk(.access(1)), .trunk(.trunk(allowed: [10...10, 20...20], native: 10)),
      ])
    #expect(lab.mode(.access(1), at: "u1") == .transparent && lab.mode(.access(1), at: "s") == .access(1))
    let yaml = try lab.yaml()
    #expect(yaml.contains("vlanAware: false"))
  }

  @Test func aVLANsSubnetAndServerAreElsewhere() throws {
    let lab = try lab(
      """
      vlans: { one: { id: 1, subnet: 10.1.0.0/24, dhcp: on } }
      switches: { u: { vlan-aware: off }, s: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: u } } }
      links: [{ ends: [u, s] }]
      """)
    #expect(lab.nodes[0].nics[0].addresses == [])
    #expect(lab.nodes.last?.nics[0].attachment == .switchPort(switch: "s", mode: .access(1)))
  }

  @Test func loopsOfThemAreFound() {
    let messages = load(
      Self.head + """
        switches: { u1: { vlan-aware: off }, u2: { vlan-aware: off }, s: {} }
        links:
          - { ends: [u1, u2], name: a }
          - { ends: [u2, u1], name: b }
          - { ends: [u1, s], vlan: 10, name: c }
          - { ends: [u2, s], vlan: 20, name: d }
          - { ends: [u1, s], trunk: [10], name: e }
        """
    ).diagnostics.map(\.message)
    #expect(
      messages == [
        "u2 and u1 form a loop: frames will circulate", "u1 and s form a loop in VLAN 10: frames will circulate",
      ])
  }

  // MARK: - The same address twice

  private func duplicates(_ text: String) -> [String] {
    load(Self.head + text).diagnostics.filter { $0.code == "L207" }.map(\.message)
  }

  /// Node NAME with an address on eth0, `keys` saying where that leads.
  private func node(_ name: String, _ keys: String) -> String {
    "  \(name): { kind: netns, nics: { eth0: { \(keys), address: 10.0.0.1/24 } } }\n"
  }

  @Test(arguments: [
    // Nothing joins the switches.
    ("s1: {}, s2: {}", "switch: s1", "switch: s2", "", false),
    ("s1: {}, s2: {}", "switch: s1", "switch: s2", "- { ends: [s1, s2], trunk: [10] }", false),
    ("s1: {}, s2: {}", "switch: s1", "switch: s2", "- { ends: [s1, s2] }", true),
    ("s1: {}, s2: {}", "switch: s1, vlan: 10", "switch: s2, vlan: 10", "- { ends: [s1, s2], trunk: [5-20] }", true),
    ("s1: {}, s2: {}", "switch: s1, vlan: 10", "switch: s2, vlan: 20", "- { ends: [s1, s2] }", false),
    ("s1: {}, s2: {}, s3: {}", "switch: s1", "switch: s3", "- { ends: [s1, s2] }\n- { ends: [s3, s2] }", true),
    ("s1: {}", "switch: s1, vlan: 10", "switch: s1, trunk: [10, 20], native: 10", "", true),
    ("s1: {}", "switch: s1, vlan: 20", "switch: s1, trunk: [10, 20], native: 10", "", false),
    // Switches without VLANs, and with.
    ("u1: { vlan-aware: off }, u2: { vlan-aware: off }", "switch: u1", "switch: u2", "", false),
    ("u1: { vlan-aware: off }, u2: { vlan-aware: off }", "switch: u1", "switch: u2", "- { ends: [u1, u2] }", true),
    ("s: {}, u: { vlan-aware: off }", "switch: s", "switch: u", "- { ends: [s, u] }", true),
    ("s: {}, u: { vlan-aware: off }", "switch: s, vlan: 10", "switch: u", "- { ends: [s, u] }", false),
    ("s: {}, u: { vlan-aware: off }", "switch: s, vlan: 10", "switch: u", "- { ends: [s, u], trunk: all }", false),
    ("s: {}, u: { vlan-aware: off }", "switch: s, vlan: 10", "switch: u", "- { ends: [s, u], vlan: 10 }", true),
    // VLAN 10 is untagged on the one link, and becomes VLAN 20 by the other.
    (
      "s1: {}, u: { vlan-aware: off }, s2: {}", "switch: s1, vlan: 10", "switch: s2, vlan: 20",
      "- { ends: [s1, u], trunk: [10], native: 10 }\n- { ends: [u, s2], vlan: 20 }", true
    ),
    (
      "s1: {}, u: { vlan-aware: off }, s2: {}", "switch: s1, vlan: 10", "switch: s2, vlan: 10",
      "- { ends: [s1, u], trunk: all }\n- { ends: [u, s2], trunk: [10-30] }", true
    ),
  ])
  func anAddressIsOneOfASegment(switches: String, first: String, second: String, links: String, isTwice: Bool) {
    let text =
      "switches: { \(switches) }\nnodes:\n" + node("a", first) + node("b", second)
      + (links.isEmpty ? "" : "links:\n\(links)")
    #expect(duplicates(text).count == (isTwice ? 1 : 0), "\(text)")
  }

  @Test func wiresAndLANsAreSegmentsOfTheirOwn() {
    #expect(
      duplicates(
        """
        nodes:
          r: { kind: netns, nics: { eth0: { address: 10.0.0.1/24 }, eth1: { address: 10.0.0.1/24 } } }
          a: { kind: netns, nics: { eth0: { address: 10.0.0.2/24 } } }
          b: { kind: netns, nics: { eth0: { address: 10.0.0.2/24 } } }
        links: [{ ends: [r:eth0, a:eth0] }, { ends: [r:eth1, b:eth0] }]
        """) == [])
    #expect(
      duplicates(
        """
        nodes:
          a: { kind: netns, nics: { eth0: { address: [10.0.0.1/24, 10.0.0.1/24] } } }
          b: { kind: netns, nics: { eth0: { address: 10.0.0.2/24 } } }
          c: { kind: netns, nics: { eth0: { address: 10.0.0.2/24 } } }
          d: { kind: netns, nics: { eth0: { address: 10.0.0.3/24 }, eth1: { address: 10.0.0.3/24 } } }
        links: [{ ends: [b, c, d:eth0, d:eth1] }]
        """) == [
          "address 10.0.0.1 is used by a:eth0 (4:47) and a:eth0",
          "address 10.0.0.2 is used by b:eth0 (5:46) and c:eth0",
          "address 10.0.0.3 is used by d:eth0 (7:46) and d:eth1",
        ])
  }
}
