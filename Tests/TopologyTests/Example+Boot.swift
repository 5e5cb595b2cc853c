import Topology

extension Example {
  static let boot: [Example] = [
    Example(
      "L211", "starts from what is not there",
      text: #"""
        version: 1
        name: test
        switches: { sw1: }
        nodes:
          a: { kind: vm, image: none }
          b: { kind: vm, image: none, boot: disk, nics: { eth0: { switch: sw1 } } }
          c: { kind: vm, image: none, disk: 4G, boot: [network, disk] }
          d: { kind: vm, image: none, disk: 4G }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L211]: node a starts from the network and has no NIC
            5 |   a: { kind: vm, image: none }
              |   ^ nics: { eth0: { switch: sw1 } }
        test.lab.yaml:6:37: error[L211]: node b starts from a disk and has none
            6 |   b: { kind: vm, image: none, boot: disk, nics: { eth0: { switch: sw1 } } }
              |                                     ^^^^ give it one: disk: 4G
        test.lab.yaml:7:47: error[L211]: node c starts from the network and has no NIC
            7 |   c: { kind: vm, image: none, disk: 4G, boot: [network, disk] }
              |                                               ^ nics: { eth0: { switch: sw1 } }
        """#),
    Example(
      "L006", "what no machine starts from",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: none, disk: 4G, boot: [disk, disk] }
          b: { kind: vm, image: none, disk: 4G, boot: [usb] }
          c: { kind: vm, image: none, disk: 4G, boot: [] }
          d: { kind: vm, image: none, disk: 4G, firmware: efi }
          e: { kind: vm, image: none, disk: 4K }
        """#,
      expected: #"""
        test.lab.yaml:4:54: error[L006]: "boot" has "disk" twice
            4 |   a: { kind: vm, image: none, disk: 4G, boot: [disk, disk] }
              |                                                      ^^^^
        test.lab.yaml:5:48: error[L006]: "boot" must be one of network, disk, found "usb"
            5 |   b: { kind: vm, image: none, disk: 4G, boot: [usb] }
              |                                                ^^^
        test.lab.yaml:6:47: error[L006]: "boot" must have at least one of network, disk
            6 |   c: { kind: vm, image: none, disk: 4G, boot: [] }
              |                                               ^
        test.lab.yaml:7:51: error[L006]: "firmware" must be one of bios, uefi, found "efi"
            7 |   d: { kind: vm, image: none, disk: 4G, firmware: efi }
              |                                                   ^^^ did you mean "uefi"?
        test.lab.yaml:8:3: error[L211]: node e starts from the network and has no NIC
            8 |   e: { kind: vm, image: none, disk: 4K }
              |   ^ nics: { eth0: { switch: sw1 } }
        test.lab.yaml:8:37: error[L006]: "disk" must be 1 MiB..64 TiB, found 4 KiB
            8 |   e: { kind: vm, image: none, disk: 4K }
              |                                     ^^
        """#),
    Example(
      "L213", "keys that an image has no use for",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, firmware: uefi, boot: [network], disk: 4G }
          b: { kind: vm, image: { file: debian.qcow2 }, disk: 4G }
          c: { kind: vm, image: none, disk: 4G, cloud-init: {} }
        """#,
      expected: #"""
        test.lab.yaml:4:28: warning[L213]: "firmware" has no effect: the builtin image is handed to the machine with its kernel
            4 |   a: { kind: vm, firmware: uefi, boot: [network], disk: 4G }
              |                            ^^^^
        test.lab.yaml:4:40: warning[L213]: "boot" has no effect: the builtin image is handed to the machine with its kernel
            4 |   a: { kind: vm, firmware: uefi, boot: [network], disk: 4G }
              |                                        ^
        test.lab.yaml:4:57: warning[L213]: "disk" has no effect: an image has its own disk; an empty one is for "image: none"
            4 |   a: { kind: vm, firmware: uefi, boot: [network], disk: 4G }
              |                                                         ^^
        test.lab.yaml:5:55: warning[L213]: "disk" has no effect: an image has its own disk; an empty one is for "image: none"
            5 |   b: { kind: vm, image: { file: debian.qcow2 }, disk: 4G }
              |                                                       ^^
        test.lab.yaml:6:41: warning[L213]: "cloud-init" has no effect: "image: none" is no system that could be told
            6 |   c: { kind: vm, image: none, disk: 4G, cloud-init: {} }
              |                                         ^^^^^^^^^^
        """#),
    Example(
      "L315", "what this host lacks",
      facts: TestFacts(missingPackages: [
        .uefi: "ovmf", .bootROM: "ipxe-qemu", .dhcpServer: "dnsmasq-base", .webServer: "busybox-static",
      ]),
      text: #"""
        version: 1
        name: test
        vlans: { red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { root: tftp, bios: "http://10.0.1.254/x" } } } }
        switches: { sw1: }
        nodes:
          a: { kind: vm, image: none, firmware: uefi, nics: { eth0: { switch: sw1, vlan: red } } }
          b: { kind: vm, image: none, nics: { eth0: { switch: sw1, vlan: red } } }
          c: { kind: vm, image: none, firmware: uefi, nics: { eth0: { switch: sw1, vlan: red, model: e1000 } } }
        """#,
      expected: #"""
        test.lab.yaml:3:46: error[L315]: "dhcp" needs dnsmasq-base, which is not installed
            3 | vlans: { red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { root: tftp, bios: "http://10.0.1.254/x" } } } }
              |                                              ^^^^ apt-get install dnsmasq-base
        test.lab.yaml:3:68: error[L315]: "boot" needs busybox-static, which is not installed
            3 | vlans: { red: { id: 10, subnet: 10.0.1.0/24, dhcp: { boot: { root: tftp, bios: "http://10.0.1.254/x" } } } }
              |                                                                    ^^^^ apt-get install busybox-static
        test.lab.yaml:6:41: error[L315]: "firmware: uefi" needs ovmf, which is not installed
            6 |   a: { kind: vm, image: none, firmware: uefi, nics: { eth0: { switch: sw1, vlan: red } } }
              |                                         ^^^^ apt-get install ovmf
        test.lab.yaml:7:3: error[L315]: to start from the network needs ipxe-qemu, which is not installed
            7 |   b: { kind: vm, image: none, nics: { eth0: { switch: sw1, vlan: red } } }
              |   ^ apt-get install ipxe-qemu
        test.lab.yaml:8:3: error[L315]: to start from the network needs ipxe-qemu, which is not installed
            8 |   c: { kind: vm, image: none, firmware: uefi, nics: { eth0: { switch: sw1, vlan: red, model: e1000 } } }
              |   ^ apt-get install ipxe-qemu
        test.lab.yaml:8:41: error[L315]: "firmware: uefi" needs ovmf, which is not installed
            8 |   c: { kind: vm, image: none, firmware: uefi, nics: { eth0: { switch: sw1, vlan: red, model: e1000 } } }
              |                                         ^^^^ apt-get install ovmf
        """#),
  ]
}
