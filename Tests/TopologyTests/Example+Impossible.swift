extension Example {
  /// What can be known before anything of a lab is made: no host, no kernel and no guest takes it.
  static let impossible: [Example] = [
    Example(
      "L101", "names that Linux keeps for itself",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { lo: { switch: sw1 } } }
          b: { kind: netns, nics: { all: { switch: sw1 } } }
          c: { kind: netns, nics: { default: { switch: sw1 } } }
          d: { kind: tap, nics: { all: { switch: sw1 } } }
          e: { kind: vm, nics: { lo: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:29: error[L101]: a NIC cannot be called "lo": Linux calls the loopback interface of every host so
            5 |   a: { kind: netns, nics: { lo: { switch: sw1 } } }
              |                             ^^
        test.lab.yaml:6:29: error[L101]: a NIC cannot be called "all": Linux keeps the settings of all interfaces under that name
            6 |   b: { kind: netns, nics: { all: { switch: sw1 } } }
              |                             ^^^
        test.lab.yaml:7:29: error[L101]: a NIC cannot be called "default": Linux keeps the settings of interfaces to come under that name
            7 |   c: { kind: netns, nics: { default: { switch: sw1 } } }
              |                             ^^^^^^^
        test.lab.yaml:8:27: error[L101]: a NIC cannot be called "all": Linux keeps the settings of all interfaces under that name
            8 |   d: { kind: tap, nics: { all: { switch: sw1 } } }
              |                           ^^^
        test.lab.yaml:9:26: error[L101]: a NIC cannot be called "lo": Linux calls the loopback interface of every host so
            9 |   e: { kind: vm, nics: { lo: { switch: sw1 } } }
              |                          ^^
        """#),
    Example(
      "L207", "addresses that no host can have",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: "::1/128" } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, address: 127.0.0.5/8 } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, address: 255.255.255.255/32 } } }
          d: { kind: netns, nics: { eth0: { switch: sw1, address: 0.0.0.0/32 } } }
          e: { kind: netns, nics: { eth0: { switch: sw1, address: 0.0.0.5/24 } } }
          f: { kind: netns, nics: { eth0: { switch: sw1, address: "::/128" } } }
          g: { kind: netns, nics: { eth0: { switch: sw1, address: "ff02::5/64" } } }
          h: { kind: netns, nics: { eth0: { switch: sw1, address: "::ffff:10.0.0.1/96" } } }
          i: { kind: netns, nics: { eth0: { switch: sw1, address: 239.1.1.1/32 } } }
          j: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/0 } } }
          k: { kind: netns, nics: { eth0: { switch: sw1, trunk: all, addresses: { 10: 127.0.0.1/8 } } } }
        """#,
      expected: #"""
        test.lab.yaml:5:59: error[L207]: ::1/128 is the loopback address; no NIC can have it
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: "::1/128" } } }
              |                                                           ^^^^^^^^^
        test.lab.yaml:6:59: error[L207]: 127.0.0.5/8 is a loopback address; no NIC can have it
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1, address: 127.0.0.5/8 } } }
              |                                                           ^^^^^^^^^^^
        test.lab.yaml:7:59: error[L207]: 255.255.255.255/32 is the limited broadcast address; no NIC can have it
            7 |   c: { kind: netns, nics: { eth0: { switch: sw1, address: 255.255.255.255/32 } } }
              |                                                           ^^^^^^^^^^^^^^^^^^
        test.lab.yaml:8:59: error[L207]: 0.0.0.0/32 is the unspecified address; no NIC can have it
            8 |   d: { kind: netns, nics: { eth0: { switch: sw1, address: 0.0.0.0/32 } } }
              |                                                           ^^^^^^^^^^
        test.lab.yaml:9:59: error[L207]: 0.0.0.5/24 is of 0.0.0.0/8, which stands for this network; no NIC can have it
            9 |   e: { kind: netns, nics: { eth0: { switch: sw1, address: 0.0.0.5/24 } } }
              |                                                           ^^^^^^^^^^
        test.lab.yaml:10:59: error[L207]: ::/128 is the unspecified address; no NIC can have it
           10 |   f: { kind: netns, nics: { eth0: { switch: sw1, address: "::/128" } } }
              |                                                           ^^^^^^^^
        test.lab.yaml:11:59: error[L207]: ff02::5/64 is a multicast address; no NIC can have it
           11 |   g: { kind: netns, nics: { eth0: { switch: sw1, address: "ff02::5/64" } } }
              |                                                           ^^^^^^^^^^^^
        test.lab.yaml:12:59: error[L207]: ::ffff:a00:1/96 is an IPv4-mapped address; no NIC can have it
           12 |   h: { kind: netns, nics: { eth0: { switch: sw1, address: "::ffff:10.0.0.1/96" } } }
              |                                                           ^^^^^^^^^^^^^^^^^^^^ write 10.0.0.1
        test.lab.yaml:13:59: error[L207]: 239.1.1.1/32 is a multicast address; no NIC can have it
           13 |   i: { kind: netns, nics: { eth0: { switch: sw1, address: 239.1.1.1/32 } } }
              |                                                           ^^^^^^^^^^^^
        test.lab.yaml:14:59: error[L207]: 10.0.0.1/0 has no network part; the prefix length of a NIC's address is 1..32
           14 |   j: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/0 } } }
              |                                                           ^^^^^^^^^^
        test.lab.yaml:15:79: error[L207]: 127.0.0.1/8 is a loopback address; no NIC can have it
           15 |   k: { kind: netns, nics: { eth0: { switch: sw1, trunk: all, addresses: { 10: 127.0.0.1/8 } } } }
              |                                                                               ^^^^^^^^^^^
        """#),
    Example(
      "L207", "subnets with addresses that no NIC can have",
      text: #"""
        version: 1
        name: test
        vlans:
          a: { id: 10, subnet: 127.0.0.0/8 }
          b: { id: 11, subnet: 0.0.0.0/0 }
          c: { id: 12, subnet: "::/64" }
          d: { id: 13, subnet: 224.0.0.0/24 }
          e: { id: 14, subnet: 10.0.0.0/24 }
        """#,
      expected: #"""
        test.lab.yaml:4:24: error[L207]: subnet 127.0.0.0/8 has addresses that no NIC can have: 127.0.0.1 is a loopback address
            4 |   a: { id: 10, subnet: 127.0.0.0/8 }
              |                        ^^^^^^^^^^^
        test.lab.yaml:5:24: error[L207]: subnet 0.0.0.0/0 has addresses that no NIC can have: 0.0.0.1 is of 0.0.0.0/8, which stands for this network
            5 |   b: { id: 11, subnet: 0.0.0.0/0 }
              |                        ^^^^^^^^^
        test.lab.yaml:6:24: error[L207]: subnet ::/64 has addresses that no NIC can have: ::1 is the loopback address
            6 |   c: { id: 12, subnet: "::/64" }
              |                        ^^^^^^^
        test.lab.yaml:7:24: error[L207]: subnet 224.0.0.0/24 has addresses that no NIC can have: 224.0.0.1 is a multicast address
            7 |   d: { id: 13, subnet: 224.0.0.0/24 }
              |                        ^^^^^^^^^^^^
        """#),
    Example(
      "L208", "an interface that is a VLAN's and a NIC's",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, trunk: all, addresses: { 10: 10.0.0.1/24 } }, eth0.10: { switch: sw1 } } }
          b: { kind: tap, nics: { tap-b: { switch: sw1, trunk: all, addresses: { 20: 10.0.0.2/24 } } } }
          c: { kind: tap, nics: { tap-b.20: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:75: error[L208]: interface "eth0.10" of VLAN 10 of a:eth0 has the name of NIC a:eth0.10
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, trunk: all, addresses: { 10: 10.0.0.1/24 } }, eth0.10: { switch: sw1 } } }
              |                                                                           ^^ rename the NIC
        test.lab.yaml:5:96: note: NIC a:eth0.10 is here
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, trunk: all, addresses: { 10: 10.0.0.1/24 } }, eth0.10: { switch: sw1 } } }
              |                                                                                                ^^^^^^^
        test.lab.yaml:6:74: error[L208]: interface "tap-b.20" of VLAN 20 of b:tap-b has the name of NIC c:tap-b.20
            6 |   b: { kind: tap, nics: { tap-b: { switch: sw1, trunk: all, addresses: { 20: 10.0.0.2/24 } } } }
              |                                                                          ^^ rename the NIC
        test.lab.yaml:7:27: note: NIC c:tap-b.20 is here
            7 |   c: { kind: tap, nics: { tap-b.20: { switch: sw1 } } }
              |                           ^^^^^^^^
        """#),
    Example(
      "L303", "an interface of the host with the name of a VLAN's",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: tap, nics: { tap-a: { switch: sw1, trunk: all, addresses: { 20: [10.0.0.1/24, 10.0.1.1/24] } } } }
        """#,
      expected: #"""
        test.lab.yaml:5:74: error[L303]: the host has an interface "tap-a.20" already, which VLAN 20 of a:tap-a needs
            5 |   a: { kind: tap, nics: { tap-a: { switch: sw1, trunk: all, addresses: { 20: [10.0.0.1/24, 10.0.1.1/24] } } } }
              |                                                                          ^^ choose another name, or remove it: ip link delete tap-a.20
        """#),
    Example(
      "L209", "gateways and destinations that no network has",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, gateway: 127.0.0.1 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24, gateway: 10.0.0.255 } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24, gateway: 10.0.0.0 } } }
          d: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.4/24, routes: [ { to: 127.0.0.0/8, via: 10.0.0.9 } ] } } }
          e: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.5/24, routes: [ { to: 255.255.255.255/32, via: 10.0.0.9 } ] } } }
          f: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.6/24, routes: [ { to: 10.9.0.0/16, via: 224.0.0.1 } ] } } }
          g: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::7/64", routes: [ { to: "::1/128", via: "fd00::9" } ] } } }
          h: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::8/64", routes: [ { to: "ff00::/8", via: "fd00::9" } ] } } }
        """#,
      expected: #"""
        test.lab.yaml:5:81: error[L209]: gateway 127.0.0.1 is a loopback address; no router has it
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, gateway: 127.0.0.1 } } }
              |                                                                                 ^^^^^^^^^
        test.lab.yaml:6:81: error[L209]: gateway 10.0.0.255 is the broadcast address of 10.0.0.0/24, not a router's
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24, gateway: 10.0.0.255 } } }
              |                                                                                 ^^^^^^^^^^
        test.lab.yaml:7:81: error[L209]: gateway 10.0.0.0 is the network address of 10.0.0.0/24, not a router's
            7 |   c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24, gateway: 10.0.0.0 } } }
              |                                                                                 ^^^^^^^^
        test.lab.yaml:8:88: error[L209]: destination 127.0.0.0/8 is a loopback address; no route leads there
            8 |   d: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.4/24, routes: [ { to: 127.0.0.0/8, via: 10.0.0.9 } ] } } }
              |                                                                                        ^^^^^^^^^^^
        test.lab.yaml:9:88: error[L209]: destination 255.255.255.255/32 is the limited broadcast address; no route leads there
            9 |   e: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.5/24, routes: [ { to: 255.255.255.255/32, via: 10.0.0.9 } ] } } }
              |                                                                                        ^^^^^^^^^^^^^^^^^^
        test.lab.yaml:10:106: error[L209]: next hop 224.0.0.1 is a multicast address; no router has it
           10 |   f: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.6/24, routes: [ { to: 10.9.0.0/16, via: 224.0.0.1 } ] } } }
              |                                                                                                          ^^^^^^^^^
        test.lab.yaml:11:89: error[L209]: destination ::1/128 is the loopback address; no route leads there
           11 |   g: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::7/64", routes: [ { to: "::1/128", via: "fd00::9" } ] } } }
              |                                                                                         ^^^^^^^^^
        test.lab.yaml:12:89: error[L209]: destination ff00::/8 is a multicast address; no route leads there
           12 |   h: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::8/64", routes: [ { to: "ff00::/8", via: "fd00::9" } ] } } }
              |                                                                                         ^^^^^^^^^^
        """#),
    Example(
      "L005", "a destination without a prefix length",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, routes: [ { to: 10.9.0.1, via: 10.0.0.2 } ] } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::1/64", routes: [ { to: "fd09::", via: "fd00::2" } ] } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24, routes: [ { to: web, via: 10.0.0.2 } ] } } }
        """#,
      expected: #"""
        test.lab.yaml:5:88: error[L005]: "to" must be a destination such as 10.9.0.0/16, or default, found "10.9.0.1"
            5 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, routes: [ { to: 10.9.0.1, via: 10.0.0.2 } ] } } }
              |                                                                                        ^^^^^^^^ for this one host write 10.9.0.1/32, for its network the length of that
        test.lab.yaml:6:89: error[L005]: "to" must be a destination such as 10.9.0.0/16, or default, found "fd09::"
            6 |   b: { kind: netns, nics: { eth0: { switch: sw1, address: "fd00::1/64", routes: [ { to: "fd09::", via: "fd00::2" } ] } } }
              |                                                                                         ^^^^^^^^ for this one host write fd09::/128, for its network the length of that
        test.lab.yaml:7:88: error[L005]: "to" must be a destination such as 10.9.0.0/16, or default, found "web"
            7 |   c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24, routes: [ { to: web, via: 10.0.0.2 } ] } } }
              |                                                                                        ^^^
        """#),
    Example(
      "L005", "permissions with a sign, an owner with too many parts",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, socket-mode: "-66" } } }
          b: { kind: external, nics: { eth0: { switch: sw1, socket-mode: 0880 } } }
          c: { kind: external, nics: { eth0: { switch: sw1, socket-owner: "a:b:c" } } }
        """#,
      expected: #"""
        test.lab.yaml:5:66: error[L005]: "socket-mode" must be permissions in octal such as 0660, found "-66"
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket-mode: "-66" } } }
              |                                                                  ^^^^^
        test.lab.yaml:6:66: error[L005]: "socket-mode" must be permissions in octal such as 0660, found "0880"
            6 |   b: { kind: external, nics: { eth0: { switch: sw1, socket-mode: 0880 } } }
              |                                                                  ^^^^
        test.lab.yaml:7:67: error[L005]: "socket-owner" must be user or user:group, found "a:b:c"
            7 |   c: { kind: external, nics: { eth0: { switch: sw1, socket-owner: "a:b:c" } } }
              |                                                                   ^^^^^^^
        """#),
    Example(
      "L216", "an MTU that is too small for IPv6",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: fd00::/64 } }
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { mtu: 1279, address: "fd00::1/64" } } }
          b: { kind: netns, nics: { eth0: { mtu: 600, gateway: "fe80::1" } } }
          c[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: red, mtu: 1000 } } }
        """#,
      expected: #"""
        test.lab.yaml:6:42: error[L216]: MTU 1279 of a:eth0 is too small for IPv6 (fd00::1/64), which needs 1280
            6 |   a: { kind: netns, nics: { eth0: { mtu: 1279, address: "fd00::1/64" } } }
              |                                          ^^^^
        test.lab.yaml:7:42: error[L216]: MTU 600 of b:eth0 is too small for IPv6 (fe80::1), which needs 1280
            7 |   b: { kind: netns, nics: { eth0: { mtu: 600, gateway: "fe80::1" } } }
              |                                          ^^^
        test.lab.yaml:8:68: error[L216]: MTU 1000 of c1:eth0 is too small for IPv6 (fd00::2/64), which needs 1280
            8 |   c[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: red, mtu: 1000 } } }
              |                                                                    ^^^^
        """#),
    Example(
      "L010", "more workers than this version runs",
      text: #"""
        version: 1
        name: test
        workers: { count: 4 }
        """#,
      expected: #"""
        test.lab.yaml:3:19: error[L010]: 4 workers are asked for; this version of apus runs one
            3 | workers: { count: 4 }
              |                   ^ leave "count" out
        """#),
    Example(
      "L010", "a processor for each of two workers",
      text: #"""
        version: 1
        name: test
        workers: { cpus: [0, 1] }
        """#,
      expected: #"""
        test.lab.yaml:3:18: error[L010]: 2 workers are asked for; this version of apus runs one
            3 | workers: { cpus: [0, 1] }
              |                  ^ list one processor
        """#),
    Example(
      "L214", "a processor that is not there",
      text: #"""
        version: 1
        name: test
        workers: { cpus: [4000] }
        """#,
      expected: #"""
        test.lab.yaml:3:19: error[L214]: apus may not run on processor 4000 of this host
            3 | workers: { cpus: [4000] }
              |                   ^^^^ it may run on 0-1
        """#),
    Example(
      "L006", "memory with which the built-in image does not boot",
      text: #"""
        version: 1
        name: test
        defaults: { memory: 64M }
        nodes:
          a: { kind: vm }
          b: { kind: vm, memory: 72M }
          c: { kind: vm, memory: 80M }
          d: { kind: vm, memory: 64M, image: disk.img }
          e: { kind: netns }
        """#,
      expected: #"""
        test.lab.yaml:3:21: error[L006]: the built-in image does not boot with 64 MiB of memory; it needs 80 MiB
            3 | defaults: { memory: 64M }
              |                     ^^^
        test.lab.yaml:5:3: note: node "a" has it
            5 |   a: { kind: vm }
              |   ^
        test.lab.yaml:6:26: error[L006]: the built-in image does not boot with 72 MiB of memory; it needs 80 MiB
            6 |   b: { kind: vm, memory: 72M }
              |                          ^^^
        """#),
    Example(
      "L009", "more NICs than a machine has places for",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a:
            kind: vm
            nics: { e0: {}, e1: {}, e2: {}, e3: {}, e4: {}, e5: {}, e6: {}, e7: {}, e8: {}, e9: {}, e10: {}, e11: {}, e12: {}, e13: {}, e14: {}, e15: {}, e16: {}, e17: {}, e18: {}, e19: {}, e20: {}, e21: {}, e22: {}, e23: {}, e24: {}, e25: {}, e26: {}, e27: {}, e28: {}, e29: {}, e30: {}, e31: {}, e32: {}, e33: {}, e34: {}, e35: {}, e36: {}, e37: {}, e38: {}, e39: {}, e40: {}, e41: {}, e42: {}, e43: {}, e44: {}, e45: {}, e46: {}, e47: {}, e48: {}, e49: {}, e50: {}, e51: {}, e52: {}, e53: {}, e54: {}, e55: {}, e56: {}, e57: {}, e58: {}, e59: {}, e60: {} }
        """#,
      expected: #"""
        test.lab.yaml:7:543: error[L009]: a machine has 60 NICs at most, a has 61
            7 | 51: {}, e52: {}, e53: {}, e54: {}, e55: {}, e56: {}, e57: {}, e58: {}, e59: {}, e60: {} }
              |                                                                                 ^^^
        """#),
    Example(
      "L009", "more NICs than fit the guest's command line",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            nics:
              to-branch-00: { address: [10.0.0.1/24, 10.0.1.1/24] }
              to-branch-01: { address: [10.1.0.1/24, 10.1.1.1/24] }
              to-branch-02: { address: [10.2.0.1/24, 10.2.1.1/24] }
              to-branch-03: { address: [10.3.0.1/24, 10.3.1.1/24] }
              to-branch-04: { address: [10.4.0.1/24, 10.4.1.1/24] }
              to-branch-05: { address: [10.5.0.1/24, 10.5.1.1/24] }
              to-branch-06: { address: [10.6.0.1/24, 10.6.1.1/24] }
              to-branch-07: { address: [10.7.0.1/24, 10.7.1.1/24] }
              to-branch-08: { address: [10.8.0.1/24, 10.8.1.1/24] }
              to-branch-09: { address: [10.9.0.1/24, 10.9.1.1/24] }
              to-branch-10: { address: [10.10.0.1/24, 10.10.1.1/24] }
              to-branch-11: { address: [10.11.0.1/24, 10.11.1.1/24] }
              to-branch-12: { address: [10.12.0.1/24, 10.12.1.1/24] }
              to-branch-13: { address: [10.13.0.1/24, 10.13.1.1/24] }
              to-branch-14: { address: [10.14.0.1/24, 10.14.1.1/24] }
              to-branch-15: { address: [10.15.0.1/24, 10.15.1.1/24] }
              to-branch-16: { address: [10.16.0.1/24, 10.16.1.1/24] }
              to-branch-17: { address: [10.17.0.1/24, 10.17.1.1/24] }
              to-branch-18: { address: [10.18.0.1/24, 10.18.1.1/24] }
              to-branch-19: { address: [10.19.0.1/24, 10.19.1.1/24] }
              to-branch-20: { address: [10.20.0.1/24, 10.20.1.1/24] }
              to-branch-21: { address: [10.21.0.1/24, 10.21.1.1/24] }
              to-branch-22: { address: [10.22.0.1/24, 10.22.1.1/24] }
              to-branch-23: { address: [10.23.0.1/24, 10.23.1.1/24] }
              to-branch-24: { address: [10.24.0.1/24, 10.24.1.1/24] }
              to-branch-25: { address: [10.25.0.1/24, 10.25.1.1/24] }
              to-branch-26: { address: [10.26.0.1/24, 10.26.1.1/24] }
              to-branch-27: { address: [10.27.0.1/24, 10.27.1.1/24] }
              to-branch-28: { address: [10.28.0.1/24, 10.28.1.1/24] }
              to-branch-29: { address: [10.29.0.1/24, 10.29.1.1/24] }
              to-branch-30: { address: [10.30.0.1/24, 10.30.1.1/24] }
              to-branch-31: { address: [10.31.0.1/24, 10.31.1.1/24] }
              to-branch-32: { address: [10.32.0.1/24, 10.32.1.1/24] }
              to-branch-33: { address: [10.33.0.1/24, 10.33.1.1/24] }
              to-branch-34: { address: [10.34.0.1/24, 10.34.1.1/24] }
              to-branch-35: { address: [10.35.0.1/24, 10.35.1.1/24] }
              to-branch-36: { address: [10.36.0.1/24, 10.36.1.1/24] }
              to-branch-37: { address: [10.37.0.1/24, 10.37.1.1/24] }
              to-branch-38: { address: [10.38.0.1/24, 10.38.1.1/24] }
              to-branch-39: { address: [10.39.0.1/24, 10.39.1.1/24] }
        """#,
      expected: #"""
        test.lab.yaml:4:3: error[L009]: NICs, addresses and routes of a need 2721 bytes of the guest's kernel command line; at most 2047 fit
            4 |   a:
              |   ^ give the node fewer NICs or addresses, or shorter names
        """#),
    Example(
      "L301", "a capture and a document that are folders",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: vm, image: disk.img, cloud-init: { user-data: user-data.d }, nics: { eth0: { switch: sw1 } } }
        capture:
          - { on: sw1, file: captures }
          - { on: sw1, file: "/no such folder/x.pcapng" }
        """#,
      expected: #"""
        test.lab.yaml:5:60: error[L301]: user-data "user-data.d" is a folder, not a file
            5 |   a: { kind: vm, image: disk.img, cloud-init: { user-data: user-data.d }, nics: { eth0: { switch: sw1 } } }
              |                                                            ^^^^^^^^^^^
        test.lab.yaml:7:22: error[L301]: "captures" is a folder; a capture is written to a file
            7 |   - { on: sw1, file: captures }
              |                      ^^^^^^^^ add the name of a file
        test.lab.yaml:8:22: error[L301]: there is no folder "/no such folder" for "/no such folder/x.pcapng"
            8 |   - { on: sw1, file: "/no such folder/x.pcapng" }
              |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^ make it: mkdir -p '/no such folder'
        """#),
    Example(
      "L301", "a socket without a folder",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, socket: /missing/a.sock } } }
          b: { kind: external, nics: { eth0: { switch: sw1, socket: /missing/b.sock, role: connect } } }
          c: { kind: external, nics: { eth0: { switch: sw1, socket: notes.txt } } }
        """#,
      expected: #"""
        test.lab.yaml:5:61: error[L301]: there is no folder "/missing" for "/missing/a.sock"
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket: /missing/a.sock } } }
              |                                                             ^^^^^^^^^^^^^^^ make it: mkdir -p /missing
        test.lab.yaml:7:61: error[L307]: there is a file at "notes.txt", where the socket of c:eth0 is to be
            7 |   c: { kind: external, nics: { eth0: { switch: sw1, socket: notes.txt } } }
              |                                                             ^^^^^^^^^ choose another path
        """#),
    Example(
      "L310", "an owner whom this host does not know",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, socket-owner: nobody-knows } } }
        """#,
      expected: #"""
        test.lab.yaml:5:67: error[L310]: socket-owner "nobody-knows": this host has no user nobody-knows
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket-owner: nobody-knows } } }
              |                                                                   ^^^^^^^^^^^^
        """#),
    Example(
      "L215", "a subnet without room for the one who asks",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.0.1/30 } } }
          b: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.0.2/30 } } }
          c: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.1.1/30 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:32: error[L215]: "tcp" is tried from another address in the machine's subnet, and none is free there
            5 |   a: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.0.1/30 } } }
              |                                ^^ make the subnet larger, or wait for "console" or "agent"
        test.lab.yaml:6:32: error[L215]: "tcp" is tried from another address in the machine's subnet, and none is free there
            6 |   b: { kind: vm, ready: { tcp: 22 }, nics: { eth0: { switch: sw1, address: 10.0.0.2/30 } } }
              |                                ^^ make the subnet larger, or wait for "console" or "agent"
        """#),
  ]
}
