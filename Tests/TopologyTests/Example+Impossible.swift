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
          i: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.7/24, routes: [ { to: 224.0.0.0/4, via: 10.0.0.9 } ] } } }
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
  ]
}
