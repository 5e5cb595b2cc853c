extension Example {
  static let dhcp: [Example] = [
    Example(
      "L225", "servers of VLANs that cannot have one",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, dhcp: on }
          green: { id: 20, subnet: fd00::/64, dhcp: on }
          blue: { id: 30, subnet: 10.0.0.0/24, dhcp: on }
          gray: { id: 40, subnet: 10.0.0.0/16, dhcp: on }
          white: { id: 50, subnet: 10.9.0.0/24, dhcp: off }
        switches: { sw1: }
        """#,
      expected: #"""
        test.lab.yaml:4:18: error[L225]: "dhcp" of VLAN red needs a subnet to give addresses of
            4 |   red: { id: 10, dhcp: on }
              |                  ^^^^ subnet: 10.0.10.0/24
        test.lab.yaml:5:28: error[L225]: "dhcp" of VLAN green needs a subnet of IPv4, found fd00::/64
            5 |   green: { id: 20, subnet: fd00::/64, dhcp: on }
              |                            ^^^^^^^^^
        test.lab.yaml:7:27: error[L225]: subnet 10.0.0.0/16 of VLAN gray, which has "dhcp", is also that of VLAN blue
            7 |   gray: { id: 40, subnet: 10.0.0.0/16, dhcp: on }
              |                           ^^^^^^^^^^^ give each its own
        test.lab.yaml:6:27: note: VLAN blue has 10.0.0.0/24 here
            6 |   blue: { id: 30, subnet: 10.0.0.0/24, dhcp: on }
              |                           ^^^^^^^^^^^
        """#),
    Example(
      "L225", "a server without a switch",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.0.0/24, dhcp: on } }
        """#,
      expected: #"""
        test.lab.yaml:3:46: error[L225]: "dhcp" of VLAN red: there is no switch to plug its server into
            3 | vlans: { red: { id: 10, subnet: 10.0.0.0/24, dhcp: on } }
              |                                              ^^^^ switches: { sw1: }
        """#),
    Example(
      "L225", "ranges",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, subnet: 10.0.1.0/24, dhcp: { range: [10.0.1.9, 10.0.1.2] } }
          green: { id: 20, subnet: 10.0.2.0/24, dhcp: { range: [10.0.2.0, 10.0.3.9] } }
          blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { range: [10.0.3.9] } }
          gray: { id: 40, subnet: 10.0.4.0/24, dhcp: { range: [10.0.4.9, x] , lease: 1s } }
        switches: { sw1: }
        """#,
      expected: #"""
        test.lab.yaml:4:54: error[L225]: range 10.0.1.9 to 10.0.1.2 ends before it begins
            4 |   red: { id: 10, subnet: 10.0.1.0/24, dhcp: { range: [10.0.1.9, 10.0.1.2] } }
              |                                                      ^ range: [10.0.1.2, 10.0.1.9]
        test.lab.yaml:5:56: error[L225]: range 10.0.2.0 to 10.0.3.9 is not among the hosts of 10.0.2.0/24: 10.0.2.0
            5 |   green: { id: 20, subnet: 10.0.2.0/24, dhcp: { range: [10.0.2.0, 10.0.3.9] } }
              |                                                        ^
        test.lab.yaml:6:55: error[L005]: "range" must be a list of two addresses, found 1
            6 |   blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { range: [10.0.3.9] } }
              |                                                       ^ range: [10.0.20.100, 10.0.20.199]
        test.lab.yaml:7:66: error[L005]: "range" must be an IPv4 or IPv6 address without a prefix length, found "x"
            7 |   gray: { id: 40, subnet: 10.0.4.0/24, dhcp: { range: [10.0.4.9, x] , lease: 1s } }
              |                                                                  ^
        test.lab.yaml:7:78: error[L006]: "lease" must be 120s..31536000s, found "1s"
            7 |   gray: { id: 40, subnet: 10.0.4.0/24, dhcp: { range: [10.0.4.9, x] , lease: 1s } }
              |                                                                              ^^
        """#),
    Example(
      "L207", "addresses that a server cannot have",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, subnet: 10.0.1.0/24, dhcp: { address: 10.0.2.1 } }
          green: { id: 20, subnet: 10.0.2.0/24, dhcp: { address: 10.0.2.255 } }
          blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { address: 10.0.3.7 } }
        switches: { sw1: }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.0.3.7/24 } } }
        """#,
      expected: #"""
        test.lab.yaml:4:56: error[L207]: address 10.0.2.1 of the server is outside the subnet of VLAN red, 10.0.1.0/24
            4 |   red: { id: 10, subnet: 10.0.1.0/24, dhcp: { address: 10.0.2.1 } }
              |                                                        ^^^^^^^^
        test.lab.yaml:5:58: error[L207]: 10.0.2.255 is the broadcast address of 10.0.2.0/24, not a host's
            5 |   green: { id: 20, subnet: 10.0.2.0/24, dhcp: { address: 10.0.2.255 } }
              |                                                          ^^^^^^^^^^
        test.lab.yaml:6:57: error[L207]: address 10.0.3.7 of the server is used by a:eth0
            6 |   blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { address: 10.0.3.7 } }
              |                                                         ^^^^^^^^
        test.lab.yaml:9:71: note: a:eth0 has it here
            9 |   a: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.0.3.7/24 } } }
              |                                                                       ^^^^^^^^^^^
        """#),
    Example(
      "L209", "gateways that no server can offer",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, subnet: 10.0.1.0/24, dhcp: { gateway: 10.0.2.1 } }
          green: { id: 20, subnet: 10.0.2.0/24, dhcp: { gateway: 10.0.2.0 } }
          blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { address: 10.0.3.9, gateway: 10.0.3.9 } }
        switches: { sw1: }
        """#,
      expected: #"""
        test.lab.yaml:4:56: error[L209]: gateway 10.0.2.1 is outside the subnet of VLAN red, 10.0.1.0/24
            4 |   red: { id: 10, subnet: 10.0.1.0/24, dhcp: { gateway: 10.0.2.1 } }
              |                                                        ^^^^^^^^
        test.lab.yaml:5:58: error[L209]: gateway 10.0.2.0 is the network address of 10.0.2.0/24, not a router's
            5 |   green: { id: 20, subnet: 10.0.2.0/24, dhcp: { gateway: 10.0.2.0 } }
              |                                                          ^^^^^^^^
        test.lab.yaml:6:76: error[L209]: gateway 10.0.3.9 is the server itself, which routes nothing
            6 |   blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { address: 10.0.3.9, gateway: 10.0.3.9 } }
              |                                                                            ^^^^^^^^
        """#),
    Example(
      "L210", "no address for a server",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.1.0/30, dhcp: on } }
        switches: { sw1: }
        nodes:
          a[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.1.2/30 } } }
        """#,
      expected: #"""
        test.lab.yaml:6:50: error[L210]: subnet 10.0.1.0/30 has no address left for a1:eth0
            6 |   a[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
              |                                                  ^^^
        test.lab.yaml:3:33: note: the subnet is declared here
            3 | vlans: { red: { id: 10, subnet: 10.0.1.0/30, dhcp: on } }
              |                                 ^^^^^^^^^^^
        """#),
    Example(
      "L102", "a node with the name of a server",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.1.0/24, dhcp: on } }
        switches: { sw1: }
        nodes:
          dhcp-red: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        """#,
      expected: #"""
        test.lab.yaml:6:3: error[L102]: node "dhcp-red" has the name of the server of VLAN red
            6 |   dhcp-red: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
              |   ^^^^^^^^ give the node another name
        test.lab.yaml:3:46: note: the server is asked for here
            3 | vlans: { red: { id: 10, subnet: 10.0.1.0/24, dhcp: on } }
              |                                              ^^^^
        """#),
    Example(
      "L301", "boot files that are not there, or elsewhere",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { root: tfpt, bios: boot.ipxe } } }
          green: { id: 20, subnet: 10.0.2.0/24, dhcp: { boot: { root: boot.ipxe, bios: boot.ipxe } } }
          blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { boot: { root: tftp, bios: boot.ipex, uefi: ../boot.ipxe } } }
          gray: { id: 40, subnet: 10.0.4.0/24, dhcp: { boot: { root: tftp, uefi: /boot.ipxe, bios: "http://10.0.4.254/x" } } }
        switches: { sw1: }
        """#,
      expected: #"""
        test.lab.yaml:4:61: error[L301]: root "tfpt" not found; looked in /labs
            4 |   red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { root: tfpt, bios: boot.ipxe } } }
              |                                                             ^^^^
        test.lab.yaml:5:63: error[L301]: root "boot.ipxe" is no folder
            5 |   green: { id: 20, subnet: 10.0.2.0/24, dhcp: { boot: { root: boot.ipxe, bios: boot.ipxe } } }
              |                                                               ^^^^^^^^^
        test.lab.yaml:6:74: error[L301]: bios "boot.ipex" not found; looked in /labs/tftp
            6 |   blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { boot: { root: tftp, bios: boot.ipex, uefi: ../boot.ipxe } } }
              |                                                                          ^^^^^^^^^
        test.lab.yaml:6:91: error[L225]: uefi "../boot.ipxe" must lie in "root", /labs/tftp
            6 |   blue: { id: 30, subnet: 10.0.3.0/24, dhcp: { boot: { root: tftp, bios: boot.ipex, uefi: ../boot.ipxe } } }
              |                                                                                           ^^^^^^^^^^^^ name it as it is called in there
        test.lab.yaml:7:74: error[L225]: uefi "/boot.ipxe" must lie in "root", /labs/tftp
            7 |   gray: { id: 40, subnet: 10.0.4.0/24, dhcp: { boot: { root: tftp, uefi: /boot.ipxe, bios: "http://10.0.4.254/x" } } }
              |                                                                          ^^^^^^^^^^ name it as it is called in there
        """#),
    Example(
      "L007", "boot files without a folder, or without a file",
      text: #"""
        version: 1
        name: test
        vlans:
          red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { bios: boot.ipxe } } }
          green: { id: 20, subnet: 10.0.2.0/24, dhcp: { boot: { root: tftp } } }
        switches: { sw1: }
        """#,
      expected: #"""
        test.lab.yaml:4:47: error[L007]: "boot" needs "root"
            4 |   red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { bios: boot.ipxe } } }
              |                                               ^^^^ boot: { root: tftp/, bios: boot.ipxe }
        test.lab.yaml:5:49: error[L007]: "boot" needs "bios" or "uefi"
            5 |   green: { id: 20, subnet: 10.0.2.0/24, dhcp: { boot: { root: tftp } } }
              |                                                 ^^^^ boot: { root: tftp/, bios: boot.ipxe }
        """#),
  ]
}
