extension Example {
  static let host: [Example] = [
    Example(
      "L301", "an image that is not there",
      text: #"""
        version: 1
        name: test
        defaults: { image: bulitin }
        nodes:
          a: { kind: vm }
          b: { kind: vm, image: frr.qcow2 }
        """#,
      expected: #"""
        test.lab.yaml:3:20: error[L301]: image "bulitin" not found; looked in /labs and /images
            3 | defaults: { image: bulitin }
              |                    ^^^^^^^ did you mean "builtin"?
        test.lab.yaml:6:25: error[L301]: image "frr.qcow2" not found; looked in /labs and /images
            6 |   b: { kind: vm, image: frr.qcow2 }
              |                         ^^^^^^^^^
        """#),
    Example(
      "L303", "an interface that the host has",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          up: { kind: tap, nics: { tap-taken: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:28: error[L303]: the host has an interface "tap-taken" already
            5 |   up: { kind: tap, nics: { tap-taken: { switch: sw1 } } }
              |                            ^^^^^^^^^ choose another name, or remove it: ip link delete tap-taken
        """#),
    Example(
      "L303", "an interface of the host that cannot be taken",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          up: { kind: nic, nics: { nic-used: { switch: sw1 } } }
          forced: { kind: nic, force: on, nics: { nic-used2: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:28: error[L303]: the interface "nic-used" has an address
            5 |   up: { kind: nic, nics: { nic-used: { switch: sw1 } } }
              |                            ^^^^^^^^ say `force: on`
        """#),
    Example(
      "L208", "an interface of the host that two nodes take",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: nic, nics: { eth1: { switch: sw1 } } }
          b: { kind: nic, nics: { eth1: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:6:27: error[L208]: host interface "eth1" is used by a:eth1 (5:27) and b:eth1
            6 |   b: { kind: nic, nics: { eth1: { switch: sw1 } } }
              |                           ^^^^
        test.lab.yaml:5:27: note: a:eth1 uses it here
            5 |   a: { kind: nic, nics: { eth1: { switch: sw1 } } }
              |                           ^^^^
        """#),
    Example(
      "L004", "keys that an interface of the host has not, and those that it alone has",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          up: { kind: nic, nics: { eth1: { switch: sw1, address: 10.0.0.1/24 } } }
          t: { kind: tap, force: on, nics: { tap1: { switch: sw1 } } }
        """#,
      expected: #"""
        test.lab.yaml:5:49: error[L004]: "address" is a NIC key of kind vm and netns and external and tap and container, not of nic
            5 |   up: { kind: nic, nics: { eth1: { switch: sw1, address: 10.0.0.1/24 } } }
              |                                                 ^^^^^^^
        test.lab.yaml:6:19: error[L004]: "force" is a key of kind nic, not of tap
            6 |   t: { kind: tap, force: on, nics: { tap1: { switch: sw1 } } }
              |                   ^^^^^
        """#),
    Example(
      "L305", "more memory than there is", facts: .slow,
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: vm }
        """#,
      expected: #"""
        test.lab.yaml:4:3: warning[L305]: virtual machines ask for 256 MiB, this host has 200 MiB free
            4 |   a[1-2]: { kind: vm }
              |   ^^^^^^
        test.lab.yaml:4:19: note[L306]: this host has no KVM: virtual machines are emulated (TCG), which is slow
            4 |   a[1-2]: { kind: vm }
              |                   ^^
        """#),
    Example(
      "L305", "more memory than the host has", facts: .slow,
      text: #"""
        version: 1
        name: test
        defaults: { image: disk.img }
        nodes:
          a: { kind: vm, image: builtin, memory: 512M }
        """#,
      expected: #"""
        test.lab.yaml:5:3: warning[L305]: virtual machines ask for 512 MiB, this host has 200 MiB free
            5 |   a: { kind: vm, image: builtin, memory: 512M }
              |   ^
        test.lab.yaml:5:14: note[L306]: this host has no KVM: virtual machines are emulated (TCG), which is slow
            5 |   a: { kind: vm, image: builtin, memory: 512M }
              |              ^^
        test.lab.yaml:5:42: error[L305]: node a asks for 512 MiB of memory, this host has 400 MiB in all
            5 |   a: { kind: vm, image: builtin, memory: 512M }
              |                                          ^^^^
        """#),
    Example(
      "L306", "no KVM", facts: .slow,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm }
        """#,
      expected: #"""
        test.lab.yaml:4:14: note[L306]: this host has no KVM: virtual machines are emulated (TCG), which is slow
            4 |   a: { kind: vm }
              |              ^^
        """#),
    Example(
      "L307", "a socket path that is too long",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1, socket: /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx } } }
          bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: { kind: vm, nics: { interface012345: {} } }
        """#,
      expected: #"""
        test.lab.yaml:5:61: error[L307]: socket path "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" has 111 bytes; Linux allows 107
            5 |   a: { kind: external, nics: { eth0: { switch: sw1, socket: /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
              |                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ choose a shorter path
        """#),
  ]
}
