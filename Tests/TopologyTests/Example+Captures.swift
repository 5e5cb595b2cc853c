extension Example {
  static let captures: [Example] = [
    Example(
      "L005", "captures of other types",
      text: #"""
        version: 1
        name: test
        recorder: on
        capture:
          - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
        """#,
      expected: #"""
        test.lab.yaml:3:11: error[L005]: "recorder" must be a size such as 8M, or off, found "on"
            3 | recorder: on
              |           ^^
        test.lab.yaml:5:11: error[L005]: "on" must be a list of ports, links, nodes and switches, or all, found mapping
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |           ^
        test.lab.yaml:5:27: error[L005]: "file" must be the name of a file, found list
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |                           ^
        test.lab.yaml:5:37: error[L005]: "ring" must be a number of files and the size of each, such as 4x10M, found "10M"
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |                                     ^^^
        test.lab.yaml:5:48: error[L005]: "snap" must be a whole number, found "all"
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |                                                ^^^
        test.lab.yaml:5:61: error[L005]: "filter" must be a filter such as tcp port 80, found ""
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |                                                             ^^
        test.lab.yaml:5:76: error[L006]: "direction" must be one of in, out, both, found "inn"
            5 |   - { on: { a: b }, file: [], ring: 10M, snap: all, filter: "", direction: inn }
              |                                                                            ^^^ did you mean "in"?
        """#),
    Example(
      "L006", "captures out of range",
      text: #"""
        version: 1
        name: test
        recorder: 2G
        capture:
          - { on: all, file: a.pcapng, ring: 1x10M, snap: 32 }
          - { on: all, file: b.pcapng, ring: 4x1K, snap: 262145 }
          - { on: [], file: c.pcapng }
        """#,
      expected: #"""
        test.lab.yaml:3:11: error[L006]: "recorder" must be 512 KiB..1 GiB, or off, found 2 GiB
            3 | recorder: 2G
              |           ^^
        test.lab.yaml:5:38: error[L006]: "ring" must be 2..1000 files of 64 KiB..1 TiB, found "1x10M"
            5 |   - { on: all, file: a.pcapng, ring: 1x10M, snap: 32 }
              |                                      ^^^^^
        test.lab.yaml:5:51: error[L006]: "snap" must be 64..262144, found 32
            5 |   - { on: all, file: a.pcapng, ring: 1x10M, snap: 32 }
              |                                                   ^^
        test.lab.yaml:6:38: error[L006]: "ring" must be 2..1000 files of 64 KiB..1 TiB, found "4x1K"
            6 |   - { on: all, file: b.pcapng, ring: 4x1K, snap: 262145 }
              |                                      ^^^^
        test.lab.yaml:6:50: error[L006]: "snap" must be 64..262144, found 262145
            6 |   - { on: all, file: b.pcapng, ring: 4x1K, snap: 262145 }
              |                                                  ^^^^^^
        test.lab.yaml:7:11: error[L006]: "on" must be a port, link, node or switch, or all, found an empty list
            7 |   - { on: [], file: c.pcapng }
              |           ^
        """#),
    Example(
      "L007", "captures of nothing, and to nowhere",
      text: #"""
        version: 1
        name: test
        capture:
          - { file: a.pcapng }
          - { on: all }
          - { no: all, file: b.pcapng }
        """#,
      expected: #"""
        test.lab.yaml:4:5: error[L007]: a capture needs "on"
            4 |   - { file: a.pcapng }
              |     ^ on: vm1:eth0
        test.lab.yaml:5:5: error[L007]: a capture needs "file"
            5 |   - { on: all }
              |     ^ file: wire1.pcapng
        test.lab.yaml:6:7: error[L003]: unknown key "no" in capture
            6 |   - { no: all, file: b.pcapng }
              |       ^^ did you mean "on"? (valid: on, file, ring, snap, filter, direction)
        """#),
    Example(
      "L004", "captures that are indented too far",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, recorder: off }
          capture:
            - { on: all, file: a.pcapng }
        """#,
      expected: #"""
        test.lab.yaml:4:21: error[L004]: "recorder" belongs at the top level, not in a node
            4 |   a: { kind: netns, recorder: off }
              |                     ^^^^^^^^
        test.lab.yaml:5:3: error[L004]: "capture" belongs at the top level, not under "nodes"
            5 |   capture:
              |   ^^^^^^^
        """#),
    Example(
      "L201", "captures of what is not there",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {}, sw2: {} }
        nodes:
          vm1: { kind: netns, nics: { eth0: { switch: sw1 } } }
          vm2: { kind: netns }
        links:
          - { ends: [vm1, vm2] }
          - { name: trunk1, ends: [sw1, sw2] }
          - { name: broken, ends: [sw1, sw3] }
          - { name: up, ends: [vm2, sw1] }
        capture:
          - { on: [trnk1, vm1:eth7, vm3.eth0, sw1:eth0], file: a.pcapng }
          - { on: [vm1:eth1--vm2:eth1, quite-another, al, broken, up], file: b.pcapng }
        """#,
      expected: #"""
        test.lab.yaml:10:33: error[L201]: unknown switch "sw3"
           10 |   - { name: broken, ends: [sw1, sw3] }
              |                                 ^^^ did you mean "sw1"? (switches: sw1, sw2)
        test.lab.yaml:3:1: note: switches are declared here
            3 | switches: { sw1: {}, sw2: {} }
              | ^^^^^^^^
        test.lab.yaml:11:13: warning[L213]: "up" names nothing: a NIC's link to a switch is called as its port, vm2.eth1
           11 |   - { name: up, ends: [vm2, sw1] }
              |             ^^
        test.lab.yaml:13:12: error[L201]: unknown port, link, node or switch "trnk1"
           13 |   - { on: [trnk1, vm1:eth7, vm3.eth0, sw1:eth0], file: a.pcapng }
              |            ^^^^^ did you mean "trunk1"? (links: vm1:eth1--vm2:eth0, trunk1; switches: sw1, sw2; nodes: vm1, vm2)
        test.lab.yaml:7:1: note: links are declared here
            7 | links:
              | ^^^^^
        test.lab.yaml:13:19: error[L201]: unknown NIC "eth7" of node "vm1"
           13 |   - { on: [trnk1, vm1:eth7, vm3.eth0, sw1:eth0], file: a.pcapng }
              |                   ^^^^^^^^ did you mean "eth0"? (NICs: eth0, eth1)
        test.lab.yaml:5:3: note: node "vm1" is declared here
            5 |   vm1: { kind: netns, nics: { eth0: { switch: sw1 } } }
              |   ^^^
        test.lab.yaml:13:29: error[L201]: unknown node "vm3"
           13 |   - { on: [trnk1, vm1:eth7, vm3.eth0, sw1:eth0], file: a.pcapng }
              |                             ^^^ did you mean "vm1"? (nodes: vm1, vm2)
        test.lab.yaml:4:1: note: nodes are declared here
            4 | nodes:
              | ^^^^^
        test.lab.yaml:13:39: error[L201]: "sw1" is a switch; its ports are named as what is on them
           13 |   - { on: [trnk1, vm1:eth7, vm3.eth0, sw1:eth0], file: a.pcapng }
              |                                       ^^^^^^^^ write sw1, or NODE:NIC
        test.lab.yaml:14:12: error[L201]: unknown port, link, node or switch "vm1:eth1--vm2:eth1"
           14 |   - { on: [vm1:eth1--vm2:eth1, quite-another, al, broken, up], file: b.pcapng }
              |            ^^^^^^^^^^^^^^^^^^ did you mean "vm1:eth1--vm2:eth0"? (links: vm1:eth1--vm2:eth0, trunk1; switches: sw1, sw2; nodes: vm1, vm2)
        test.lab.yaml:7:1: note: links are declared here
            7 | links:
              | ^^^^^
        test.lab.yaml:14:32: error[L201]: unknown port, link, node or switch "quite-another"
           14 |   - { on: [vm1:eth1--vm2:eth1, quite-another, al, broken, up], file: b.pcapng }
              |                                ^^^^^^^^^^^^^ links: vm1:eth1--vm2:eth0, trunk1; switches: sw1, sw2; nodes: vm1, vm2
        test.lab.yaml:14:47: error[L201]: unknown port, link, node or switch "al"
           14 |   - { on: [vm1:eth1--vm2:eth1, quite-another, al, broken, up], file: b.pcapng }
              |                                               ^^ did you mean "all"? (links: vm1:eth1--vm2:eth0, trunk1; switches: sw1, sw2; nodes: vm1, vm2)
        test.lab.yaml:14:59: error[L201]: "up" names nothing: a NIC's link to a switch is called as its port
           14 |   - { on: [vm1:eth1--vm2:eth1, quite-another, al, broken, up], file: b.pcapng }
              |                                                           ^^ write vm2.eth1
        """#),
    Example(
      "L202", "captures to one file",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: debian.qcow2 }
        capture:
          - { on: all, file: a.pcapng }
          - { on: a, file: ./x/../a.pcapng }
          - { on: a, file: debian.qcow2 }
          - { on: a, file: /labs/test.lab.yaml }
        """#,
      expected: #"""
        test.lab.yaml:7:20: error[L202]: file "./x/../a.pcapng" is written by another capture (6:22)
            7 |   - { on: a, file: ./x/../a.pcapng }
              |                    ^^^^^^^^^^^^^^^ write to another file
        test.lab.yaml:6:22: note: it is here
            6 |   - { on: all, file: a.pcapng }
              |                      ^^^^^^^^
        test.lab.yaml:8:20: error[L202]: file "debian.qcow2" is the image of a
            8 |   - { on: a, file: debian.qcow2 }
              |                    ^^^^^^^^^^^^ write to another file
        test.lab.yaml:4:25: note: it is here
            4 |   a: { kind: vm, image: debian.qcow2 }
              |                         ^^^^^^^^^^^^
        test.lab.yaml:9:20: error[L202]: file "/labs/test.lab.yaml" is this lab file
            9 |   - { on: a, file: /labs/test.lab.yaml }
              |                    ^^^^^^^^^^^^^^^^^^^ write to another file
        """#),
    Example(
      "L213", "a target twice",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1 } } }
        capture:
          - { on: [a:eth0, a.eth0], file: a.pcapng }
        """#,
      expected: #"""
        test.lab.yaml:7:20: warning[L213]: "a.eth0" stands in "on" twice
            7 |   - { on: [a:eth0, a.eth0], file: a.pcapng }
              |                    ^^^^^^
        """#),
    Example(
      "L309", "filters that are none, and a folder that is not there",
      text: #"""
        version: 1
        name: test
        nodes: { a: { kind: netns } }
        capture:
          - { on: all, file: a.pcapng, filter: tcp prt 80 }
          - { on: all, file: /missing/b.pcapng, filter: tcp port 80 }
        """#,
      expected: #"""
        test.lab.yaml:5:40: error[L309]: filter "tcp prt 80": syntax error
            5 |   - { on: all, file: a.pcapng, filter: tcp prt 80 }
              |                                        ^^^^^^^^^^ the language is that of pcap-filter(7)
        test.lab.yaml:6:22: error[L301]: there is no folder "/missing" for "/missing/b.pcapng"
            6 |   - { on: all, file: /missing/b.pcapng, filter: tcp port 80 }
              |                      ^^^^^^^^^^^^^^^^^ make it: mkdir -p /missing
        """#),
  ]
}
