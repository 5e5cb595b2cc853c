extension Example {
  static let references: [Example] = [
    Example(
      "L201", "a misspelt switch",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {}, sw2: {} }
        links:
          - { ends: [sw_1, sw2] }
        """#,
      expected: #"""
        test.lab.yaml:5:14: error[L201]: unknown switch "sw_1"
            5 |   - { ends: [sw_1, sw2] }
              |              ^^^^ did you mean "sw1"? (switches: sw1, sw2)
        test.lab.yaml:3:1: note: switches are declared here
            3 | switches: { sw1: {}, sw2: {} }
              | ^^^^^^^^
        """#),
    Example(
      "L201", "names like no other",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: core, vlan: green } } }
        links:
          - { ends: [zebra, lion:eth0] }
        tests:
          - { ping: a -> bee }
        """#,
      expected: #"""
        test.lab.yaml:5:45: error[L201]: unknown switch "core"
            5 |   a: { kind: netns, nics: { eth0: { switch: core, vlan: green } } }
              |                                             ^^^^ switches: sw1
        test.lab.yaml:3:1: note: switches are declared here
            3 | switches: { sw1: {} }
              | ^^^^^^^^
        test.lab.yaml:5:57: error[L201]: unknown VLAN "green"
            5 |   a: { kind: netns, nics: { eth0: { switch: core, vlan: green } } }
              |                                                         ^^^^^ no VLANs are declared
        test.lab.yaml:7:14: error[L201]: unknown switch or node "zebra"
            7 |   - { ends: [zebra, lion:eth0] }
              |              ^^^^^ switches: sw1; nodes: a
        test.lab.yaml:3:1: note: switches are declared here
            3 | switches: { sw1: {} }
              | ^^^^^^^^
        test.lab.yaml:4:1: note: nodes are declared here
            4 | nodes:
              | ^^^^^
        test.lab.yaml:7:21: error[L201]: unknown node "lion"
            7 |   - { ends: [zebra, lion:eth0] }
              |                     ^^^^ nodes: a
        test.lab.yaml:4:1: note: nodes are declared here
            4 | nodes:
              | ^^^^^
        test.lab.yaml:9:18: error[L201]: unknown node "bee"
            9 |   - { ping: a -> bee }
              |                  ^^^ nodes: a
        test.lab.yaml:4:1: note: nodes are declared here
            4 | nodes:
              | ^^^^^
        """#),
    Example(
      "L201", "a NIC of a switch",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes: { a: { kind: netns } }
        links:
          - { ends: [a, sw1:eth0] }
        """#,
      expected: #"""
        test.lab.yaml:6:17: error[L201]: "sw1" is a switch, so "eth0" means nothing; its ports are named as what is on them
            6 |   - { ends: [a, sw1:eth0] }
              |                 ^^^^^^^^ write sw1
        """#),
    Example(
      "L201", "a tap without a free NIC",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes: { up: { kind: tap } }
        links:
          - { ends: [up, sw1] }
        """#,
      expected: #"""
        test.lab.yaml:6:14: error[L201]: "up" has no free NIC; the NICs of kind tap are named as their interfaces
            6 |   - { ends: [up, sw1] }
              |              ^^ write up:INTERFACE
        """#),
    Example(
      "L202", "a NIC with two links",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1 } } }
          b: { kind: netns }
          c: { kind: netns }
        links:
          - { ends: [a:eth0, b:eth0] }
          - { ends: [b:eth1, c:eth0] }
          - { ends: [c.eth0, sw1] }
        """#,
      expected: #"""
        test.lab.yaml:9:14: error[L202]: a:eth0 is already on switch sw1 (5:45)
            9 |   - { ends: [a:eth0, b:eth0] }
              |              ^^^^^^ a NIC has one cable
        test.lab.yaml:5:45: note: a:eth0 is plugged in here
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1 } } }
              |                                             ^^^
        test.lab.yaml:11:14: error[L202]: c:eth0 already has a link (10:22)
           11 |   - { ends: [c.eth0, sw1] }
              |              ^^^^^^ a NIC has one cable
        test.lab.yaml:10:22: note: c:eth0 is plugged in here
           10 |   - { ends: [b:eth1, c:eth0] }
              |                      ^^^^^^
        """#),
    Example(
      "L202", "two NICs on one socket",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, socket: /tmp/a.sock }, eth1: { switch: sw1, socket: /tmp/a.sock } } }
        """#,
      expected: #"""
        test.lab.yaml:5:105: error[L202]: socket "/tmp/a.sock" is used by a:eth0 and a:eth1
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket: /tmp/a.sock }, eth1: { switch: sw1, socket: /tmp/a.sock } } }
              |                                                                                                         ^^^^^^^^^^^
        test.lab.yaml:5:61: note: a:eth0 uses it here
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket: /tmp/a.sock }, eth1: { switch: sw1, socket: /tmp/a.sock } } }
              |                                                             ^^^^^^^^^^^
        """#),
    Example(
      "L203", "a link to itself",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes: { a: { kind: netns } }
        links:
          - { ends: [sw1, sw1] }
          - { ends: [a:eth0, a.eth0] }
        """#,
      expected: #"""
        test.lab.yaml:6:19: error[L203]: link connects sw1 to itself
            6 |   - { ends: [sw1, sw1] }
              |                   ^^^
        test.lab.yaml:7:22: error[L203]: link connects a:eth0 to itself
            7 |   - { ends: [a:eth0, a.eth0] }
              |                      ^^^^^^
        """#),
    Example(
      "L204", "a loop of switches",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {}, sw2: {}, sw3: {} }
        links:
          - { ends: [sw1, sw2] }
          - { ends: [sw2, sw3] }
          - { ends: [sw3, sw1], trunk: [10-20] }
        """#,
      expected: #"""
        test.lab.yaml:7:5: warning[L204]: sw3, sw2 and sw1 form a loop in VLAN 10: frames will circulate
            7 |   - { ends: [sw3, sw1], trunk: [10-20] }
              |     ^ no spanning tree runs; remove a link, or a VLAN from it
        test.lab.yaml:6:14: note: sw3 and sw2 are linked here
            6 |   - { ends: [sw2, sw3] }
              |              ^^^
        test.lab.yaml:5:14: note: sw2 and sw1 are linked here
            5 |   - { ends: [sw1, sw2] }
              |              ^^^
        """#),
  ]
}
