extension Example {
  static let models: [Example] = [
    Example(
      "L211", "queues and offload of an emulated NIC",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: vm, nics: { eth0: { switch: sw1, model: e1000, queues: 2 }, eth1: { switch: sw1, model: virtio, queues: 2 } } }
          b: { kind: vm, nics: { eth0: { switch: sw1, model: vmxnet3, queues: 1, offload: checksum } } }
          c: { kind: vm, nics: { eth0: { switch: sw1, model: rtl8139, offload: off } } }
        """#,
      expected: #"""
        test.lab.yaml:5:69: error[L211]: a NIC of model e1000 has one pair of queues, a:eth0 asks for 2
            5 |   a: { kind: vm, nics: { eth0: { switch: sw1, model: e1000, queues: 2 }, eth1: { switch: sw1, model: virtio, queues: 2 } } }
              |                                                                     ^ leave "queues" out, or take model: virtio
        test.lab.yaml:5:54: note: the model is here
            5 |   a: { kind: vm, nics: { eth0: { switch: sw1, model: e1000, queues: 2 }, eth1: { switch: sw1, model: virtio, queues: 2 } } }
              |                                                      ^^^^^
        test.lab.yaml:6:83: warning[L213]: "offload" has no effect on a NIC of model vmxnet3: its frames come and go whole, with their checksums
            6 |   b: { kind: vm, nics: { eth0: { switch: sw1, model: vmxnet3, queues: 1, offload: checksum } } }
              |                                                                                   ^^^^^^^^
        test.lab.yaml:6:54: note: the model is here
            6 |   b: { kind: vm, nics: { eth0: { switch: sw1, model: vmxnet3, queues: 1, offload: checksum } } }
              |                                                      ^^^^^^^
        """#),
    Example(
      "L216", "an MTU that a model does not take",
      text: #"""
        version: 1
        name: test
        port-profiles: { big: { mtu: 9000 } }
        nodes:
          a: { kind: vm, nics: { eth0: { model: vmxnet3, mtu: 9001 }, eth1: { model: e1000, mtu: 16110 } } }
          b: { kind: vm, nics: { eth0: { model: rtl8139, profile: big }, eth1: { model: vmxnet3, profile: big } } }
        """#,
      expected: #"""
        test.lab.yaml:3:30: error[L216]: MTU 9000 of b:eth0 is more than a NIC of model rtl8139 takes, 4096
            3 | port-profiles: { big: { mtu: 9000 } }
              |                              ^^^^
        test.lab.yaml:6:41: note: the model is here
            6 |   b: { kind: vm, nics: { eth0: { model: rtl8139, profile: big }, eth1: { model: vmxnet3, profile: big } } }
              |                                         ^^^^^^^
        test.lab.yaml:5:55: error[L216]: MTU 9001 of a:eth0 is more than a NIC of model vmxnet3 takes, 9000
            5 |   a: { kind: vm, nics: { eth0: { model: vmxnet3, mtu: 9001 }, eth1: { model: e1000, mtu: 16110 } } }
              |                                                       ^^^^
        test.lab.yaml:5:41: note: the model is here
            5 |   a: { kind: vm, nics: { eth0: { model: vmxnet3, mtu: 9001 }, eth1: { model: e1000, mtu: 16110 } } }
              |                                         ^^^^^^^
        """#),
    Example(
      "L006", "a model that there is not, and memory that its kernel needs",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, nics: { eth0: { model: e100 } } }
          b: { kind: vm, memory: 88M, nics: { eth0: {}, eth1: { model: e1000e } } }
          c: { kind: vm, memory: 88M, nics: { eth0: {} } }
          d: { kind: netns, nics: { eth0: { model: e1000 } } }
        """#,
      expected: #"""
        test.lab.yaml:4:41: error[L006]: "model" must be one of virtio, e1000, e1000e, vmxnet3, rtl8139, found "e100"
            4 |   a: { kind: vm, nics: { eth0: { model: e100 } } }
              |                                         ^^^^ did you mean "e1000"?
        test.lab.yaml:5:26: error[L006]: the built-in image does not boot with 88 MiB of memory; it needs 96 MiB with a NIC of model e1000e
            5 |   b: { kind: vm, memory: 88M, nics: { eth0: {}, eth1: { model: e1000e } } }
              |                          ^^^
        test.lab.yaml:7:37: error[L004]: "model" is a NIC key of kind vm, not of netns
            7 |   d: { kind: netns, nics: { eth0: { model: e1000 } } }
              |                                     ^^^^^
        """#),
  ]
}
