extension Example {
  static let images: [Example] = [
    Example(
      "L302", "an image of no known format",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: disk.bin }
          b: { kind: vm, image: { file: page.qcow2 } }
          c: { kind: vm, image: disk.img }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L302]: image "disk.bin" is not qcow2 or vmdk (it begins with eb 63 90 00); set format: raw to accept it
            4 |   a: { kind: vm, image: disk.bin }
              |                         ^^^^^^^^ image: { file: disk.bin, format: raw }
        test.lab.yaml:5:33: error[L302]: image "page.qcow2" is not qcow2 or vmdk (it begins with "<!DOCTYP"); set format: raw to accept it
            5 |   b: { kind: vm, image: { file: page.qcow2 } }
              |                                 ^^^^^^^^^^ image: { file: page.qcow2, format: raw }
        """#),
    Example(
      "L302", "a format that the file does not have",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: { file: debian.qcow2, format: raw } }
          b: { kind: vm, image: { file: disk.bin, format: qcow2 } }
          c: { kind: vm, image: { file: disk.bin, format: raw } }
        """#,
      expected: #"""
        test.lab.yaml:4:55: error[L302]: image "debian.qcow2" is qcow2, not raw
            4 |   a: { kind: vm, image: { file: debian.qcow2, format: raw } }
              |                                                       ^^^ leave "format" out, or write format: qcow2
        test.lab.yaml:5:51: error[L302]: image "disk.bin" is not qcow2 (it begins with eb 63 90 00)
            5 |   b: { kind: vm, image: { file: disk.bin, format: qcow2 } }
              |                                                   ^^^^^
        """#),
    Example(
      "L302", "an image with nothing in it",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: empty.raw }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L302]: image "empty.raw" is an empty file
            4 |   a: { kind: vm, image: empty.raw }
              |                         ^^^^^^^^^
        """#),
    Example(
      "L301", "files that are not there, or closed",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: locked.qcow2 }
          b: { kind: vm, image: { file: /srv/frr.qcow2 } }
          c: { kind: vm, image: debian.qcow2, cloud-init: { user-data: user-date.yaml, meta-data: "#cloud-config" } }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L301]: image "locked.qcow2" cannot be read
            4 |   a: { kind: vm, image: locked.qcow2 }
              |                         ^^^^^^^^^^^^
        test.lab.yaml:5:33: error[L301]: image "/srv/frr.qcow2" not found
            5 |   b: { kind: vm, image: { file: /srv/frr.qcow2 } }
              |                                 ^^^^^^^^^^^^^^
        test.lab.yaml:6:64: error[L301]: user-data "user-date.yaml" not found; looked in /labs
            6 |   c: { kind: vm, image: debian.qcow2, cloud-init: { user-data: user-date.yaml, meta-data: "#cloud-config" } }
              |                                                                ^^^^^^^^^^^^^^
        test.lab.yaml:6:91: error[L301]: meta-data "#cloud-config" not found; looked in /labs
            6 |   c: { kind: vm, image: debian.qcow2, cloud-init: { user-data: user-date.yaml, meta-data: "#cloud-config" } }
              |                                                                                           ^^^^^^^^^^^^^^^ a document in the lab file is a text of several lines: meta-data: |
        """#),
    Example(
      "L308", "an image with another sum",
      text: #"""
        version: 1
        name: test
        defaults:
          image: { file: debian.qcow2, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }
        nodes:
          a[1-2]: { kind: vm }
          b:
            kind: vm
            image: { file: disk.img, sha256: 0123456789ABCDEF0123456789ABCDEF0123456789abcdef0123456789abcdef }
        """#,
      expected: #"""
        test.lab.yaml:4:40: error[L308]: image "debian.qcow2" has SHA-256 abababababab…, not 0123456789ab…
            4 |   image: { file: debian.qcow2, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }
              |                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it is another file, or was not loaded whole
        test.lab.yaml:9:38: error[L308]: no SHA-256 of image "disk.img" could be made
            9 |     image: { file: disk.img, sha256: 0123456789ABCDEF0123456789ABCDEF0123456789abcdef0123456789abcdef }
              |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ is sha256sum installed?
        """#),
    Example(
      "L213", "keys without effect on the builtin image",
      text: #"""
        version: 1
        name: test
        defaults: { persist: on }
        profiles: { disk: { kind: vm, cloud-init: {} } }
        nodes:
          a: { profile: disk, image: debian.qcow2 }
          b[1-2]: { profile: disk, cloud-init: { user-data: user-data.yaml } }
          c: { kind: vm, persist: on }
          d: { profile: disk, persist: off }
        """#,
      expected: #"""
        test.lab.yaml:7:28: warning[L213]: "cloud-init" has no effect: the builtin image has its name and addresses without it
            7 |   b[1-2]: { profile: disk, cloud-init: { user-data: user-data.yaml } }
              |                            ^^^^^^^^^^
        test.lab.yaml:8:27: warning[L213]: "persist" has no effect: the builtin image has no disk
            8 |   c: { kind: vm, persist: on }
              |                           ^^
        """#),
    Example(
      "L213", "user data that cloud-init ignores",
      text: #"""
        version: 1
        name: test
        nodes:
          a:
            kind: vm
            image: debian.qcow2
            cloud-init:
              meta-data: |
                instance-id: a
              user-data: |
                packages: [iperf3]
                runcmd: [ip, route]
        """#,
      expected: #"""
        test.lab.yaml:10:18: warning[L213]: cloud-init ignores user-data whose first line does not say what it is
           10 |       user-data: |
              |                  ^ start it with #cloud-config, or with #!/bin/sh
        """#),
  ]
}
