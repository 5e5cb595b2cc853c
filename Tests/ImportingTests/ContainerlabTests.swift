import FoundationEssentials
import Importing
import Testing
import Topology

/// containerlab's topologies: inheritance, variables, ends and kinds, in small files.
struct ContainerlabTests {
  private func imported(
    _ text: String, kind: ForeignNode.Kind? = nil, environment: [String: String] = [:]
  ) throws -> Imported {
    try Imported(["x.clab.yml": text], named: "x.clab.yml", kind: kind, environment: environment)
  }

  private func faults(_ text: String) -> [String] { Imported.faults(["x.clab.yml": text], named: "x.clab.yml") }

  @Test func wire() throws {
    let imported = try imported(
      """
      name: wire
      topology:
        nodes:
          pc1:
            kind: linux
            exec:
              - ip addr add 10.0.0.1/24 dev eth1
              - ip link set eth1 up
          pc2:
            kind: linux
            exec:
              - sh -c "ip addr add 10.0.0.2/24 dev eth1 && ip link set eth1 up"
        links:
          - endpoints: ["pc1:eth1", "pc2:eth1"]
      """)
    #expect(imported.wires == ["pc1:eth1 pc2:eth1"])
    #expect(imported.addresses == ["pc1:eth1 10.0.0.1/24", "pc2:eth1 10.0.0.2/24"])
    #expect(imported.lost == [])
  }

  @Test func listsAreJoinedFromTheGeneral() throws {
    let text = """
      name: inherit
      topology:
        defaults:
          kind: linux
          exec: [touch /a, touch /b]
        kinds:
          linux: { exec: [touch /kind] }
          nonsense: { image: x }
        groups:
          hosts: { kind: linux, exec: [touch /group], env: { A: group, B: group } }
        nodes:
          one: { exec: [touch /b, touch /own] }
          two: { group: hosts, env: { A: own }, image: alpine }
          three: { group: spine }
      """
    let lab = try imported(text, kind: .container)
    #expect(lab.nodes == ["one", "two", "three"])
    // A container without an image is none.
    #expect(lab.lab.nodes.map(\.kind) == ["netns", "container", "netns"])
    let vm = try imported(text, kind: .vm)
    let exec = vm.lab.nodes.map { $0.setup?.exec ?? [] }
    #expect(exec[0] == ["touch /a", "touch /b", "touch /kind", "touch /own"])
    #expect(exec[1] == ["touch /a", "touch /b", "touch /kind", "touch /group"])
    #expect(exec[2] == ["touch /a", "touch /b", "touch /kind"])
    #expect(lab.text.contains("A: \"own\"\n      B: \"group\""))
  }

  @Test func bridge() throws {
    let imported = try imported(
      """
      name: bridge
      topology:
        nodes:
          br1: { kind: bridge }
          n1: { kind: linux }
          n2: { kind: linux }
          n3: { kind: linux }
        links:
          - endpoints: ["n1:eth1", "br1:p1"]
          - endpoints: ["br1:p2", "n2:eth1"]
          - endpoints: ["n3:eth1", "br1:p3"]
          - endpoints: ["n3:eth2", "br1:p4"]
          - endpoints: ["host:brx", "br1:p5"]
      """)
    #expect(imported.switches == ["br1: host:brx n1:eth1 n2:eth1 n3:eth1 n3:eth2"])
    #expect(imported.lab.switches[0].isVLANAware == false)
    #expect(imported.lab.nodes.map(\.kind) == ["netns", "netns", "netns", "tap"])
    #expect(imported.wires == [])
  }

  @Test func endsByType() throws {
    let imported = try imported(
      """
      name: ends
      topology:
        nodes:
          n1: { kind: linux }
          n2: { kind: linux }
        links:
          - type: veth
            mtu: 2000
            endpoints:
              - { node: n1, interface: eth1, mac: "02:00:00:00:00:01", ipv4: 10.0.0.1/24 }
              - { node: n2, interface: eth1 }
          - type: host
            host-interface: up1
            endpoint: { node: n1, interface: eth2 }
          - type: mgmt-net
            host-interface: m1
            endpoint: { node: n1, interface: eth3 }
          - type: dummy
            endpoint: { node: n2, interface: eth2 }
          - type: vxlan
            endpoint: { node: n2, interface: eth3, remote: 192.0.2.1, vni: 7 }
      """)
    #expect(imported.wires == ["host:up1 n1:eth2", "n1:eth1 n2:eth1"])
    #expect(imported.switches == ["dummy-n2-eth2: n2:eth2"])
    #expect(imported.nics("n1") == ["eth1", "eth2", "eth3"])
    #expect(imported.nics("n2") == ["eth1", "eth2", "eth3"])
    #expect(imported.lost == ["17 n1:eth3", "21 n2:eth3"])
    #expect(imported.notes.filter { $0.outcome == .changed }.map(\.key) == ["links", "host:up1", "n2:eth2"])
    #expect(imported.addresses == ["n1:eth1 10.0.0.1/24"])
    #expect(imported.text.components(separatedBy: "mtu: 2000").count == 3)
  }

