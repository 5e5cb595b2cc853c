extension Example {
  /// The same of what runs: workers, machines, files of this host.
  static let impossibleMachines: [Example] = [
    Example(
      "L305", "more workers than processors",
      text: #"""
        version: 1
        name: test
        workers: { count: 4 }
        """#,
      expected: #"""
        test.lab.yaml:3:19: warning[L305]: 4 workers are asked for; apus may run on 2 processors of this host
            3 | workers: { count: 4 }
              |                   ^ more than 2 gain nothing here
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
