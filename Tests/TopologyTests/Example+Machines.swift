extension Example {
  static let machines: [Example] = [
    Example(
      "L003", "misspelt keys of machines",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            image: { fil: debian.qcow2 }
            cloud-init: { userdata: user-data.yaml }
            ready: { tpc: 22 }
        """#,
      expected: #"""
        test.lab.yaml:6:14: error[L003]: unknown key "fil" in image
            6 |     image: { fil: debian.qcow2 }
              |              ^^^ did you mean "file"? (valid: file, sha256, format, system, configuration, properties)
        test.lab.yaml:7:19: error[L003]: unknown key "userdata" in cloud-init
            7 |     cloud-init: { userdata: user-data.yaml }
              |                   ^^^^^^^^ did you mean "user-data"? (valid: user-data, meta-data, network-config)
        test.lab.yaml:8:14: error[L003]: unknown key "tpc" in ready
            8 |     ready: { tpc: 22 }
              |              ^^^ did you mean "tcp"? (valid: console, tcp, agent, timeout)
        """#),
    Example(
      "L005", "machine keys of another type",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            image: { file: debian.qcow2, sha256: abc, format: vdi }
            persist: always
            cloud-init: { user-data: { packages: [] } }
            ready: { console: [login], agent: maybe, tcp: ssh, timeout: 60 }
            after: { b: ready }
          b: { kind: vm, image: "", cloud-init: on, ready: 22 }
        """#,
      expected: #"""
        test.lab.yaml:6:42: error[L005]: "sha256" must be 64 hexadecimal digits, found "abc"
            6 |     image: { file: debian.qcow2, sha256: abc, format: vdi }
              |                                          ^^^
        test.lab.yaml:6:55: error[L006]: "format" must be one of qcow2, raw, vmdk, found "vdi"
            6 |     image: { file: debian.qcow2, sha256: abc, format: vdi }
              |                                                       ^^^
        test.lab.yaml:7:14: error[L005]: "persist" must be on or off, found "always"
            7 |     persist: always
              |              ^^^^^^
        test.lab.yaml:8:30: error[L005]: "user-data" must be a file, or a document of several lines, found mapping
            8 |     cloud-init: { user-data: { packages: [] } }
              |                              ^
        test.lab.yaml:9:23: error[L005]: "console" must be a text of one line, at most 256 characters, found list
            9 |     ready: { console: [login], agent: maybe, tcp: ssh, timeout: 60 }
              |                       ^
        test.lab.yaml:9:39: error[L005]: "agent" must be on or off, found "maybe"
            9 |     ready: { console: [login], agent: maybe, tcp: ssh, timeout: 60 }
              |                                       ^^^^^
        test.lab.yaml:9:51: error[L005]: "tcp" must be a whole number, found "ssh"
            9 |     ready: { console: [login], agent: maybe, tcp: ssh, timeout: 60 }
              |                                                   ^^^
        test.lab.yaml:9:65: error[L005]: "timeout" must be a time such as 300s or 40ms, found "60"
            9 |     ready: { console: [login], agent: maybe, tcp: ssh, timeout: 60 }
              |                                                                 ^^
        test.lab.yaml:10:12: error[L005]: "after" must be a list of nodes such as gw or gw.started, found mapping
           10 |     after: { b: ready }
              |            ^
        test.lab.yaml:11:25: error[L005]: "image" must be builtin, none or a file, found ""
           11 |   b: { kind: vm, image: "", cloud-init: on, ready: 22 }
              |                         ^^
        test.lab.yaml:11:41: error[L005]: "cloud-init" must be a mapping, found "on"
           11 |   b: { kind: vm, image: "", cloud-init: on, ready: 22 }
              |                                         ^^
        test.lab.yaml:11:52: error[L005]: "ready" must be a mapping, found "22"
           11 |   b: { kind: vm, image: "", cloud-init: on, ready: 22 }
              |                                                    ^^
        """#),
    Example(
      "L006", "values of ready out of range",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
          b: { kind: vm, ready: { timeout: 500ms } }
        """#,
      expected: #"""
        test.lab.yaml:5:32: error[L006]: "tcp" must be 1..65535, found 65536
            5 |   a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
              |                                ^^^^^
        test.lab.yaml:5:48: error[L006]: "timeout" must be 1s..3600s, found "2h"
            5 |   a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
              |                                                ^^
        test.lab.yaml:5:61: error[L005]: "console" must be a text of one line, at most 256 characters, found ""
            5 |   a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
              |                                                             ^^
        test.lab.yaml:5:75: error[L006]: "after" must be NODE, NODE.ready or NODE.started, found "b.redy"
            5 |   a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
              |                                                                           ^^^^^^ did you mean "b.ready"?
        test.lab.yaml:5:83: error[L006]: "after" must be NODE, NODE.ready or NODE.started, found "b."
            5 |   a: { kind: vm, ready: { tcp: 65536, timeout: 2h, console: "" }, after: [b.redy, b.] }
              |                                                                                   ^^
        test.lab.yaml:6:36: error[L006]: "timeout" must be 1s..3600s, found "500ms"
            6 |   b: { kind: vm, ready: { timeout: 500ms } }
              |                                    ^^^^^
        """#),
    Example(
      "L007", "nothing to be ready, no file",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, ready: {}, image: { format: raw } }
        """#,
      expected: #"""
        test.lab.yaml:4:18: error[L007]: "ready" needs one of "console", "tcp", "agent", "timeout"
            4 |   a: { kind: vm, ready: {}, image: { format: raw } }
              |                  ^^^^^ ready: { tcp: 22, timeout: 120s }
        test.lab.yaml:4:29: error[L007]: "image" needs "file"
            4 |   a: { kind: vm, ready: {}, image: { format: raw } }
              |                             ^^^^^ image: { file: debian-12.qcow2 }
        """#),
    Example(
      "L004", "keys of machines in a namespace",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, persist: off, after: b, ready: { tcp: 22 }, cloud-init: {} }
          b: { kind: tap }
        """#,
      expected: #"""
        test.lab.yaml:4:21: error[L004]: "persist" is a key of kind vm, not of netns
            4 |   a: { kind: netns, persist: off, after: b, ready: { tcp: 22 }, cloud-init: {} }
              |                     ^^^^^^^
        test.lab.yaml:4:35: error[L004]: "after" is a key of kind vm and container, not of netns
            4 |   a: { kind: netns, persist: off, after: b, ready: { tcp: 22 }, cloud-init: {} }
              |                                   ^^^^^
        test.lab.yaml:4:45: error[L004]: "ready" is a key of kind vm and container, not of netns
            4 |   a: { kind: netns, persist: off, after: b, ready: { tcp: 22 }, cloud-init: {} }
              |                                             ^^^^^
        test.lab.yaml:4:65: error[L004]: "cloud-init" is a key of kind vm, not of netns
            4 |   a: { kind: netns, persist: off, after: b, ready: { tcp: 22 }, cloud-init: {} }
              |                                                                 ^^^^^^^^^^
        """#),
    Example(
      "L211", "the builtin image as a file",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: { file: builtin, format: raw } }
        """#,
      expected: #"""
        test.lab.yaml:4:33: error[L211]: "builtin" is part of Apus, not a file with a format and a sum
            4 |   a: { kind: vm, image: { file: builtin, format: raw } }
              |                                 ^^^^^^^ write image: builtin
        """#),
    Example(
      "L215", "a port of a machine without an address",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a[1-2]: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1 }, eth1: { address: 10.0.0.1/24 } } }
          b: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.1.1/24 } } }
          c: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw2 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:37: error[L215]: "tcp" is tried at the machine's first address on a switch, and it has none
            5 |   a[1-2]: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1 }, eth1: { address: 10.0.0.1/24 } } }
              |                                     ^^ give a NIC a "switch" and an "address", or its VLAN a "subnet"
        test.lab.yaml:7:62: error[L201]: unknown switch "sw2"
            7 |   c: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw2 } } }
              |                                                              ^^^ did you mean "sw1"? (switches: sw1)
        test.lab.yaml:3:1: note: switches are declared here
            3 | switches: { sw1: {} }
              | ^^^^^^^^
        """#),
    Example(
      "L215", "a port from defaults and from a profile",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        defaults: { ready: { tcp: 22 } }
        profiles: { host: { kind: vm, ready: { tcp: 23 } } }
        nodes:
          a[1-9]: { kind: vm }
          b: { kind: vm }
          c: { profile: host }
          d: { kind: vm, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        """#,
      expected: #"""
        test.lab.yaml:4:27: error[L215]: "tcp" is tried at the machine's first address on a switch, and it has none
            4 | defaults: { ready: { tcp: 22 } }
              |                           ^^ give a NIC a "switch" and an "address", or its VLAN a "subnet"
        test.lab.yaml:7:3: note: node "a1" has it from a profile or defaults
            7 |   a[1-9]: { kind: vm }
              |   ^^^^^^
        test.lab.yaml:8:3: note: node "b" has it from a profile or defaults
            8 |   b: { kind: vm }
              |   ^
        test.lab.yaml:5:45: error[L215]: "tcp" is tried at the machine's first address on a switch, and it has none
            5 | profiles: { host: { kind: vm, ready: { tcp: 23 } } }
              |                                             ^^ give a NIC a "switch" and an "address", or its VLAN a "subnet"
        test.lab.yaml:9:3: note: node "c" has it from a profile or defaults
            9 |   c: { profile: host }
              |   ^
        """#),
    Example(
      "L201", "unknown nodes to wait for",
      text: #"""
        version: 1
        name: test
        nodes:
          gw: { kind: netns }
          a: { kind: vm, after: [wg, gw.started] }
          b: { kind: vm, after: "vm[1-3].ready" }
        """#,
      expected: #"""
        test.lab.yaml:5:26: error[L201]: unknown node "wg"
            5 |   a: { kind: vm, after: [wg, gw.started] }
              |                          ^^ did you mean "gw"? (nodes: gw, a, b)
        test.lab.yaml:3:1: note: nodes are declared here
            3 | nodes:
              | ^^^^^
        test.lab.yaml:6:25: error[L201]: "after" takes names of nodes, not the range "vm[1-3]"
            6 |   b: { kind: vm, after: "vm[1-3].ready" }
              |                         ^^^^^^^ write after: [vm1, vm2, vm3]
        """#),
    Example(
      "L213", "a node to wait for twice",
      text: #"""
        version: 1
        name: test
        nodes:
          gw: { kind: netns }
          a: { kind: vm, after: [gw.started, gw:ready] }
        """#,
      expected: #"""
        test.lab.yaml:5:38: warning[L213]: "gw" stands in "after" twice
            5 |   a: { kind: vm, after: [gw.started, gw:ready] }
              |                                      ^^^^^^^^
        """#),
    Example(
      "L304", "machines that wait for each other",
      text: #"""
        version: 1
        name: test
        nodes:
          vm1: { kind: vm, after: [r1, r2] }
          r1: { kind: vm, after: vm1.started }
          r2: { kind: vm, after: vm1 }
          a: { kind: vm, after: b }
          b: { kind: vm, after: [c] }
          c: { kind: vm, after: [gw, a] }
          gw: { kind: netns }
        """#,
      expected: #"""
        test.lab.yaml:4:28: error[L304]: start order has a cycle: vm1 -> r1 -> vm1
            4 |   vm1: { kind: vm, after: [r1, r2] }
              |                            ^^
        test.lab.yaml:5:26: note: r1 waits for vm1 here
            5 |   r1: { kind: vm, after: vm1.started }
              |                          ^^^^^^^^^^^
        test.lab.yaml:7:25: error[L304]: start order has a cycle: a -> b -> c -> a
            7 |   a: { kind: vm, after: b }
              |                         ^
        test.lab.yaml:8:26: note: b waits for c here
            8 |   b: { kind: vm, after: [c] }
              |                          ^
        test.lab.yaml:9:30: note: c waits for a here
            9 |   c: { kind: vm, after: [gw, a] }
              |                              ^
        """#),
    Example(
      "L304", "machines that wait for themselves",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, after: a }
          vm[1-3]: { kind: vm, after: vm1 }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L304]: start order has a cycle: a -> a
            4 |   a: { kind: vm, after: a }
              |                         ^
        test.lab.yaml:5:31: error[L304]: start order has a cycle: vm1 -> vm1
            5 |   vm[1-3]: { kind: vm, after: vm1 }
              |                               ^^^
        """#),
  ]
}