  @Test func variables() throws {
    let text = """
      name: ${B:-lab y}
      topology:
        nodes:
          n1:
            kind: linux
            cmd: sh -c "echo $UNSET"
            binds: [__clabNodeName__:/x]
            exec: ["echo $1 __clabNodeName__"]
          n2: { kind: linux, network-mode: "${C}" }
        links:
          - endpoints: ["n1:eth1", "macvlan:${A:=eth9:1}"]
          - endpoints: ["n1:eth2", "n2:eth2"]
      """
    let imported = try imported(text, kind: .vm, environment: ["C": "none"])
    #expect(imported.lab.name == "lab-y")
    #expect(imported.text.contains("led to macvlan:eth9:1"))
    #expect(imported.lab.nodes[0].setup?.exec == ["echo $1 n1"])
    #expect(imported.text.contains("echo $UNSET"))
    #expect(imported.nics("n1") == ["eth0", "eth1", "eth2"])
  }

  @Test func names() throws {
    let imported = try imported(
      """
      name: my lab
      topology:
        nodes:
          PC_1: { kind: cisco_iol }
          pc-1: { kind: linux }
        links:
          - endpoints: ["PC_1:Ethernet0/1", "pc-1:net0"]
          - endpoints: ["pc-1:eth1", "PC_1:Ethernet1/0"]
      """)
    #expect(imported.lab.name == "my-lab")
    #expect(imported.nodes == ["pc-1", "pc-1-2"])
    #expect(imported.nics("pc-1") == ["eth1", "eth4"])
    #expect(imported.wires == ["pc-1-2:eth1 pc-1:eth4", "pc-1-2:eth2 pc-1:eth1"])
    #expect(imported.text.contains("eth1:  # Ethernet0/1"))
    #expect(imported.text.contains("pc-1:  # PC_1"))
  }

  @Test func mistakesHaveTheirLines() {
    let found = faults(
      """
      name: bad
      topology:
        nodes:
          a: { kind: linux }
          b: { kind: linux }
        links:
          - endpoints: ["a:eth1", "b:eth1"]
          - endpoints: ["a:eth1", "b:eth2"]
          - endpoints: ["a", "b:eth3"]
          - endpoints: ["a:eth4", "b:eth4", "b:eth5"]
          - endpoints: ["a:eth6", "c:eth1"]
      """)
    #expect(found.map { $0.prefix { $0 != " " } } == ["8", "9", "10", "11"])
    #expect(faults("name: x\ntopology: [\n")[0].hasPrefix("3 "))
    #expect(faults("name: {{ .x }}\ntopology: {}\n")[0].hasPrefix("1 a Go template"))
    #expect(faults("name: x\ntopology:\n  nodes:\n    a: {kind: linux}\n    a: {kind: linux}\n")[0].hasPrefix("5 "))
    let loop =
      "name: x\ntopology:\n  nodes:\n    a: {network-mode: 'container:b'}\n    b: {network-mode: 'container:a'}\n"
    #expect(faults(loop)[0].contains("network of a is that of itself"))
  }

  @Test func machinesHaveTheirNICsInOrder() throws {
    let imported = try imported(
      """
      name: vm
      topology:
        nodes:
          r1: { kind: cisco_csr1000v, memory: 4 Gb, cpu: 1.5 }
          r2: { kind: juniper_vsrx }
        links:
          - endpoints: ["r1:Gi3", "r2:ge-0/0/0"]
      """)
    #expect(imported.nics("r1") == ["eth0", "eth1", "eth2"])
    #expect(imported.wires == ["r1:eth2 r2:eth1"])
    #expect(imported.text.contains("# image: cisco_csr1000v.qcow2 (put it beside this file, and write it here)"))
    #expect(imported.lab.nodes[0].cpus == 2)
  }

  @Test func oneNetworkIsOneNode() throws {
    let imported = try imported(
      """
      name: shared
      topology:
        nodes:
          a: { kind: linux }
          b: { kind: linux, network-mode: "container:a", exec: [ip addr add 10.0.0.1/24 dev eth2] }
          c: { kind: linux }
        links:
          - endpoints: ["a:eth1", "c:eth1"]
          - endpoints: ["b:eth2", "c:eth2"]
      """)
    #expect(imported.nodes == ["a", "c"])
    #expect(imported.wires == ["a:eth1 c:eth1", "a:eth2 c:eth2"])
    #expect(imported.addresses == ["a:eth2 10.0.0.1/24"])
  }
}
