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
      expected: "")
  ]
}
