extension Example {
  static let access: [Example] = [
    Example(
      "L201", "an access list that is not there",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        port-profiles: { guarded: { access: wob } }
        access:
          web: { to-node: [ { allow: tcp, port: 80 } ] }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, access: wab }, eth1: { switch: sw1, profile: guarded, access: none } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, access: web }, eth1: { switch: sw1, profile: guarded } } }
        """#,
      expected: #"""
        test.lab.yaml:4:37: error[L201]: unknown access list "wob"
            4 | port-profiles: { guarded: { access: wob } }
              |                                     ^^^ did you mean "web"? (access lists: web)
        test.lab.yaml:5:1: note: access lists are declared here
            5 | access:
              | ^^^^^^
        test.lab.yaml:8:58: error[L201]: unknown access list "wab"
            8 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: wab }, eth1: { switch: sw1, profile: guarded, access: none } } }
              |                                                          ^^^ did you mean "web"? (access lists: web)
        test.lab.yaml:5:1: note: access lists are declared here
            5 | access:
              | ^^^^^^
        """#),
    Example(
      "L213", "rules that change nothing",
      text: #"""
        version: 1
        name: test
        access:
          web: { to-node: [ { allow: tcp, port: 80 } ] }
          open: { stateful: on }
        nodes:
          a: { kind: netns, nics: { eth0: { access: open, isolated: on, learn-limit: 4, storm: { unknown: 5/s, broadcast: 5/s } } } }
          b: { kind: netns, nics: { eth0: { isolated: off, learn-limit: none } } }
        links:
          - { ends: [a:eth0, b:eth0] }
        """#,
      expected: #"""
        test.lab.yaml:4:3: warning[L213]: no NIC has access list "web"
            4 |   web: { to-node: [ { allow: tcp, port: 80 } ] }
              |   ^^^ say access: web of one, or `apus port set` at run time
        test.lab.yaml:5:11: warning[L213]: "stateful" has no effect without rules: all passes, answers or not
            5 |   open: { stateful: on }
              |           ^^^^^^^^ write to-node: [...] or from-node: [...]
        test.lab.yaml:7:51: warning[L213]: "isolated" has no effect on a:eth0, which is on no switch
            7 |   a: { kind: netns, nics: { eth0: { access: open, isolated: on, learn-limit: 4, storm: { unknown: 5/s, broadcast: 5/s } } } }
              |                                                   ^^^^^^^^
        test.lab.yaml:7:65: warning[L213]: "learn-limit" has no effect on a:eth0, which is on no switch
            7 |   a: { kind: netns, nics: { eth0: { access: open, isolated: on, learn-limit: 4, storm: { unknown: 5/s, broadcast: 5/s } } } }
              |                                                                 ^^^^^^^^^^^
        test.lab.yaml:7:90: warning[L213]: "unknown" has no effect on a:eth0, which is on no switch
            7 |   a: { kind: netns, nics: { eth0: { access: open, isolated: on, learn-limit: 4, storm: { unknown: 5/s, broadcast: 5/s } } } }
              |                                                                                          ^^^^^^^
        """#),
    Example(
      "L226", "rules that no frame can match",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        access:
          web:
            to-node:
              - { allow: icmp, port: 80 }
              - { deny: 47, from-port: 7 }
              - { allow: any, port: 53 }
              - { allow: tcp, from: 10.0.0.0/8, to: fd00::/8 }
              - { allow: ipv6, from: 10.0.0.1 }
              - { allow: ip, to: fd00::1 }
              - { deny: arp, to: fd00::1 }
              - { allow: 58, from: 10.0.0.1 }
              - { allow: tcp, ethertype: 0x0806 }
              - { allow: any, from: 10.0.0.1, ethertype: 0x86dd }
              - { allow: any, mac: 01:00:5e:00:00:01 }
            from-node: [ { allow: tcp, port: 80, from: 10.0.0.1, ethertype: 0x0800 }, { allow: any, ethertype: 0x88cc } ]
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, access: web } } }
        """#,
      expected: #"""
        test.lab.yaml:7:24: error[L226]: "port" is not of icmp
            7 |       - { allow: icmp, port: 80 }
              |                        ^^^^ ports are of tcp and udp, a rule each
        test.lab.yaml:7:18: note: "icmp" is here
            7 |       - { allow: icmp, port: 80 }
              |                  ^^^^
        test.lab.yaml:8:21: error[L226]: "from-port" is not of 47
            8 |       - { deny: 47, from-port: 7 }
              |                     ^^^^^^^^^ ports are of tcp and udp, a rule each
        test.lab.yaml:8:17: note: "47" is here
            8 |       - { deny: 47, from-port: 7 }
              |                 ^^
        test.lab.yaml:9:23: error[L226]: "port" is not of any
            9 |       - { allow: any, port: 53 }
              |                       ^^^^ ports are of tcp and udp, a rule each
        test.lab.yaml:9:18: note: "any" is here
            9 |       - { allow: any, port: 53 }
              |                  ^^^
        test.lab.yaml:10:45: error[L226]: no frame goes from 10.0.0.0/8 to fd00::/8: one is IPv4, the other IPv6
           10 |       - { allow: tcp, from: 10.0.0.0/8, to: fd00::/8 }
              |                                             ^^^^^^^^
        test.lab.yaml:10:29: note: "from" is here
           10 |       - { allow: tcp, from: 10.0.0.0/8, to: fd00::/8 }
              |                             ^^^^^^^^^^
        test.lab.yaml:11:30: error[L226]: 10.0.0.1 is IPv4, which ipv6 is not
           11 |       - { allow: ipv6, from: 10.0.0.1 }
              |                              ^^^^^^^^
        test.lab.yaml:11:18: note: "ipv6" is here
           11 |       - { allow: ipv6, from: 10.0.0.1 }
              |                  ^^^^
        test.lab.yaml:12:26: error[L226]: fd00::1 is IPv6, which ip is not
           12 |       - { allow: ip, to: fd00::1 }
              |                          ^^^^^^^
        test.lab.yaml:12:18: note: "ip" is here
           12 |       - { allow: ip, to: fd00::1 }
              |                  ^^
        test.lab.yaml:13:26: error[L226]: fd00::1 is IPv6, which arp is not
           13 |       - { deny: arp, to: fd00::1 }
              |                          ^^^^^^^
        test.lab.yaml:13:17: note: "arp" is here
           13 |       - { deny: arp, to: fd00::1 }
              |                 ^^^
        test.lab.yaml:14:28: error[L226]: 10.0.0.1 is IPv4, which 58 is not
           14 |       - { allow: 58, from: 10.0.0.1 }
              |                            ^^^^^^^^
        test.lab.yaml:14:18: note: "58" is here
           14 |       - { allow: 58, from: 10.0.0.1 }
              |                  ^^
        test.lab.yaml:15:34: error[L226]: no frame of EtherType 0x806 is what the rule is for
           15 |       - { allow: tcp, ethertype: 0x0806 }
              |                                  ^^^^^^
        test.lab.yaml:15:18: note: "tcp" is here
           15 |       - { allow: tcp, ethertype: 0x0806 }
              |                  ^^^
        test.lab.yaml:16:50: error[L226]: no frame of EtherType 0x86dd is what the rule is for
           16 |       - { allow: any, from: 10.0.0.1, ethertype: 0x86dd }
              |                                                  ^^^^^^
        test.lab.yaml:16:18: note: "any" is here
           16 |       - { allow: any, from: 10.0.0.1, ethertype: 0x86dd }
              |                  ^^^
        test.lab.yaml:17:28: error[L226]: MAC address 01:00:5e:00:00:01 is a multicast address; no frame comes from it
           17 |       - { allow: any, mac: 01:00:5e:00:00:01 }
              |                            ^^^^^^^^^^^^^^^^^
        """#),
    Example(
      "L226", "rules that never decide",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        access:
          web:
            to-node:
              - { deny: any, from: 10.9.0.0/16 }
              - { allow: tcp, from: 10.9.1.0/24, port: 80 }
              - { allow: tcp, port: [80, 8000-8010] }
              - { deny: tcp, port: [8003, 8009-8010], from: fd00::1 }
              - { allow: tcp, port: 8011 }
              - { allow: ip }
              - { allow: 6, to: 10.0.0.1 }
              - { allow: tcp }
            from-node:
              - { allow: any }
              - { deny: arp }
              - { deny: udp, port: 67 }
              - { deny: icmp }
              - { allow: icmp }
              - { deny: udp }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, access: web } } }
        """#,
      expected: #"""
        test.lab.yaml:8:9: warning[L226]: the rule "allow tcp from 10.9.1.0/24 port 80" never decides: an earlier one is for all its frames
            8 |       - { allow: tcp, from: 10.9.1.0/24, port: 80 }
              |         ^ move it up, or leave it out
        test.lab.yaml:7:9: note: that is "deny any from 10.9.0.0/16"
            7 |       - { deny: any, from: 10.9.0.0/16 }
              |         ^
        test.lab.yaml:10:9: warning[L226]: the rule "deny tcp from fd00::1 port 8003,8009-8010" never decides: an earlier one is for all its frames
           10 |       - { deny: tcp, port: [8003, 8009-8010], from: fd00::1 }
              |         ^ move it up, or leave it out
        test.lab.yaml:9:9: note: that is "allow tcp port 80,8000-8010"
            9 |       - { allow: tcp, port: [80, 8000-8010] }
              |         ^
        test.lab.yaml:13:9: warning[L226]: the rule "allow tcp to 10.0.0.1" never decides: an earlier one is for all its frames
           13 |       - { allow: 6, to: 10.0.0.1 }
              |         ^ leave it out
        test.lab.yaml:12:9: note: that is "allow ip"
           12 |       - { allow: ip }
              |         ^
        test.lab.yaml:19:9: warning[L226]: the rule "deny icmp" never decides: an earlier one is for all its frames
           19 |       - { deny: icmp }
              |         ^ move it up, or leave it out
        test.lab.yaml:16:9: note: that is "allow any"
           16 |       - { allow: any }
              |         ^
        test.lab.yaml:20:9: warning[L226]: the rule "allow icmp" never decides: an earlier one is for all its frames
           20 |       - { allow: icmp }
              |         ^ leave it out
        test.lab.yaml:16:9: note: that is "allow any"
           16 |       - { allow: any }
              |         ^
        test.lab.yaml:21:9: warning[L226]: the rule "deny udp" never decides: an earlier one is for all its frames
           21 |       - { deny: udp }
              |         ^ move it up, or leave it out
        test.lab.yaml:16:9: note: that is "allow any"
           16 |       - { allow: any }
              |         ^
        """#),
    Example(
      "L226", "a lock to addresses that nobody knows",
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.10.0/24 }, blue: { id: 20, subnet: 10.0.20.0/24, dhcp: on } }
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, ip-lock: on }, eth1: { switch: sw1, vlan: red, ip-lock: on } } }
          b: { kind: external, nics: { eth0: { switch: sw1, trunk: [5, blue], ip-lock: on }, eth1: { switch: sw1, trunk: all, ip-lock: on } } }
          c: { kind: nic, nics: { eth7: { switch: sw1, vlan: 5, ip-lock: on }, eth8: { switch: sw1, vlan: red, ip-lock: on } } }
          d: { kind: tap, nics: { tap-d: { switch: sw1, ip-lock: [10.0.0.1, fd00::/64] } } }
        """#,
      expected: #"""
        test.lab.yaml:6:53: error[L226]: "ip-lock" of a:eth0 is for its own addresses, and it has none
            6 |   a: { kind: external, nics: { eth0: { switch: sw1, ip-lock: on }, eth1: { switch: sw1, vlan: red, ip-lock: on } } }
              |                                                     ^^^^^^^ give it an "address", or say which pass: ip-lock: [10.0.0.5]
        test.lab.yaml:8:57: error[L226]: "ip-lock" of c:eth7 is for its own addresses, and it has none
            8 |   c: { kind: nic, nics: { eth7: { switch: sw1, vlan: 5, ip-lock: on }, eth8: { switch: sw1, vlan: red, ip-lock: on } } }
              |                                                         ^^^^^^^ say which pass: ip-lock: [10.0.0.5]
        test.lab.yaml:8:104: error[L226]: "ip-lock" of c:eth8 is for its own addresses, and it has none
            8 |   c: { kind: nic, nics: { eth7: { switch: sw1, vlan: 5, ip-lock: on }, eth8: { switch: sw1, vlan: red, ip-lock: on } } }
              |                                                                                                        ^^^^^^^ say which pass: ip-lock: [10.0.0.5]
        """#),
    Example(
      "L006", "limits out of range",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        access:
          web:
            to-node:
              - { allow: tcp, port: 0 }
              - { allow: udp, from-port: 65536 }
              - { allow: tcp, port: 90-80 }
              - { allow: tcp, port: [] }
              - { allow: 256 }
              - { allow: tpc }
              - { deny: ipv4 }
              - { allow: any, ethertype: 0x5ff }
              - { allow: any, from: 10.9.1.0/16 }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, access: web, learn-limit: 0, ip-lock: [] } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, storm: { broadcast: 0/s, multicast: 10000001/s } } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, rate: { to-node: 0, from-node: 999bit } } } }
        """#,
      expected: #"""
        test.lab.yaml:7:29: error[L006]: "port" must lie in 1..65535, found "0"
            7 |       - { allow: tcp, port: 0 }
              |                             ^
        test.lab.yaml:8:34: error[L006]: "from-port" must lie in 1..65535, found "65536"
            8 |       - { allow: udp, from-port: 65536 }
              |                                  ^^^^^
        test.lab.yaml:9:29: error[L006]: "port" must lie in 1..65535 and ascend, found "90-80"
            9 |       - { allow: tcp, port: 90-80 }
              |                             ^^^^^
        test.lab.yaml:10:29: error[L006]: "port" must be 1..16 ports and spans of them, found none
           10 |       - { allow: tcp, port: [] }
              |                             ^
        test.lab.yaml:11:18: error[L006]: "allow" must be one of any, arp, ip, ipv6, tcp, udp, icmp, or a protocol number 0..255, found "256"
           11 |       - { allow: 256 }
              |                  ^^^
        test.lab.yaml:12:18: error[L006]: "allow" must be one of any, arp, ip, ipv6, tcp, udp, icmp, or a protocol number 0..255, found "tpc"
           12 |       - { allow: tpc }
              |                  ^^^ did you mean "tcp"?
        test.lab.yaml:13:17: error[L006]: "deny" must be one of any, arp, ip, ipv6, tcp, udp, icmp, or a protocol number 0..255, found "ipv4"
           13 |       - { deny: ipv4 }
              |                 ^^^^ IPv4 is "ip"
        test.lab.yaml:14:34: error[L006]: "ethertype" must be 0x600..0xffff, found "0x5ff"
           14 |       - { allow: any, ethertype: 0x5ff }
              |                                  ^^^^^
        test.lab.yaml:15:29: error[L006]: "from": prefix 10.9.1.0/16 has host bits set
           15 |       - { allow: any, from: 10.9.1.0/16 }
              |                             ^^^^^^^^^^^ did you mean 10.9.0.0/16, or 10.9.1.0 alone?
        test.lab.yaml:17:76: error[L006]: "learn-limit" must be 1..1048576, found "0"
           17 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: web, learn-limit: 0, ip-lock: [] } } }
              |                                                                            ^ "none" is no limit; an access list lets nothing pass at all
        test.lab.yaml:17:88: error[L006]: "ip-lock" must be 1..256 addresses and prefixes, found none
           17 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: web, learn-limit: 0, ip-lock: [] } } }
              |                                                                                        ^
        test.lab.yaml:18:70: error[L006]: "broadcast" must be 1/s..10000000/s, found "0/s"
           18 |   b: { kind: netns, nics: { eth0: { switch: sw1, storm: { broadcast: 0/s, multicast: 10000001/s } } } }
              |                                                                      ^^^ "none" is no limit; an access list lets nothing pass at all
        test.lab.yaml:18:86: error[L006]: "multicast" must be 1/s..10000000/s, found "10000001/s"
           18 |   b: { kind: netns, nics: { eth0: { switch: sw1, storm: { broadcast: 0/s, multicast: 10000001/s } } } }
              |                                                                                      ^^^^^^^^^^
        test.lab.yaml:19:67: error[L006]: "to-node" must be 1kbit..1Tbit, found "0"
           19 |   c: { kind: netns, nics: { eth0: { switch: sw1, rate: { to-node: 0, from-node: 999bit } } } }
              |                                                                   ^ "none" is no limit; an access list lets nothing pass at all
        test.lab.yaml:19:81: error[L006]: "from-node" must be 1kbit..1Tbit, found "999bit"
           19 |   c: { kind: netns, nics: { eth0: { switch: sw1, rate: { to-node: 0, from-node: 999bit } } } }
              |                                                                                 ^^^^^^
        """#),
    Example(
      "L005", "limits of another type",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        access:
          web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
          api: { to-node: [ { allow: tcp, port: http, from: here } ] }
        nodes:
          a: { kind: netns, nics: { eth0: { switch: sw1, access: api, mac-lock: 02:00:00:00:00:01, ip-lock: mine, isolated: 1 } } }
          b: { kind: netns, nics: { eth0: { switch: sw1, access: [api], storm: { unknown: 100 }, rate: { to-node: fast }, learn-limit: few } } }
          c: { kind: netns, nics: { eth0: { switch: sw1, access: API, storm: 100/s, rate: 10Mbit, ip-lock: 10.0.0.1/24 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:3: warning[L213]: no NIC has access list "web"
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |   ^^^ say access: web of one, or `apus port set` at run time
        test.lab.yaml:5:20: error[L005]: "stateful" must be on or off, found "sometimes"
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |                    ^^^^^^^^^
        test.lab.yaml:5:40: error[L005]: "to-node" must be a list of rules such as { allow: tcp, port: 80 }, found mapping
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |                                        ^
        test.lab.yaml:5:78: error[L005]: "allow" must be one of any, arp, ip, ipv6, tcp, udp, icmp, or a protocol number 0..255, found list
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |                                                                              ^
        test.lab.yaml:5:105: error[L005]: "mac" must be a MAC address such as 02:00:00:00:00:01, found "x"
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |                                                                                                         ^
        test.lab.yaml:5:119: error[L005]: "ethertype" must be a number such as 0x88cc, found "lldp"
            5 |   web: { stateful: sometimes, to-node: { allow: any }, from-node: [ { allow: [tcp] }, { deny: any, mac: x, ethertype: lldp } ] }
              |                                                                                                                       ^^^^
        test.lab.yaml:6:41: error[L005]: "port" must be a port such as 80, or a span such as 8000-8010, found "http"
            6 |   api: { to-node: [ { allow: tcp, port: http, from: here } ] }
              |                                         ^^^^
        test.lab.yaml:6:53: error[L005]: "from" must be an address or a prefix such as 10.9.0.0/16, found "here"
            6 |   api: { to-node: [ { allow: tcp, port: http, from: here } ] }
              |                                                     ^^^^
        test.lab.yaml:8:73: error[L005]: "mac-lock" must be on or off, found "02:00:00:00:00:01"
            8 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: api, mac-lock: 02:00:00:00:00:01, ip-lock: mine, isolated: 1 } } }
              |                                                                         ^^^^^^^^^^^^^^^^^
        test.lab.yaml:8:101: error[L005]: "ip-lock" must be an address or a prefix such as 10.9.0.0/16, found "mine"
            8 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: api, mac-lock: 02:00:00:00:00:01, ip-lock: mine, isolated: 1 } } }
              |                                                                                                     ^^^^
        test.lab.yaml:8:117: error[L005]: "isolated" must be on or off, found "1"
            8 |   a: { kind: netns, nics: { eth0: { switch: sw1, access: api, mac-lock: 02:00:00:00:00:01, ip-lock: mine, isolated: 1 } } }
              |                                                                                                                     ^
        test.lab.yaml:9:58: error[L005]: "access" must be the name of an access list, or none, found list
            9 |   b: { kind: netns, nics: { eth0: { switch: sw1, access: [api], storm: { unknown: 100 }, rate: { to-node: fast }, learn-limit: few } } }
              |                                                          ^
        test.lab.yaml:9:83: error[L005]: "unknown" must be a number of frames such as 100/s, or none, found "100"
            9 |   b: { kind: netns, nics: { eth0: { switch: sw1, access: [api], storm: { unknown: 100 }, rate: { to-node: fast }, learn-limit: few } } }
              |                                                                                   ^^^ write 100/s
        test.lab.yaml:9:107: error[L005]: "to-node" must be a rate such as 10Mbit, or none, found "fast"
            9 |   b: { kind: netns, nics: { eth0: { switch: sw1, access: [api], storm: { unknown: 100 }, rate: { to-node: fast }, learn-limit: few } } }
              |                                                                                                           ^^^^
        test.lab.yaml:9:128: error[L005]: "learn-limit" must be a number of stations, or none, found "few"
            9 |   b: { kind: netns, nics: { eth0: { switch: sw1, access: [api], storm: { unknown: 100 }, rate: { to-node: fast }, learn-limit: few } } }
              |                                                                                                                                ^^^
        test.lab.yaml:10:58: error[L005]: "access" must be the name of an access list, or none, found "API"
           10 |   c: { kind: netns, nics: { eth0: { switch: sw1, access: API, storm: 100/s, rate: 10Mbit, ip-lock: 10.0.0.1/24 } } }
              |                                                          ^^^
        test.lab.yaml:10:70: error[L005]: "storm" must be a mapping, found "100/s"
           10 |   c: { kind: netns, nics: { eth0: { switch: sw1, access: API, storm: 100/s, rate: 10Mbit, ip-lock: 10.0.0.1/24 } } }
              |                                                                      ^^^^^
        test.lab.yaml:10:83: error[L005]: "rate" must be a mapping, found "10Mbit"
           10 |   c: { kind: netns, nics: { eth0: { switch: sw1, access: API, storm: 100/s, rate: 10Mbit, ip-lock: 10.0.0.1/24 } } }
              |                                                                                   ^^^^^^
        test.lab.yaml:10:100: error[L006]: "ip-lock": prefix 10.0.0.1/24 has host bits set
           10 |   c: { kind: netns, nics: { eth0: { switch: sw1, access: API, storm: 100/s, rate: 10Mbit, ip-lock: 10.0.0.1/24 } } }
              |                                                                                                    ^^^^^^^^^^^ did you mean 10.0.0.0/24, or 10.0.0.1 alone?
        """#),
    Example(
      "L007", "rules that say too little or too much",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        access:
          none: { to-node: [ { allow: any } ] }
          web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
        nodes:
          a: { kind: netns, access: web, nics: { eth0: { switch: sw1, access: web, storm: { brodcast: 1/s }, broadcast: 1/s } } }
          n: { kind: nic, nics: { eth7: { switch: sw1, vlan: 5, mac-lock: on } } }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L101]: "none" is a reserved name
            5 |   none: { to-node: [ { allow: any } ] }
              |   ^^^^ "access: none" is said of a port that has no list
        test.lab.yaml:6:21: error[L007]: a rule needs "allow" or "deny"
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                     ^ { allow: tcp, port: 80 }
        test.lab.yaml:6:49: error[L211]: "allow" and "deny" exclude each other
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                                                 ^^^^ keep one
        test.lab.yaml:6:37: note: "allow" is here
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                                     ^^^^^
        test.lab.yaml:6:64: error[L003]: unknown key "alow" in access rule
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                                                                ^^^^ did you mean "allow"? (valid: allow, deny, from, to, port, from-port, mac, ethertype)
        test.lab.yaml:6:91: error[L003]: unknown key "prot" in access rule
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                                                                                           ^^^^ did you mean "port"? (valid: allow, deny, from, to, port, from-port, mac, ethertype)
        test.lab.yaml:6:105: error[L003]: unknown key "in" in access list
            6 |   web: { to-node: [ { port: 80 }, { allow: tcp, deny: udp }, { alow: tcp }, { allow: tcp, prot: 80 } ], in: [] }
              |                                                                                                         ^^ valid: stateful, to-node, from-node
        test.lab.yaml:8:21: error[L004]: "access" belongs at the top level, not in a node
            8 |   a: { kind: netns, access: web, nics: { eth0: { switch: sw1, access: web, storm: { brodcast: 1/s }, broadcast: 1/s } } }
              |                     ^^^^^^
        test.lab.yaml:8:85: error[L003]: unknown key "brodcast" in storm limit
            8 |   a: { kind: netns, access: web, nics: { eth0: { switch: sw1, access: web, storm: { brodcast: 1/s }, broadcast: 1/s } } }
              |                                                                                     ^^^^^^^^ did you mean "broadcast"? (valid: broadcast, multicast, unknown)
        test.lab.yaml:8:102: error[L004]: "broadcast" is a key of a storm limit, not of a NIC
            8 |   a: { kind: netns, access: web, nics: { eth0: { switch: sw1, access: web, storm: { brodcast: 1/s }, broadcast: 1/s } } }
              |                                                                                                      ^^^^^^^^^ valid: switch, vlan, trunk, native, impair, address, addresses, gateway, routes, mac, mtu, queues, offload, migration-buffer, model, role, socket, socket-mode, socket-owner, transport, front-end, profile, access, mac-lock, ip-lock, learn-limit, isolated, storm, rate
        test.lab.yaml:9:57: error[L004]: "mac-lock" is a NIC key of kind vm and netns and external and tap and container, not of nic
            9 |   n: { kind: nic, nics: { eth7: { switch: sw1, vlan: 5, mac-lock: on } } }
              |                                                         ^^^^^^^^
        """#),
  ]
}
