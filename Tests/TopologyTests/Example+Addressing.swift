extension Example {
  static let addressing: [Example] = [
    Example(
      "L205", "a native VLAN outside its trunk, an id twice",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10, blue: 20, pink: 10 }
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, trunk: [blue], native: red } } }
        """#,
      expected: #"""
        test.lab.yaml:3:35: error[L205]: VLANs red and pink both have id 10 (3:15)
            3 | vlans: { red: 10, blue: 20, pink: 10 }
              |                                   ^^
        test.lab.yaml:3:15: note: VLAN red has it here
            3 | vlans: { red: 10, blue: 20, pink: 10 }
              |               ^^
        test.lab.yaml:6:73: error[L205]: native "red" is not in trunk [blue]
            6 |   a: { kind: netns, nics: { eth0: { switch: sw1, trunk: [blue], native: red } } }
              |                                                                         ^^^
        test.lab.yaml:6:57: note: the trunk is here
            6 |   a: { kind: netns, nics: { eth0: { switch: sw1, trunk: [blue], native: red } } }
              |                                                         ^
        """#),
    Example(
      "L206", "VLANs on a wire",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10 }
        nodes:
          a: { kind: netns, nics: { eth0: { vlan: red } } }
          b: { kind: netns }
        links:
          - { ends: [a:eth0, b], trunk: all }
        """#,
      expected: #"""
        test.lab.yaml:5:43: error[L206]: a wire between two nodes passes every frame as it is; a VLAN belongs to a switch's port
            5 |   a: { kind: netns, nics: { eth0: { vlan: red } } }
              |                                           ^^^
        test.lab.yaml:8:14: note: the wire is here
            8 |   - { ends: [a:eth0, b], trunk: all }
              |              ^^^^^^
        test.lab.yaml:8:33: error[L206]: a wire between two nodes passes every frame as it is; a VLAN belongs to a switch's port
            8 |   - { ends: [a:eth0, b], trunk: all }
              |                                 ^^^
        """#),
    Example(
      "L206", "a link and its NIC that differ",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10, blue: 20 }
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { vlan: red } } }
        links:
          - { ends: [a:eth0, sw1], vlan: blue }
        """#,
      expected: #"""
        test.lab.yaml:8:34: error[L206]: the link and its NIC eth0 carry different VLANs (access red, access blue)
            8 |   - { ends: [a:eth0, sw1], vlan: blue }
              |                                  ^^^^
        test.lab.yaml:6:43: note: the NIC's own is here
            6 |   a: { kind: netns, nics: { eth0: { vlan: red } } }
              |                                           ^^^
        """#),
    Example(
      "L207", "a MAC address twice, and a multicast one",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a[1-3]: { kind: netns, nics: { eth0: { switch: sw1, mac: 02:00:00:00:00:01 } } }
          b: { kind: netns, nics: { eth0: { mac: 01:00:00:00:00:01 }, eth1: { mac: 00:00:00:00:00:00 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:60: error[L207]: MAC address 02:00:00:00:00:01 is used by a1:eth0 (5:60) and a2:eth0
            5 |   a[1-3]: { kind: netns, nics: { eth0: { switch: sw1, mac: 02:00:00:00:00:01 } } }
              |                                                            ^^^^^^^^^^^^^^^^^ leave "mac" out of a range: each NIC gets its own
        test.lab.yaml:6:42: error[L207]: MAC address 01:00:00:00:00:01 is a multicast address; a NIC needs a unicast one
            6 |   b: { kind: netns, nics: { eth0: { mac: 01:00:00:00:00:01 }, eth1: { mac: 00:00:00:00:00:00 } } }
              |                                          ^^^^^^^^^^^^^^^^^ make its first byte even
        test.lab.yaml:6:76: error[L207]: MAC address 00:00:00:00:00:00 is all zero; a NIC needs a unicast one
            6 |   b: { kind: netns, nics: { eth0: { mac: 01:00:00:00:00:01 }, eth1: { mac: 00:00:00:00:00:00 } } }
              |                                                                            ^^^^^^^^^^^^^^^^^
        """#),
    Example(
      "L207", "an address twice",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        """#,
      expected: #"""
        test.lab.yaml:6:59: error[L207]: address 10.0.0.1 is used by a:eth0 (5:59) and b:eth0
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
              |                                                           ^^^^^^^^^^^
        test.lab.yaml:5:59: note: a:eth0 has it here
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
              |                                                           ^^^^^^^^^^^
        """#),
    Example(
      "L207", "addresses that do not fit their subnet",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.10.0/24 } }
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.20.1/24 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.10.255/24 } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.10.1/16 } } }
          d: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 224.0.0.1/24 } } }
        """#,
      expected: #"""
        test.lab.yaml:6:70: error[L207]: address 10.0.20.1/24 is outside the subnet of VLAN red, 10.0.10.0/24
            6 |   a: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.20.1/24 } } }
              |                                                                      ^^^^^^^^^^^^
        test.lab.yaml:3:33: note: the subnet is declared here
            3 | vlans: { red: { id: 10, subnet: 10.0.10.0/24 } }
              |                                 ^^^^^^^^^^^^
        test.lab.yaml:7:70: error[L207]: 10.0.10.255/24 is the broadcast address of 10.0.10.0/24, not a host's
            7 |   b: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.10.255/24 } } }
              |                                                                      ^^^^^^^^^^^^^^
        test.lab.yaml:8:70: warning[L207]: address 10.0.10.1/16 has another prefix length than the subnet of VLAN red, 10.0.10.0/24
            8 |   c: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.10.1/16 } } }
              |                                                                      ^^^^^^^^^^^^
        test.lab.yaml:3:33: note: the subnet is declared here
            3 | vlans: { red: { id: 10, subnet: 10.0.10.0/24 } }
              |                                 ^^^^^^^^^^^^
        test.lab.yaml:9:70: error[L207]: 224.0.0.1/24 is a multicast address; no NIC can have it
            9 |   d: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 224.0.0.1/24 } } }
              |                                                                      ^^^^^^^^^^^^
        """#),
    Example(
      "L208", "an interface name that is too long, and one twice",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: tap, nics: { very-long-switch0: { switch: sw1 } } }
          b[1-3]: { kind: tap, nics: { tap0: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:27: error[L208]: interface name "very-long-switch0" has 17 characters; Linux allows 15
            5 |   a: { kind: tap, nics: { very-long-switch0: { switch: sw1 } } }
              |                           ^^^^^^^^^^^^^^^^^
        test.lab.yaml:6:32: error[L208]: host interface "tap0" is made by b1:tap0 (6:32) and b2:tap0
            6 |   b[1-3]: { kind: tap, nics: { tap0: { switch: sw1 } } }
              |                                ^^^^
        """#),
    Example(
      "L209", "gateways that are no neighbours",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, gateway: 10.0.1.254 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, gateway: 10.0.0.254 } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24, gateway: 10.0.0.2 } } }
          d:
            kind: netns
            nics:
              eth0: { switch: sw1, address: 10.0.0.3/24, routes: [ { to: fd00::/8, via: 10.0.0.2 } ] }
        """#,
      expected: #"""
        test.lab.yaml:5:81: error[L209]: gateway 10.0.1.254 is in no subnet of a:eth0 (10.0.0.1/24)
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, gateway: 10.0.1.254 } } }
              |                                                                                 ^^^^^^^^^^ if it is a neighbour all the same, write routes: [{ to: default, via: 10.0.1.254, onlink: on }]
        test.lab.yaml:6:59: error[L209]: gateway 10.0.0.254 is in no subnet of b:eth0 (it has no address)
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1, gateway: 10.0.0.254 } } }
              |                                                           ^^^^^^^^^^
        test.lab.yaml:7:81: error[L209]: gateway 10.0.0.2 is c:eth0 itself
            7 |   c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24, gateway: 10.0.0.2 } } }
              |                                                                                 ^^^^^^^^
        test.lab.yaml:11:81: error[L209]: next hop 10.0.0.2 is of another family than fd00::/8
           11 |       eth0: { switch: sw1, address: 10.0.0.3/24, routes: [ { to: fd00::/8, via: 10.0.0.2 } ] }
              |                                                                                 ^^^^^^^^
        """#),
    Example(
      "L210", "a subnet that is too small",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.0.0/30 } }
        switches: { sw1: {} }
        nodes:
          a[1-3]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        """#,
      expected: #"""
        test.lab.yaml:6:50: error[L210]: subnet 10.0.0.0/30 has no address left for a3:eth0
            6 |   a[1-3]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
              |                                                  ^^^
        test.lab.yaml:3:33: note: the subnet is declared here
            3 | vlans: { red: { id: 10, subnet: 10.0.0.0/30 } }
              |                                 ^^^^^^^^^^^
        """#),
  ]
}
