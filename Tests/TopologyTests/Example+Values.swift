extension Example {
  static let values: [Example] = [
    Example(
      "L005", "a list for a size",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, memory: [64M] }
        """#,
      expected: #"""
        test.lab.yaml:4:26: error[L005]: "memory" must be a size such as 512M, found list
            4 |   a: { kind: vm, memory: [64M] }
              |                          ^
        """#),
    Example(
      "L005", "a mapping where a list belongs",
      text: #"""
        version: 1
        name: test
        links: { wire1: [a, b] }
        """#,
      expected: #"""
        test.lab.yaml:3:8: error[L005]: "links" must be a list of links, found mapping
            3 | links: { wire1: [a, b] }
              |        ^
        """#),
    Example(
      "L006", "a forwarding table that cannot be",
      text: #"""
        version: 1
        name: test
        switches:
          sw1: { fdb-size: 15 }
          sw2: { fdb-size: 1048577, fdb-per-port: 0 }
          sw3: { fdb-size: 1024, fdb-per-port: 1025 }
          sw4: { fdb-per-port: 8193 }
          sw5: { fdb-size: 1048576, fdb-per-port: 1048576 }
        """#,
      expected: #"""
        test.lab.yaml:4:20: error[L006]: "fdb-size" must be 16..1048576, found 15
            4 |   sw1: { fdb-size: 15 }
              |                    ^^
        test.lab.yaml:5:20: error[L006]: "fdb-size" must be 16..1048576, found 1048577
            5 |   sw2: { fdb-size: 1048577, fdb-per-port: 0 }
              |                    ^^^^^^^
        test.lab.yaml:5:43: error[L006]: "fdb-per-port" must be 1..1048576, found 0
            5 |   sw2: { fdb-size: 1048577, fdb-per-port: 0 }
              |                                           ^
        test.lab.yaml:6:40: error[L006]: "fdb-per-port" must be no more than "fdb-size", which is 1024, found 1025
            6 |   sw3: { fdb-size: 1024, fdb-per-port: 1025 }
              |                                        ^^^^
        test.lab.yaml:7:24: error[L006]: "fdb-per-port" must be no more than "fdb-size", which is 8192 without it, found 8193
            7 |   sw4: { fdb-per-port: 8193 }
              |                        ^^^^
        """#),
    Example(
      "L005", "words for numbers, times and addresses",
      text: #"""
        version: 1
        name: test
        switches: { sw1: { aging: 300 } }
        vlans: { red: ten }
        nodes:
          a:
            kind: netns
            nics:
              eth0: { mac: 02:00:00, address: 10.0.0.1, gateway: here, offload: maybe }
        """#,
      expected: #"""
        test.lab.yaml:3:27: error[L005]: "aging" must be a time such as 300s or 40ms, found "300"
            3 | switches: { sw1: { aging: 300 } }
              |                           ^^^
        test.lab.yaml:4:15: error[L005]: "id" must be a whole number, found "ten"
            4 | vlans: { red: ten }
              |               ^^^
        test.lab.yaml:9:20: error[L005]: "mac" must be a MAC address such as 02:00:00:00:00:01, found "02:00:00"
            9 |       eth0: { mac: 02:00:00, address: 10.0.0.1, gateway: here, offload: maybe }
              |                    ^^^^^^^^
        test.lab.yaml:9:39: error[L005]: "address" must be an address with its prefix length such as 10.0.0.9/24, found "10.0.0.1"
            9 |       eth0: { mac: 02:00:00, address: 10.0.0.1, gateway: here, offload: maybe }
              |                                       ^^^^^^^^ write 10.0.0.1/24, or the length of its subnet
        test.lab.yaml:9:58: error[L005]: "gateway" must be an IPv4 or IPv6 address without a prefix length, found "here"
            9 |       eth0: { mac: 02:00:00, address: 10.0.0.1, gateway: here, offload: maybe }
              |                                                          ^^^^
        test.lab.yaml:9:73: error[L005]: "offload" must be on, checksum or off, found "maybe"
            9 |       eth0: { mac: 02:00:00, address: 10.0.0.1, gateway: here, offload: maybe }
              |                                                                         ^^^^^
        """#),
    Example(
      "L005", "a test that is no pair",
      text: #"""
        version: 1
        name: test
        tests:
          - { ping: vm1 }
        """#,
      expected: #"""
        test.lab.yaml:4:13: error[L005]: "ping" must be two nodes such as vm1 -> vm2, found "vm1"
            4 |   - { ping: vm1 }
              |             ^^^
        """#),
    Example(
      "L006", "more workers than there can be",
      text: #"""
        version: 1
        name: test
        workers: { count: 65 }
        """#,
      expected: #"""
        test.lab.yaml:3:19: error[L006]: "count" must be 1..64, found 65
            3 | workers: { count: 65 }
              |                   ^^ auto takes one for each processor, 4 at most
        """#),
    Example(
      "L005", "a number of workers in words",
      text: #"""
        version: 1
        name: test
        workers: { count: many }
        """#,
      expected: #"""
        test.lab.yaml:3:19: error[L005]: "count" must be a whole number or auto, found "many"
            3 | workers: { count: many }
              |                   ^^^^ auto takes one for each processor, 4 at most
        """#),
    Example(
      "L006", "numbers out of range",
      text: #"""
        version: 1
        name: test
        workers: { count: 0, nice: -21 }
        vlans: { red: 4095 }
        nodes:
          a: { kind: vm, memory: 1M, nics: { eth0: { mtu: 67, queues: 17 } } }
        """#,
      expected: #"""
        test.lab.yaml:3:19: error[L006]: "count" must be 1..64, found 0
            3 | workers: { count: 0, nice: -21 }
              |                   ^ auto takes one for each processor, 4 at most
        test.lab.yaml:3:28: error[L006]: "nice" must be -20..19, found -21
            3 | workers: { count: 0, nice: -21 }
              |                            ^^^
        test.lab.yaml:4:15: error[L006]: "id" must be 1..4094, found 4095
            4 | vlans: { red: 4095 }
              |               ^^^^
        test.lab.yaml:6:26: error[L006]: "memory" must be 32 MiB..1 TiB, found 1 MiB
            6 |   a: { kind: vm, memory: 1M, nics: { eth0: { mtu: 67, queues: 17 } } }
              |                          ^^
        test.lab.yaml:6:51: error[L006]: "mtu" must be 68..65521, found 67
            6 |   a: { kind: vm, memory: 1M, nics: { eth0: { mtu: 67, queues: 17 } } }
              |                                                   ^^
        test.lab.yaml:6:63: error[L006]: "queues" must be 1..16, found 17
            6 |   a: { kind: vm, memory: 1M, nics: { eth0: { mtu: 67, queues: 17 } } }
              |                                                               ^^
        """#),
    Example(
      "L006", "an unknown kind",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netn }
        """#,
      expected: #"""
        test.lab.yaml:4:14: error[L006]: "kind" must be one of \#(kinds), found "netn"
            4 |   a: { kind: netn }
              |              ^^^^ did you mean "netns"?
        """#),
    Example(
      "L006", "a front-end that needs no word",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: external, nics: { eth0: { front-end: qemu }, eth1: { front-end: cros-vm } } }
        """#,
      expected: #"""
        test.lab.yaml:4:51: error[L006]: "front-end" must be one of cloud-hypervisor, crosvm, found "qemu"
            4 |   a: { kind: external, nics: { eth0: { front-end: qemu }, eth1: { front-end: cros-vm } } }
              |                                                   ^^^^
        test.lab.yaml:4:78: error[L006]: "front-end" must be one of cloud-hypervisor, crosvm, found "cros-vm"
            4 |   a: { kind: external, nics: { eth0: { front-end: qemu }, eth1: { front-end: cros-vm } } }
              |                                                                              ^^^^^^^ did you mean "crosvm"?
        """#),
    Example(
      "L006", "a link with one end",
      text: #"""
        version: 1
        name: test
        links:
          - { ends: [sw1] }
        """#,
      expected: #"""
        test.lab.yaml:4:13: error[L006]: a link needs two ends, found 1
            4 |   - { ends: [sw1] }
              |             ^
        """#),
    Example(
      "L006", "a subnet with host bits",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 1, subnet: 10.0.0.1/24 } }
        """#,
      expected: #"""
        test.lab.yaml:3:32: error[L006]: subnet 10.0.0.1/24 has host bits set
            3 | vlans: { red: { id: 1, subnet: 10.0.0.1/24 } }
              |                                ^^^^^^^^^^^ did you mean 10.0.0.0/24?
        """#),
    Example(
      "L007", "no version and no name",
      text: #"""
        switches: {}
        """#,
      expected: #"""
        test.lab.yaml:1:1: error[L007]: the file needs "version"
            1 | switches: {}
              | ^ start it with: version: 1
        test.lab.yaml:1:1: error[L007]: the file needs "name"
            1 | switches: {}
              | ^ give the lab a name: name: my-lab
        """#),
    Example(
      "L007", "an empty file",
      text: #"""
        # nothing
        """#,
      expected: #"""
        test.lab.yaml:1:1: error[L007]: the file is empty
            1 | # nothing
              | ^
        """#),
    Example(
      "L007", "a node without a kind, a VLAN without an id, a link without ends, a test without an action",
      text: #"""
        version: 1
        name: test
        vlans: { red: { subnet: 10.0.0.0/24 } }
        nodes:
          a: {}
        links:
          - { name: l1 }
        tests:
          - { expect: pass }
        """#,
      expected: #"""
        test.lab.yaml:3:10: error[L007]: VLAN "red" needs "id"
            3 | vlans: { red: { subnet: 10.0.0.0/24 } }
              |          ^^^
        test.lab.yaml:5:3: error[L007]: node "a" needs "kind"
            5 |   a: {}
              |   ^ kinds: \#(kinds)
        test.lab.yaml:7:5: error[L007]: a link needs "ends"
            7 |   - { name: l1 }
              |     ^ ends: [vm1:eth0, sw1]
        test.lab.yaml:9:5: error[L007]: a test needs one of "ping", "tcp", "udp", "arp", "exec"
            9 |   - { expect: pass }
              |     ^ ping: vm1 -> vm2
        """#),
    Example(
      "L003", "misspelt keys that must be there",
      text: #"""
        vresion: 1
        nmae: test
        vlans: { red: { di: 10 } }
        switches: { sw1: {} }
        nodes:
          a: { kin: netns, nics: { eth0: { switch: sw1, vlan: red, routes: [ { too: default, via: 10.0.0.1 } ] } } }
        links:
          - { end: [a, a] }
        tests:
          - { pnig: a -> a }
          - { exec: { noed: a, run: ls } }
        """#,
      expected: #"""
        test.lab.yaml:1:1: error[L003]: unknown key "vresion" in lab
            1 | vresion: 1
              | ^^^^^^^ did you mean "version"? (valid: version, name, workers, http, defaults, profiles, vlans, port-profiles, switches, nodes, links, impairments, access, capture, recorder, tests)
        test.lab.yaml:2:1: error[L003]: unknown key "nmae" in lab
            2 | nmae: test
              | ^^^^ did you mean "name"? (valid: version, name, workers, http, defaults, profiles, vlans, port-profiles, switches, nodes, links, impairments, access, capture, recorder, tests)
        test.lab.yaml:3:17: error[L003]: unknown key "di" in VLAN
            3 | vlans: { red: { di: 10 } }
              |                 ^^ did you mean "id"? (valid: id, subnet, dhcp)
        test.lab.yaml:6:8: error[L003]: unknown key "kin" in node
            6 |   a: { kin: netns, nics: { eth0: { switch: sw1, vlan: red, routes: [ { too: default, via: 10.0.0.1 } ] } } }
              |        ^^^ did you mean "kind"? (valid: kind, image, memory, cpus, persist, cloud-init, ready, firmware, boot, disk, after, networks, force, command, env, attach, engine, restart, forwarding, sysctl, exec, files, nics, profile)
        test.lab.yaml:6:72: error[L003]: unknown key "too" in route
            6 |   a: { kin: netns, nics: { eth0: { switch: sw1, vlan: red, routes: [ { too: default, via: 10.0.0.1 } ] } } }
              |                                                                        ^^^ did you mean "to"? (valid: to, via, metric, onlink)
        test.lab.yaml:8:7: error[L003]: unknown key "end" in link
            8 |   - { end: [a, a] }
              |       ^^^ did you mean "ends"? (valid: name, ends, vlan, trunk, native, impair)
        test.lab.yaml:10:7: error[L003]: unknown key "pnig" in test
           10 |   - { pnig: a -> a }
              |       ^^^^ did you mean "ping"? (valid: ping, tcp, udp, arp, exec, port, expect, within, for)
        test.lab.yaml:11:15: error[L003]: unknown key "noed" in command
           11 |   - { exec: { noed: a, run: ls } }
              |               ^^^^ did you mean "node"? (valid: node, run, output)
        """#),
    Example(
      "L008", "a later version",
      text: #"""
        version: 2
        name: test
        """#,
      expected: #"""
        test.lab.yaml:1:10: error[L008]: this file needs format version 2; this program knows 1
            1 | version: 2
              |          ^
        """#),
    Example(
      "L009", "lists too deep",
      text: #"""
        version: 1
        name: test
        nodes: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
        """#,
      expected: #"""
        test.lab.yaml:3:71: error[L009]: lists and mappings are nested more than 64 deep
            3 | nodes: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
              |                                                                       ^
        """#),
    Example(
      "L010", "keys of a later version",
      text: #"""
        version: 1
        name: test
        cloud: {}
        hosts: { h1: { address: 10.99.0.1 } }
        """#,
      expected: #"""
        test.lab.yaml:3:1: error[L010]: "cloud" is part of the format, but this version of apus does not have it yet
            3 | cloud: {}
              | ^^^^^
        test.lab.yaml:4:1: error[L010]: "hosts" is part of the format, but this version of apus does not have it yet
            4 | hosts: { h1: { address: 10.99.0.1 } }
              | ^^^^^
        """#),
    Example(
      "L011", "a variable that is not set",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: "${APUS_TEST_IMAGE}" }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L011]: environment variable "APUS_TEST_IMAGE" is not set
            4 |   a: { kind: vm, image: "${APUS_TEST_IMAGE}" }
              |                         ^^^^^^^^^^^^^^^^^^^^ set it, or write ${APUS_TEST_IMAGE:-default}
        """#),
    Example(
      "L011", "an open variable",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            image: ${APUS_TEST
        """#,
      expected: #"""
        test.lab.yaml:6:12: error[L011]: "${" has no closing "}"
            6 |     image: ${APUS_TEST
              |            ^^^^^^^^^^^ write $${ for a literal ${
        """#),
  ]
}
