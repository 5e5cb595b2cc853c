extension Example {
  static let contradictions: [Example] = [
    Example(
      "L211", "keys that exclude each other",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10, blue: 20 }
        switches: { sw1: {} }
        nodes:
          a:
            kind: netns
            nics:
              eth0: { switch: sw1, vlan: red, trunk: [blue] }
              eth1: { switch: sw1, native: red }
              eth2: { vlan: red }
              eth3: { switch: sw1, trunk: [red], address: 10.0.0.1/24 }
              eth4: { switch: sw1, vlan: red, addresses: { blue: 10.1.0.1/24 } }
        """#,
      expected: #"""
        test.lab.yaml:9:34: error[L211]: "vlan" and "trunk" exclude each other
            9 |       eth0: { switch: sw1, vlan: red, trunk: [blue] }
              |                                  ^^^ a trunk's untagged VLAN is "native"
        test.lab.yaml:9:46: note: "trunk" is here
            9 |       eth0: { switch: sw1, vlan: red, trunk: [blue] }
              |                                              ^
        test.lab.yaml:10:36: error[L211]: "native" needs "trunk"
           10 |       eth1: { switch: sw1, native: red }
              |                                    ^^^ an access port's VLAN is "vlan"
        test.lab.yaml:11:21: error[L211]: a VLAN needs "switch", or a link from a:eth2 to a switch
           11 |       eth2: { vlan: red }
              |                     ^^^
        test.lab.yaml:12:51: error[L211]: this NIC is a trunk without "native", so untagged frames from 10.0.0.1/24 are dropped
           12 |       eth3: { switch: sw1, trunk: [red], address: 10.0.0.1/24 }
              |                                                   ^^^^^^^^^^^ use "addresses" by VLAN, or set "native"
        test.lab.yaml:12:35: note: the trunk is here
           12 |       eth3: { switch: sw1, trunk: [red], address: 10.0.0.1/24 }
              |                                   ^
        test.lab.yaml:13:52: error[L211]: VLAN "blue" is not on this NIC (access red)
           13 |       eth4: { switch: sw1, vlan: red, addresses: { blue: 10.1.0.1/24 } }
              |                                                    ^^^^
        test.lab.yaml:13:34: note: its VLANs are set here
           13 |       eth4: { switch: sw1, vlan: red, addresses: { blue: 10.1.0.1/24 } }
              |                                  ^^^
        """#),
    Example(
      "L211", "keys that say nothing with a transport",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, transport: stream, queues: 2 } } }
          b: { kind: external, nics: { eth0: { switch: sw1, role: connect, transport: dgram, offload: off } } }
        """#,
      expected: #"""
        test.lab.yaml:5:72: error[L211]: "queues" says nothing with transport: stream: frames go over the socket as they are, and nothing is negotiated
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, transport: stream, queues: 2 } } }
              |                                                                        ^^^^^^ leave it out
        test.lab.yaml:5:64: note: "transport" is here
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, transport: stream, queues: 2 } } }
              |                                                                ^^^^^^
        test.lab.yaml:6:53: error[L211]: "role" says nothing with transport: dgram: both sides bind a socket of their own
            6 |   b: { kind: external, nics: { eth0: { switch: sw1, role: connect, transport: dgram, offload: off } } }
              |                                                     ^^^^ leave it out
        test.lab.yaml:6:79: note: "transport" is here
            6 |   b: { kind: external, nics: { eth0: { switch: sw1, role: connect, transport: dgram, offload: off } } }
              |                                                                               ^^^^^
        test.lab.yaml:6:86: error[L211]: "offload" says nothing with transport: dgram: frames go over the socket as they are, and nothing is negotiated
            6 |   b: { kind: external, nics: { eth0: { switch: sw1, role: connect, transport: dgram, offload: off } } }
              |                                                                                      ^^^^^^^ leave it out
        test.lab.yaml:6:79: note: "transport" is here
            6 |   b: { kind: external, nics: { eth0: { switch: sw1, role: connect, transport: dgram, offload: off } } }
              |                                                                               ^^^^^
        """#),
    Example(
      "L211", "a test that expects to fail within a time",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        vlans: { red: { id: 10, subnet: 10.0.0.0/24 } }
        nodes:
          a[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        tests:
          - { ping: a1 -> a2, expect: fail, within: 3s }
          - { ping: a1 -> a2, for: 3s }
        """#,
      expected: #"""
        test.lab.yaml:8:37: error[L211]: "within" is for expect: pass; a test that expects to fail has "for"
            8 |   - { ping: a1 -> a2, expect: fail, within: 3s }
              |                                     ^^^^^^
        test.lab.yaml:8:31: note: it expects to fail
            8 |   - { ping: a1 -> a2, expect: fail, within: 3s }
              |                               ^^^^
        test.lab.yaml:9:23: error[L211]: "for" is for expect: fail; a test that expects to pass has "within"
            9 |   - { ping: a1 -> a2, for: 3s }
              |                       ^^^
        """#),
    Example(
      "L212", "tests that cannot be run",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1 } } }
          b: { kind: external, nics: { eth0: { switch: sw1 } } }
        tests:
          - { ping: b -> a }
          - { ping: a -> b, expect: fail }
          - { ping: a -> a }
          - { ping: a:eth0 -> a }
        """#,
      expected: #"""
        test.lab.yaml:8:13: error[L212]: "b" is of kind external, which cannot send a ping
            8 |   - { ping: b -> a }
              |             ^ sources are of kind vm, netns, tap or container
        test.lab.yaml:6:14: note: its kind is set here
            6 |   b: { kind: external, nics: { eth0: { switch: sw1 } } }
              |              ^^^^^^^^
        test.lab.yaml:8:18: error[L212]: "a" has no address to ping
            8 |   - { ping: b -> a }
              |                  ^ give it an "address", or its VLAN a "subnet"
        test.lab.yaml:5:3: note: "a" is declared here
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1 } } }
              |   ^
        test.lab.yaml:9:18: warning[L212]: "b" has no address to ping, so this test proves nothing
            9 |   - { ping: a -> b, expect: fail }
              |                  ^
        test.lab.yaml:6:3: note: "b" is declared here
            6 |   b: { kind: external, nics: { eth0: { switch: sw1 } } }
              |   ^
        test.lab.yaml:10:18: error[L212]: the test's two ends are the same node
           10 |   - { ping: a -> a }
              |                  ^
        test.lab.yaml:11:13: error[L212]: a test goes from node to node; "eth0" is a NIC
           11 |   - { ping: a:eth0 -> a }
              |             ^^^^^^ write a
        """#),
    Example(
      "L213", "a name for a link to a switch",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes: { a: { kind: netns } }
        links:
          - { name: wire1, ends: [a, sw1] }
        """#,
      expected: #"""
        test.lab.yaml:6:13: warning[L213]: "wire1" names nothing: a NIC's link to a switch is called as its port, a.eth0
            6 |   - { name: wire1, ends: [a, sw1] }
              |             ^^^^^
        """#),
    Example(
      "L216", "neighbours with different MTUs",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a[1-9]: { kind: netns, nics: { eth0: { switch: sw1, mtu: 9000 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1 }, eth1: { mtu: 1400 } } }
          c: { kind: external, nics: { eth0: { switch: sw1 }, eth1: { mtu: 9000 } } }
          d: { kind: netns, nics: { eth0: { switch: sw1, vlan: 2 } } }
        links:
          - { ends: [b:eth1, c:eth1] }
        """#,
      expected: #"""
        test.lab.yaml:5:60: warning[L216]: a1:eth0 has MTU 9000, but b:eth0, in the same VLAN of sw1, has 1500: larger frames will be dropped
            5 |   a[1-9]: { kind: netns, nics: { eth0: { switch: sw1, mtu: 9000 } } }
              |                                                            ^^^^ set the same "mtu" in both
        test.lab.yaml:6:29: note: b:eth0 has 1500
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1 }, eth1: { mtu: 1400 } } }
              |                             ^^^^
        test.lab.yaml:7:68: warning[L216]: c:eth1 has MTU 9000, but b:eth1, on the same wire, has 1400: larger frames will be dropped
            7 |   c: { kind: external, nics: { eth0: { switch: sw1 }, eth1: { mtu: 9000 } } }
              |                                                                    ^^^^ set the same "mtu" in both
        test.lab.yaml:6:65: note: b:eth1 has 1400
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1 }, eth1: { mtu: 1400 } } }
              |                                                                 ^^^^
        """#),
    Example(
      "L214", "processors that do not fit the workers",
      text: #"""
        version: 1
        name: test
        workers: { count: 2, cpus: [0] }
        """#,
      expected: #"""
        test.lab.yaml:3:28: error[L214]: "cpus" has 1 processor for 2 workers
            3 | workers: { count: 2, cpus: [0] }
              |                            ^ list one processor for each worker
        test.lab.yaml:3:19: note: the number of workers is set here
            3 | workers: { count: 2, cpus: [0] }
              |                   ^
        """#),
    Example(
      "L214", "processors for a number of workers that the host decides",
      text: #"""
        version: 1
        name: test
        workers: { count: auto, cpus: [0, 1] }
        """#,
      expected: #"""
        test.lab.yaml:3:31: error[L214]: "cpus" lists processors, but the number of workers is auto
            3 | workers: { count: auto, cpus: [0, 1] }
              |                               ^ leave "count" out: there is a worker for each of "cpus"
        test.lab.yaml:3:19: note: the number of workers is set here
            3 | workers: { count: auto, cpus: [0, 1] }
              |                   ^^^^
        """#),
    Example(
      "L214", "a processor twice",
      text: #"""
        version: 1
        name: test
        workers: { cpus: [1, 1] }
        """#,
      expected: #"""
        test.lab.yaml:3:22: error[L214]: processor 1 is listed twice
            3 | workers: { cpus: [1, 1] }
              |                      ^
        test.lab.yaml:3:19: note: it is listed here first
            3 | workers: { cpus: [1, 1] }
              |                   ^
        """#),
  ]
}
