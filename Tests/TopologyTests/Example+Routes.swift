extension Example {
  static let routes: [Example] = [
    Example(
      "L209", "two routes of one node to one destination",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {}, sw2: {} }
        nodes:
          h[1-2]:
            kind: netns
            nics:
              eth0: { switch: sw1, gateway: fe80::1 }
              eth1: { switch: sw2, gateway: fe80::2 }
          v:
            kind: vm
            nics:
              eth0: { switch: sw1, address: 10.0.0.12/24, routes: [ { to: 10.9.0.0/16, via: 10.0.0.1, metric: 5 } ] }
              eth1: { switch: sw2, address: 10.1.0.12/24, routes: [ { to: 10.9.0.0/16, via: 10.1.0.1, metric: 5 } ] }
          ok:
            kind: netns
            nics:
              eth0: { switch: sw1, address: [10.0.0.13/24, "fd00::1/64"], gateway: 10.0.0.1 }
              eth1:
                switch: sw2
                address: 10.1.0.13/24
                gateway: fe80::1
                routes: [ { to: default, via: 10.1.0.1, metric: 5 }, { to: "fd00::/64", via: fe80::2 } ]
        """#,
      expected: #"""
        test.lab.yaml:9:37: error[L209]: h1 has two routes to default: via fe80::1 on eth0 (8:37) and via fe80::2 on eth1
            9 |       eth1: { switch: sw2, gateway: fe80::2 }
              |                                     ^^^^^^^ keep one, or give one a "metric": { to: default, via: fe80::2, metric: 100 }
        test.lab.yaml:8:37: note: the other is here
            8 |       eth0: { switch: sw1, gateway: fe80::1 }
              |                                     ^^^^^^^
        test.lab.yaml:14:67: error[L209]: v has two routes to 10.9.0.0/16 with metric 5: via 10.0.0.1 on eth0 (13:67) and via 10.1.0.1 on eth1
           14 |       eth1: { switch: sw2, address: 10.1.0.12/24, routes: [ { to: 10.9.0.0/16, via: 10.1.0.1, metric: 5 } ] }
              |                                                                   ^^^^^^^^^^^ keep one, or give one a "metric": { to: 10.9.0.0/16, via: 10.1.0.1, metric: 100 }
        test.lab.yaml:13:67: note: the other is here
           13 |       eth0: { switch: sw1, address: 10.0.0.12/24, routes: [ { to: 10.9.0.0/16, via: 10.0.0.1, metric: 5 } ] }
              |                                                                   ^^^^^^^^^^^
        """#),
    Example(
      "L209", "routes that a kernel has already",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.10.0/24 } }
        switches: { sw1: {} }
        nodes:
          a:
            kind: netns
            nics:
              eth0: { switch: sw1, address: 10.0.0.1/24, routes: [ { to: 10.0.10.0/24, via: 10.0.0.2 } ] }
              eth1: { switch: sw1, vlan: red }
          t: { kind: tap, nics: { tap1: { switch: sw1, address: 10.1.0.1/24, gateway: 10.1.0.2 } } }
          u: { kind: tap, nics: { tap2: { switch: sw1, address: 10.2.0.1/24, gateway: 10.2.0.2 } } }
          e: { kind: external, nics: { eth0: { switch: sw1, gateway: fe80::1 }, eth1: { switch: sw1, gateway: fe80::2 } } }
        """#,
      expected: #"""
        test.lab.yaml:9:66: error[L209]: the route to 10.0.10.0/24 via 10.0.0.2 on eth0 of a leads to the subnet of its own address 10.0.10.1/24 (10:7)
            9 |       eth0: { switch: sw1, address: 10.0.0.1/24, routes: [ { to: 10.0.10.0/24, via: 10.0.0.2 } ] }
              |                                                                  ^^^^^^^^^^^^ with another "metric" it has both
        test.lab.yaml:10:7: note: the other is here
           10 |       eth1: { switch: sw1, vlan: red }
              |       ^^^^
        test.lab.yaml:12:79: error[L209]: this host has two routes to default: via 10.1.0.2 on tap1 (11:79) and via 10.2.0.2 on tap2
           12 |   u: { kind: tap, nics: { tap2: { switch: sw1, address: 10.2.0.1/24, gateway: 10.2.0.2 } } }
              |                                                                               ^^^^^^^^ keep one, or give one a "metric": { to: default, via: 10.2.0.2, metric: 100 }
        test.lab.yaml:11:79: note: the other is here
           11 |   t: { kind: tap, nics: { tap1: { switch: sw1, address: 10.1.0.1/24, gateway: 10.1.0.2 } } }
              |                                                                               ^^^^^^^^
        """#),
    Example(
      "L213", "the same route twice",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a:
            kind: netns
            nics:
              eth0:
                switch: sw1
                address: 10.0.0.1/24
                gateway: 10.0.0.254
                routes: [ { to: 0.0.0.0/0, via: 10.0.0.254, metric: 0 } ]
        """#,
      expected: #"""
        test.lab.yaml:12:25: warning[L213]: a has the route to default via 10.0.0.254 on eth0 metric 0 already (11:18)
           12 |         routes: [ { to: 0.0.0.0/0, via: 10.0.0.254, metric: 0 } ]
              |                         ^^^^^^^^^
        test.lab.yaml:11:18: note: the other is here
           11 |         gateway: 10.0.0.254
              |                  ^^^^^^^^^^
        """#),
    Example(
      "L209", "next hops in no subnet",
      text: #"""
        version: 1
        name: test
        vlans: { red: 10, blue: 20 }
        switches: { sw1: {} }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/32, gateway: 10.9.9.1 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/32, routes: [ { to: default, via: 10.9.9.1 } ] } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/32, routes: [ { to: default, via: 10.9.9.1, onlink: on } ] } } }
          d:
            kind: netns
            nics:
              eth0: { switch: sw1, trunk: all, gateway: fe80::1, addresses: { red: 10.1.0.1/24, blue: 10.2.0.1/24 } }
              eth1: { switch: sw1, trunk: all, routes: [ { to: "fd09::/16", via: fe80::1 } ] }
        """#,
      expected: #"""
        test.lab.yaml:6:81: error[L209]: gateway 10.9.9.1 is in no subnet of a:eth0 (10.0.0.1/32)
            6 |   a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/32, gateway: 10.9.9.1 } } }
              |                                                                                 ^^^^^^^^ if it is a neighbour all the same, write routes: [{ to: default, via: 10.9.9.1, onlink: on }]
        test.lab.yaml:7:102: error[L209]: next hop 10.9.9.1 is in no subnet of b:eth0 (10.0.0.2/32)
            7 |   b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/32, routes: [ { to: default, via: 10.9.9.1 } ] } } }
              |                                                                                                      ^^^^^^^^ if it is a neighbour all the same, say onlink: on
        test.lab.yaml:12:49: error[L209]: gateway fe80::1 is in no subnet, so it may be behind each of eth0.10, eth0.20
           12 |       eth0: { switch: sw1, trunk: all, gateway: fe80::1, addresses: { red: 10.1.0.1/24, blue: 10.2.0.1/24 } }
              |                                                 ^^^^^^^ use an address of it in the subnet of one VLAN
        test.lab.yaml:13:74: error[L209]: next hop fe80::1 is behind no interface: d:eth1 is a trunk without "native" and has no address
           13 |       eth1: { switch: sw1, trunk: all, routes: [ { to: "fd09::/16", via: fe80::1 } ] }
              |                                                                          ^^^^^^^ use an address of it in the subnet of one VLAN
        """#),
  ]
}
