extension FuzzTests {
  /// A lab with every part of the format.
  static let whole = #"""
    version: 1
    name: campus
    workers: { count: 1, cpus: [0], poll: adaptive }
    defaults: { image: builtin, memory: 128M, cpus: 1 }
    vlans:
      red: 10
      blue: { id: 20, subnet: 10.0.20.0/24 }
    profiles: { host: { kind: netns } }
    port-profiles: { acc: { vlan: red, switch: sw1 } }
    switches:
      sw1: { aging: 300s, link-local: standard }
      sw2:
    nodes:
      vm[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
      router:
        kind: vm
        memory: 512M
        image: { file: debian.qcow2, sha256: abababababababababababababababababababababababababababababababab, format: qcow2 }
        persist: on
        cloud-init:
          meta-data: user-data.yaml
          user-data: |
            #cloud-config
            packages: [iperf3]
        ready: { console: "login:", tcp: 22, agent: on, timeout: 120s }
        after: [vm1, probe.started]
        nics:
          eth0:
            { switch: sw1, trunk: [red, blue], native: red, addresses: { red: 10.0.10.254/24, blue: [10.0.20.254/24, "fd00::1/64"] } }
          eth1: { mac: 02:00:00:00:00:99 }
      probe: { profile: host, nics: { eth0: { switch: sw2, vlan: red, address: 10.0.10.9/24, gateway: 10.0.10.254, routes: [{ to: default, via: 10.0.10.254, metric: 5, onlink: off }] }, eth7: { profile: acc }, eth8: } }
      mine: { kind: external, nics: { eth0: { switch: sw1, vlan: red, role: listen, queues: 2, socket-mode: 0640, front-end: crosvm, offload: off } } }
      uplink: { kind: tap, nics: { tap-campus: { switch: sw1, vlan: red, address: 10.0.10.250/24, impair: 3g } } }
    links:
      - { name: trunk1, ends: [sw1, sw2], trunk: all }
      - { name: wire1, ends: [router:eth1, probe:eth1], impair: dsl }
      - { name: lan, ends: [vm1, vm2, router, probe:lan0], impair: { delay: 3ms } }
      - { ends: [vm1, probe], impair: { from-a: { loss: 0.5%, rate: 0, queue: 10 }, from-b: wan } }
    impairments:
      dsl: { delay: 40ms, jitter: 5ms, loss: 0.5%, rate: 8Mbit }
    capture:
      - { on: wire1, file: wire1.pcapng, ring: 4x10M, snap: 256, filter: "tcp port 80", direction: in }
      - { on: [vm1:eth0, router.eth1, sw1, probe, lan, vm1:eth2--probe:eth2], file: rest.pcapng }
      - { on: all, file: /tmp/all.pcapng }
    recorder: 1M
    tests:
      - { ping: vm1 -> vm2, expect: pass, within: 30s }
      - { tcp: vm1 -> vm2, port: 80 }
      - { exec: { node: vm1, run: ip addr } }
      - { exec: { node: vm1, run: [ip, addr], output: eth0 } }
    """#
}
