/// Mistakes in what a node's system is told: `forwarding`, `sysctl`, `exec`, `files`.
extension Example {
  static let setups = [
    Example(
      "L101", "keys and paths that lead elsewhere",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            sysctl: { net.ipv4..conf: 0, /net/ipv4/../x: 1, forwarding: 1 }
            files: { etc/motd: user-data.yaml, /etc/../x: user-data.yaml, /etc/: user-data.yaml }
        """#,
      expected: #"""
        test.lab.yaml:6:15: error[L101]: sysctl key "net.ipv4..conf" is not valid
            6 |     sysctl: { net.ipv4..conf: 0, /net/ipv4/../x: 1, forwarding: 1 }
              |               ^^^^^^^^^^^^^^ sysctl: { net.ipv4.conf.all.rp_filter: 0 }
        test.lab.yaml:6:34: error[L101]: sysctl key "/net/ipv4/../x" is not valid
            6 |     sysctl: { net.ipv4..conf: 0, /net/ipv4/../x: 1, forwarding: 1 }
              |                                  ^^^^^^^^^^^^^^ sysctl: { net.ipv4.conf.all.rp_filter: 0 }
        test.lab.yaml:6:53: error[L101]: sysctl key "forwarding" is not valid
            6 |     sysctl: { net.ipv4..conf: 0, /net/ipv4/../x: 1, forwarding: 1 }
              |                                                     ^^^^^^^^^^ sysctl: { net.ipv4.conf.all.rp_filter: 0 }
        test.lab.yaml:7:14: error[L101]: "etc/motd" is no path of a file in a node
            7 |     files: { etc/motd: user-data.yaml, /etc/../x: user-data.yaml, /etc/: user-data.yaml }
              |              ^^^^^^^^ a path is absolute, without "..": /etc/motd
        test.lab.yaml:7:40: error[L101]: "/etc/../x" is no path of a file in a node
            7 |     files: { etc/motd: user-data.yaml, /etc/../x: user-data.yaml, /etc/: user-data.yaml }
              |                                        ^^^^^^^^^ a path is absolute, without "..": /etc/motd
        test.lab.yaml:7:67: error[L101]: "/etc/" is no path of a file in a node
            7 |     files: { etc/motd: user-data.yaml, /etc/../x: user-data.yaml, /etc/: user-data.yaml }
              |                                                                   ^^^^^ a path is absolute, without "..": /etc/motd
        """#),
    Example(
      "L005", "values of another type",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, forwarding: maybe, sysctl: [a], exec: [" ", [a]] }
          b: { kind: vm, sysctl: { net.a: "x\ny" }, files: x, exec: {} }
        """#,
      expected: #"""
        test.lab.yaml:4:33: error[L005]: "forwarding" must be on or off, found "maybe"
            4 |   a: { kind: netns, forwarding: maybe, sysctl: [a], exec: [" ", [a]] }
              |                                 ^^^^^
        test.lab.yaml:4:48: error[L005]: "sysctl" must be a mapping from keys to values, found list
            4 |   a: { kind: netns, forwarding: maybe, sysctl: [a], exec: [" ", [a]] }
              |                                                ^ sysctl: { net.ipv4.conf.all.rp_filter: 0 }
        test.lab.yaml:4:60: error[L005]: "exec" must be a line for the shell, found " "
            4 |   a: { kind: netns, forwarding: maybe, sysctl: [a], exec: [" ", [a]] }
              |                                                            ^^^
        test.lab.yaml:4:65: error[L005]: "exec" must be a line for the shell, found list
            4 |   a: { kind: netns, forwarding: maybe, sysctl: [a], exec: [" ", [a]] }
              |                                                                 ^
        test.lab.yaml:5:35: error[L005]: "net.a" must be a text of one line, found "x�y"
            5 |   b: { kind: vm, sysctl: { net.a: "x\ny" }, files: x, exec: {} }
              |                                   ^^^^^^
        test.lab.yaml:5:52: error[L005]: "files" must be a mapping from paths to files or texts, found "x"
            5 |   b: { kind: vm, sysctl: { net.a: "x\ny" }, files: x, exec: {} }
              |                                                    ^ files: { /etc/motd: motd.txt }
        test.lab.yaml:5:61: error[L005]: "exec" must be a list of lines for the shell, found mapping
            5 |   b: { kind: vm, sysctl: { net.a: "x\ny" }, files: x, exec: {} }
              |                                                             ^
        """#),
    Example(
      "L006", "settings of the whole host",
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: netns, sysctl: { kernel.panic: 1, net.ipv4.ip_forward: 1 } }
        """#,
      expected: #"""
        test.lab.yaml:4:36: error[L006]: "kernel.panic" is a setting of the whole host, not of a netns
            4 |   a[1-2]: { kind: netns, sysctl: { kernel.panic: 1, net.ipv4.ip_forward: 1 } }
              |                                    ^^^^^^^^^^^^ keys that begin with net. are a namespace's own
        """#),
    Example(
      "L002", "one key in two spellings",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, sysctl: { net.ipv4.ip_forward: 1, net/ipv4/ip_forward: 0 } }
        """#,
      expected: #"""
        test.lab.yaml:4:55: error[L002]: sysctl key "net.ipv4.ip_forward" is there twice
            4 |   a: { kind: netns, sysctl: { net.ipv4.ip_forward: 1, net/ipv4/ip_forward: 0 } }
              |                                                       ^^^^^^^^^^^^^^^^^^^
        test.lab.yaml:4:31: note: the first is here
            4 |   a: { kind: netns, sysctl: { net.ipv4.ip_forward: 1, net/ipv4/ip_forward: 0 } }
              |                               ^^^^^^^^^^^^^^^^^^^
        """#),
    Example(
      "L004", "a namespace has the host's files",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, files: { /etc/motd: user-data.yaml } }
          b: { kind: tap, forwarding: on }
        """#,
      expected: #"""
        test.lab.yaml:4:21: error[L004]: "files" is a key of kind vm and container, not of netns
            4 |   a: { kind: netns, files: { /etc/motd: user-data.yaml } }
              |                     ^^^^^
        test.lab.yaml:5:19: error[L004]: "forwarding" is a key of kind vm and netns and container, not of tap
            5 |   b: { kind: tap, forwarding: on }
              |                   ^^^^^^^^^^
        """#),
    Example(
      "L211", "systems that Apus does not set up",
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: vm, image: debian.qcow2, exec: true }
          b: { kind: vm, image: none, forwarding: on }
          c: { kind: container, attach: db, sysctl: { net.ipv4.ip_forward: 1 } }
        """#,
      expected: #"""
        test.lab.yaml:4:44: error[L211]: "exec" is for machines with the built-in image, a1 has another
            4 |   a[1-2]: { kind: vm, image: debian.qcow2, exec: true }
              |                                            ^^^^ tell its system by "cloud-init"
        test.lab.yaml:5:3: error[L211]: node b starts from the network and has no NIC
            5 |   b: { kind: vm, image: none, forwarding: on }
              |   ^ nics: { eth0: { switch: sw1 } }
        test.lab.yaml:5:31: error[L211]: "forwarding" is for machines with the built-in image, b has another
            5 |   b: { kind: vm, image: none, forwarding: on }
              |                               ^^^^^^^^^^
        test.lab.yaml:6:37: error[L211]: "sysctl" is for a container that Apus makes, and "attach" names one that is there
            6 |   c: { kind: container, attach: db, sysctl: { net.ipv4.ip_forward: 1 } }
              |                                     ^^^^^^
        """#),
    Example(
      "L211", "files of a container that others are mounted over",
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: container, image: localhost/web, files: { /etc/hosts: user-data.yaml } }
          b: { kind: container, image: web, files: { /etc/hostname: user-data.yaml, /etc/resolv.conf: user-data.yaml } }
          c: { kind: container, image: web, files: { /etc/motd: user-data.yaml, /etc/hosts.allow: user-data.yaml } }
          d: { kind: vm, files: { /etc/hosts: user-data.yaml } }
        """#,
      expected: #"""
        test.lab.yaml:4:61: error[L211]: "/etc/hosts" of a container is Apus's own, which hides the one of "files"
            4 |   a[1-2]: { kind: container, image: localhost/web, files: { /etc/hosts: user-data.yaml } }
              |                                                             ^^^^^^^^^^ it has the addresses of all nodes, as NODE and NODE.LAB
        test.lab.yaml:5:46: error[L211]: "/etc/hostname" of a container is the engine's own, which hides the one of "files"
            5 |   b: { kind: container, image: web, files: { /etc/hostname: user-data.yaml, /etc/resolv.conf: user-data.yaml } }
              |                                              ^^^^^^^^^^^^^ a container's host name is its node's name
        test.lab.yaml:5:77: error[L211]: "/etc/resolv.conf" of a container is the engine's own, which hides the one of "files"
            5 |   b: { kind: container, image: web, files: { /etc/hostname: user-data.yaml, /etc/resolv.conf: user-data.yaml } }
              |                                                                             ^^^^^^^^^^^^^^^^ write it when it is there: exec: ["echo nameserver 10.0.0.1 > /etc/resolv.conf"]
        """#),
    Example(
      "L213", "what no machine of the lab could be told",
      text: #"""
        version: 1
        name: test
        defaults: { image: debian.qcow2, forwarding: on }
        nodes:
          a: { kind: vm }
        """#,
      expected: #"""
        test.lab.yaml:3:34: warning[L213]: "forwarding" has no effect: no machine has the builtin image
            3 | defaults: { image: debian.qcow2, forwarding: on }
              |                                  ^^^^^^^^^^
        """#),
    Example(
      "L301", "files that are not there",
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: vm, files: { /etc/motd: Hello, /a: user-data.yaml, /b: user-data.d } }
        """#,
      expected: #"""
        test.lab.yaml:4:43: error[L301]: file "Hello" not found; looked in /labs
            4 |   a[1-2]: { kind: vm, files: { /etc/motd: Hello, /a: user-data.yaml, /b: user-data.d } }
              |                                           ^^^^^ a text in the lab file has several lines: /etc/motd: |
        test.lab.yaml:4:74: error[L301]: "user-data.d" is a folder, not a file
            4 |   a[1-2]: { kind: vm, files: { /etc/motd: Hello, /a: user-data.yaml, /b: user-data.d } }
              |                                                                          ^^^^^^^^^^^
        """#),
  ]
}
