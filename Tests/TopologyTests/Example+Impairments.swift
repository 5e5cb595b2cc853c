extension Example {
  static let impairments: [Example] = [
    Example(
      "L201", "an impairment that is not there",
      text: #"""
        version: 1
        name: test
        impairments: { slow: { delay: 1s } }
        nodes: { a: { kind: netns }, b: { kind: netns } }
        links:
          - { ends: [a, b], impair: slwo }
          - { ends: [a, b], impair: { from-a: slow, from-b: 40ms } }
        """#,
      expected: #"""
        test.lab.yaml:6:29: error[L201]: unknown impairment "slwo"
            6 |   - { ends: [a, b], impair: slwo }
              |                             ^^^^ did you mean "slow"? (impairments: slow, dsl, satellite, lossy-wifi, 3g, wan)
        test.lab.yaml:3:1: note: impairments are declared here
            3 | impairments: { slow: { delay: 1s } }
              | ^^^^^^^^^^^
        test.lab.yaml:7:53: error[L201]: unknown impairment "40ms"
            7 |   - { ends: [a, b], impair: { from-a: slow, from-b: 40ms } }
              |                                                     ^^^^ impairments: slow, dsl, satellite, lossy-wifi, 3g, wan
        test.lab.yaml:3:1: note: impairments are declared here
            3 | impairments: { slow: { delay: 1s } }
              | ^^^^^^^^^^^
        """#),
    Example(
      "L006", "impairments out of range",
      text: #"""
        version: 1
        name: test
        impairments:
          a: { loss: 120%, rate: 1bit, delay: 2h, queue: 0 }
          b: { loss: 5, jitter: 3, reorder: [] }
        """#,
      expected: #"""
        test.lab.yaml:4:14: error[L006]: "loss" must be 0%..100%, found "120%"
            4 |   a: { loss: 120%, rate: 1bit, delay: 2h, queue: 0 }
              |              ^^^^
        test.lab.yaml:4:26: error[L006]: "rate" must be 1kbit..1Tbit, or 0 for no limit, found "1bit"
            4 |   a: { loss: 120%, rate: 1bit, delay: 2h, queue: 0 }
              |                          ^^^^
        test.lab.yaml:4:39: error[L006]: "delay" must be 0s..3600s, found "2h"
            4 |   a: { loss: 120%, rate: 1bit, delay: 2h, queue: 0 }
              |                                       ^^
        test.lab.yaml:4:50: error[L006]: "queue" must be 1..100000, found "0"
            4 |   a: { loss: 120%, rate: 1bit, delay: 2h, queue: 0 }
              |                                                  ^
        test.lab.yaml:5:14: error[L005]: "loss" must be a ratio such as 0.5%, found "5"
            5 |   b: { loss: 5, jitter: 3, reorder: [] }
              |              ^ write 5%
        test.lab.yaml:5:25: error[L005]: "jitter" must be a time such as 40ms, found "3"
            5 |   b: { loss: 5, jitter: 3, reorder: [] }
              |                         ^
        test.lab.yaml:5:37: error[L005]: "reorder" must be a ratio such as 0.5%, found list
            5 |   b: { loss: 5, jitter: 3, reorder: [] }
              |                                     ^
        """#),
    Example(
      "L211", "impairments that contradict themselves",
      text: #"""
        version: 1
        name: test
        impairments:
          a: { delay: 1ms, jitter: 2ms }
          b: { reorder: 1% }
          c: { queue: 10 }
        switches: { sw1: {} }
        nodes:
          n: { kind: netns, nics: { eth0: { impair: wan }, eth1: { impair: dsl }, eth2: { impair: dsl } } }
          m: { kind: netns }
        links:
          - { ends: [n:eth0, m] }
          - { ends: [n:eth1, sw1], impair: 3g }
          - { ends: [n:eth3, m], impair: { from-a: wan, delay: 3ms } }
        """#,
      expected: #"""
        test.lab.yaml:4:20: error[L211]: "jitter" is larger than "delay", so frames would arrive before they were sent
            4 |   a: { delay: 1ms, jitter: 2ms }
              |                    ^^^^^^
        test.lab.yaml:4:8: note: "delay" is here
            4 |   a: { delay: 1ms, jitter: 2ms }
              |        ^^^^^
        test.lab.yaml:5:8: error[L211]: "reorder" needs "delay": a frame overtakes those that are held back
            5 |   b: { reorder: 1% }
              |        ^^^^^^^
        test.lab.yaml:6:8: warning[L213]: "queue" has no effect without "delay" or "rate"
            6 |   c: { queue: 10 }
              |        ^^^^^
        test.lab.yaml:9:37: error[L211]: "impair" of a wire belongs to the link, not to its NIC
            9 |   n: { kind: netns, nics: { eth0: { impair: wan }, eth1: { impair: dsl }, eth2: { impair: dsl } } }
              |                                     ^^^^^^ for one direction: impair: { from-a: ... }
        test.lab.yaml:12:14: note: the wire is here
           12 |   - { ends: [n:eth0, m] }
              |              ^^^^^^
        test.lab.yaml:9:60: error[L211]: the link of NIC eth1 has an "impair" of its own (13:28)
            9 |   n: { kind: netns, nics: { eth0: { impair: wan }, eth1: { impair: dsl }, eth2: { impair: dsl } } }
              |                                                            ^^^^^^ keep one
        test.lab.yaml:13:28: note: the link's "impair" is here
           13 |   - { ends: [n:eth1, sw1], impair: 3g }
              |                            ^^^^^^
        test.lab.yaml:9:83: error[L211]: "impair" needs "switch", or a link from n:eth2 to a switch
            9 |   n: { kind: netns, nics: { eth0: { impair: wan }, eth1: { impair: dsl }, eth2: { impair: dsl } } }
              |                                                                                   ^^^^^^
        test.lab.yaml:14:49: error[L004]: "delay" is a key of an impairment, not of a pair of impairments
           14 |   - { ends: [n:eth3, m], impair: { from-a: wan, delay: 3ms } }
              |                                                 ^^^^^ valid: from-a, from-b
        """#),
    Example(
      "L003", "keys of impairments",
      text: #"""
        version: 1
        name: test
        impairments: { a: { dely: 1ms, lose: 1%, from-a: wan } }
        switches: { sw1: { delay: 1ms } }
        """#,
      expected: #"""
        test.lab.yaml:3:21: error[L003]: unknown key "dely" in impairment
            3 | impairments: { a: { dely: 1ms, lose: 1%, from-a: wan } }
              |                     ^^^^ did you mean "delay"? (valid: delay, jitter, loss, duplicate, reorder, corrupt, rate, queue)
        test.lab.yaml:3:32: error[L003]: unknown key "lose" in impairment
            3 | impairments: { a: { dely: 1ms, lose: 1%, from-a: wan } }
              |                                ^^^^ did you mean "loss"? (valid: delay, jitter, loss, duplicate, reorder, corrupt, rate, queue)
        test.lab.yaml:3:42: error[L004]: "from-a" is a key of a pair of impairments, not of an impairment
            3 | impairments: { a: { dely: 1ms, lose: 1%, from-a: wan } }
              |                                          ^^^^^^ valid: delay, jitter, loss, duplicate, reorder, corrupt, rate, queue
        test.lab.yaml:4:20: error[L004]: "delay" is a key of an impairment, not of a switch
            4 | switches: { sw1: { delay: 1ms } }
              |                    ^^^^^ valid: aging, vlan-aware, link-local, fdb-size, fdb-per-port
        """#),
    Example(
      "L211", "a LAN with a switch, VLANs and directions",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes: { "n[1-3]": { kind: netns } }
        links:
          - { ends: [n1, n2, sw1] }
          - { ends: [n1, n2, n3], vlan: 10, impair: { from-a: wan } }
          - { ends: [n1:eth5, n2:eth5, n1:eth5] }
        """#,
      expected: #"""
        test.lab.yaml:6:22: error[L211]: a link with more than two ends is a LAN of nodes, and "sw1" is a switch
            6 |   - { ends: [n1, n2, sw1] }
              |                      ^^^ give the NICs "switch: sw1" instead
        test.lab.yaml:7:33: error[L217]: a link with more than two ends is a LAN without VLANs: every frame passes as it is, tagged or not
            7 |   - { ends: [n1, n2, n3], vlan: 10, impair: { from-a: wan } }
              |                                 ^^ for VLANs make it a switch, with the NICs on it
        test.lab.yaml:7:37: error[L211]: a link with more than two ends has no end a and b
            7 |   - { ends: [n1, n2, n3], vlan: 10, impair: { from-a: wan } }
              |                                     ^^^^^^ set "impair" in the NICs
        test.lab.yaml:8:32: error[L202]: n1:eth5 already has a link (8:14)
            8 |   - { ends: [n1:eth5, n2:eth5, n1:eth5] }
              |                                ^^^^^^^ a NIC has one cable
        test.lab.yaml:8:14: note: n1:eth5 is plugged in here
            8 |   - { ends: [n1:eth5, n2:eth5, n1:eth5] }
              |              ^^^^^^^
        """#),
  ]

  static let profiles: [Example] = [
    Example(
      "L201", "profiles that are not there",
      text: #"""
        version: 1
        name: test
        profiles: { host: { kind: netns } }
        nodes:
          a: { profile: hots }
          b: { profile: host, nics: { eth0: { profile: port } } }
        """#,
      expected: #"""
        test.lab.yaml:5:17: error[L201]: unknown profile "hots"
            5 |   a: { profile: hots }
              |                 ^^^^ did you mean "host"? (profiles: host)
        test.lab.yaml:3:1: note: profiles are declared here
            3 | profiles: { host: { kind: netns } }
              | ^^^^^^^^
        test.lab.yaml:6:48: error[L201]: unknown port profile "port"
            6 |   b: { profile: host, nics: { eth0: { profile: port } } }
              |                                                ^^^^ no port-profiles are declared
        """#),
    Example(
      "L004", "mistakes in a profile are reported once, used or not",
      text: #"""
        version: 1
        name: test
        profiles:
          host: { kind: netns, profile: other, colour: red, nics: { eth0: { mtu: 1 } } }
          unused: { kind: bus }
        port-profiles:
          port: { vlan: red, queues: 0, profile: port }
        nodes:
          a: { profile: host, nics: { eth1: { profile: port } } }
          b: { profile: host }
        """#,
      expected: #"""
        test.lab.yaml:4:24: error[L004]: "profile" is a key of a node or a NIC, not of a profile
            4 |   host: { kind: netns, profile: other, colour: red, nics: { eth0: { mtu: 1 } } }
              |                        ^^^^^^^ valid: kind, image, memory, cpus, persist, cloud-init, ready, firmware, boot, disk, after, networks, force, command, env, attach, engine, restart, forwarding, sysctl, exec, files, nics
        test.lab.yaml:4:40: error[L003]: unknown key "colour" in profile
            4 |   host: { kind: netns, profile: other, colour: red, nics: { eth0: { mtu: 1 } } }
              |                                        ^^^^^^ valid: kind, image, memory, cpus, persist, cloud-init, ready, firmware, boot, disk, after, networks, force, command, env, attach, engine, restart, forwarding, sysctl, exec, files, nics
        test.lab.yaml:4:74: error[L006]: "mtu" must be 68..65521, found 1
            4 |   host: { kind: netns, profile: other, colour: red, nics: { eth0: { mtu: 1 } } }
              |                                                                          ^
        test.lab.yaml:5:19: error[L006]: "kind" must be one of \#(kinds), found "bus"
            5 |   unused: { kind: bus }
              |                   ^^^
        test.lab.yaml:7:17: error[L211]: a VLAN needs "switch", or a link from a:eth1 to a switch
            7 |   port: { vlan: red, queues: 0, profile: port }
              |                 ^^^
        test.lab.yaml:7:22: error[L004]: "queues" is a NIC key of kind vm and external, not of netns
            7 |   port: { vlan: red, queues: 0, profile: port }
              |                      ^^^^^^
        test.lab.yaml:7:30: error[L006]: "queues" must be 1..16, found 0
            7 |   port: { vlan: red, queues: 0, profile: port }
              |                              ^
        test.lab.yaml:7:33: error[L004]: "profile" is a key of a node or a NIC, not of a port profile
            7 |   port: { vlan: red, queues: 0, profile: port }
              |                                 ^^^^^^^ valid: switch, vlan, trunk, native, impair, address, addresses, gateway, routes, mac, mtu, queues, offload, migration-buffer, model, role, socket, socket-mode, socket-owner, transport, front-end, access, mac-lock, ip-lock, learn-limit, isolated, storm, rate
        """#),
    Example(
      "L212", "tests that no node can do",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, nics: { eth0: { address: "fd00::1/64" } } }
          b: { kind: tap, nics: { tap-b: {} } }
          c: { kind: external }
        tests:
          - { tcp: a -> b }
          - { arp: b -> a }
          - { arp: c -> a, expect: fail }
          - { exec: { node: b, run: ip route } }
          - { exec: { node: x, run: [ip, route] } }
          - { exec: { run: [] } }
          - { ping: b -> a, udp: a -> b }
          - { arp: b -> a, port: 7 }
          - { tcp: b -> a, port: 0 }
        """#,
      expected: #"""
        test.lab.yaml:8:17: error[L212]: "b" has no address to send to
            8 |   - { tcp: a -> b }
              |                 ^ give it an "address", or its VLAN a "subnet"
        test.lab.yaml:5:3: note: "b" is declared here
            5 |   b: { kind: tap, nics: { tap-b: {} } }
              |   ^
        test.lab.yaml:9:17: error[L212]: "a" has no IPv4 address to ask for
            9 |   - { arp: b -> a }
              |                 ^ give it an "address", or its VLAN a "subnet"
        test.lab.yaml:4:3: note: "a" is declared here
            4 |   a: { kind: netns, nics: { eth0: { address: "fd00::1/64" } } }
              |   ^
        test.lab.yaml:10:12: error[L212]: "c" is of kind external, which cannot send a test's frames
           10 |   - { arp: c -> a, expect: fail }
              |            ^ sources are of kind vm, netns, tap or container
        test.lab.yaml:6:14: note: its kind is set here
            6 |   c: { kind: external }
              |              ^^^^^^^^
        test.lab.yaml:10:17: warning[L212]: "a" has no IPv4 address to ask for, so this test proves nothing
           10 |   - { arp: c -> a, expect: fail }
              |                 ^
        test.lab.yaml:4:3: note: "a" is declared here
            4 |   a: { kind: netns, nics: { eth0: { address: "fd00::1/64" } } }
              |   ^
        test.lab.yaml:11:21: error[L212]: "b" is of kind tap, in which no command can be run
           11 |   - { exec: { node: b, run: ip route } }
              |                     ^ commands run in nodes of kind vm, netns or container
        test.lab.yaml:5:14: note: its kind is set here
            5 |   b: { kind: tap, nics: { tap-b: {} } }
              |              ^^^
        test.lab.yaml:12:21: error[L201]: unknown node "x"
           12 |   - { exec: { node: x, run: [ip, route] } }
              |                     ^ nodes: a, b, c
        test.lab.yaml:3:1: note: nodes are declared here
            3 | nodes:
              | ^^^^^
        test.lab.yaml:13:7: error[L007]: "exec" needs "node"
           13 |   - { exec: { run: [] } }
              |       ^^^^ exec: { node: vm1, run: ip route }
        test.lab.yaml:13:20: error[L006]: "run" must be a command, or a list of a program and its arguments, found an empty list
           13 |   - { exec: { run: [] } }
              |                    ^
        test.lab.yaml:14:21: error[L211]: a test does one thing, either "ping" or "udp"
           14 |   - { ping: b -> a, udp: a -> b }
              |                     ^^^ make it two tests
        test.lab.yaml:14:7: note: "ping" is here
           14 |   - { ping: b -> a, udp: a -> b }
              |       ^^^^
        test.lab.yaml:15:17: error[L212]: "a" has no IPv4 address to ask for
           15 |   - { arp: b -> a, port: 7 }
              |                 ^ give it an "address", or its VLAN a "subnet"
        test.lab.yaml:4:3: note: "a" is declared here
            4 |   a: { kind: netns, nics: { eth0: { address: "fd00::1/64" } } }
              |   ^
        test.lab.yaml:15:20: error[L211]: "port" is for the tests tcp and udp
           15 |   - { arp: b -> a, port: 7 }
              |                    ^^^^
        test.lab.yaml:16:26: error[L006]: "port" must be 1..65535, found 0
           16 |   - { tcp: b -> a, port: 0 }
              |                          ^
        """#),
  ]
}
