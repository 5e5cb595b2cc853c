extension Example {
  static let unaware: [Example] = [
    Example(
      "L217", "VLANs on a switch that has none",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10 }
        switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
        nodes:
          a[1-2]: { kind: netns, nics: { eth0: { switch: hub, vlan: red } } }
          b: { kind: netns, nics: { eth0: { switch: hub, trunk: [nobody], native: red } } }
          c: { kind: netns, nics: { eth0: { switch: hub, addresses: { red: 10.0.0.1/24 } }, eth1: { vlan: red } } }
        links:
          - { ends: [c:eth1, hub], trunk: all }
          - { ends: [hub, hub2], vlan: 10 }
        """#,
      expected: #"""
        test.lab.yaml:6:61: error[L217]: "vlan" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
            6 |   a[1-2]: { kind: netns, nics: { eth0: { switch: hub, vlan: red } } }
              |                                                             ^^^
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        test.lab.yaml:7:57: error[L217]: "trunk" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
            7 |   b: { kind: netns, nics: { eth0: { switch: hub, trunk: [nobody], native: red } } }
              |                                                         ^
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        test.lab.yaml:8:63: error[L217]: an address in VLAN "red" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
            8 |   c: { kind: netns, nics: { eth0: { switch: hub, addresses: { red: 10.0.0.1/24 } }, eth1: { vlan: red } } }
              |                                                               ^^^ use "address", or have the node make its subinterface itself
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        test.lab.yaml:8:99: error[L217]: "vlan" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
            8 |   c: { kind: netns, nics: { eth0: { switch: hub, addresses: { red: 10.0.0.1/24 } }, eth1: { vlan: red } } }
              |                                                                                                   ^^^
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        test.lab.yaml:10:35: error[L217]: "trunk" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
           10 |   - { ends: [c:eth1, hub], trunk: all }
              |                                   ^^^
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        test.lab.yaml:11:32: error[L217]: "vlan" means nothing on switch hub, which is not VLAN-aware: every frame passes as it is, tagged or not
           11 |   - { ends: [hub, hub2], vlan: 10 }
              |                                ^^
        test.lab.yaml:4:32: note: "vlan-aware" is off here
            4 | switches: { hub: { vlan-aware: off }, hub2: { vlan-aware: off } }
              |                                ^^^
        """#),
    Example(
      "L217", "addresses by VLAN on a LAN",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, nics: { eth0: { addresses: { 10: 10.0.0.1/24 } } } }
          b[1-2]: { kind: netns }
        links: [{ ends: [a, b1, b2] }]
        """#,
      expected: #"""
        test.lab.yaml:4:50: error[L217]: an address in VLAN "10" means nothing on a link with more than two ends: every frame passes as it is, tagged or not
            4 |   a: { kind: netns, nics: { eth0: { addresses: { 10: 10.0.0.1/24 } } } }
              |                                                  ^^ use "address", or have the node make its subinterface itself
        """#),
    Example(
      "L217", "a server where no switch has VLANs",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.0.0/24, dhcp: on } }
        switches: { hub: { vlan-aware: off } }
        """#,
      expected: #"""
        test.lab.yaml:3:46: error[L217]: "dhcp" of VLAN red: no switch has VLANs, as hub is "vlan-aware: off"
            3 | vlans: { red: { id: 10, subnet: 10.0.0.0/24, dhcp: on } }
              |                                              ^^^^ link it to a switch that has the VLAN
        """#),
  ]
}
