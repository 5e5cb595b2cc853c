import Testing
import Topology

@testable import Importing

/// Labs of CML of several versions, read, and what the lab file says of them.
@Suite struct CMLTests {
  static let hosts = """
    lab: { title: Hosts, version: 0.3.0, description: "x" }
    nodes:
      - id: n0
        label: SW
        node_definition: unmanaged_switch
        configuration: []
        interfaces:
          - { id: i0, label: port0, slot: 0, type: physical }
          - { id: i1, label: port1, slot: 1, type: physical }
          - { id: i2, label: port2, slot: 2, type: physical }
          - { id: i3, label: port3, slot: 3, type: physical }
      - id: n1
        label: PC_1
        node_definition: desktop
        cpus: null
        ram: null
        configuration:
          - name: node.cfg
            content: |-
              # a shell script
              hostname pc1
              USERNAME=cisco
              ip address add dev eth0 10.0.0.1/24
              ip route add default via 10.0.0.254
              service ntpd start
              echo "<network id=1>"
        interfaces:
          - { id: i0, label: eth0, slot: 0, type: physical, mac_address: "52:54:00:00:00:01" }
      - id: n2
        label: PC_2
        node_definition: server
        configuration:
          - name: iosxe_config.txt
            content: |-
              ifconfig eth0 10.0.0.2 netmask 255.255.255.0 up
              route add default gw 10.0.0.254
        interfaces:
          - { id: i0, label: eth0, slot: 0, type: physical }
      - id: n3
        label: cloud (u)
        node_definition: ubuntu
        image_definition: ubuntu-22-04
        cpus: 2
        ram: 2048
        configuration:
          - name: user-data
            content: |-
              #cloud-config
              hostname: u
              runcmd: ["echo ${HOME}"]
          - name: network-config
            content: |-
              version: 2
              ethernets: {}
        interfaces:
          - { id: i0, label: Loopback0, type: loopback }
          - { id: i2, label: ens3, slot: 1, type: physical }
          - { id: i1, label: ens2, slot: 0, type: physical }
      - id: n4
        label: out
        node_definition: external_connector
        configuration:
          - { name: default, content: NAT }
        interfaces:
          - { id: i0, label: port, slot: 0, type: physical }
    links:
      - { id: l0, n1: n0, i1: i0, n2: n1, i2: i0, label: a, conditioning: {} }
      - { id: l1, n1: n2, i1: i0, n2: n0, i2: i1, conditioning: { latency: 10, jitter: 2, loss: 0.5, bandwidth: 1000 } }
      - { id: l2, n1: n0, i1: i2, n2: n3, i2: i1 }
      - { id: l3, n1: n4, i1: i0, n2: n3, i2: i2 }
    annotations: [ { type: text } ]
    """

  /// Test 17 of the formats' facts: a switch, hosts with scripts, cloud-init, a way out, a loopback.
  @Test func hosts() throws {
    let result = try OneFile.made("hosts.yaml", Self.hosts)
    let (lab, text) = (result.lab, result.text)
    #expect(lab.nodes.map(\.name) == ["pc-1", "pc-2", "cloud-u"], "\(text)")
    #expect(lab.nodes.map(\.kind) == ["netns", "netns", "vm"], "\(text)")
    #expect(lab.switches.map(\.name) == ["sw", "out"] && lab.switches.allSatisfy { !$0.isVLANAware }, "\(text)")
    #expect(lab.nodes[0].nics[0].addresses.map(\.address) == ["10.0.0.1/24"], "\(text)")
    #expect(lab.nodes[1].nics[0].addresses.map(\.address) == ["10.0.0.2/24"], "\(text)")
    #expect(lab.nodes.prefix(2).allSatisfy { $0.nics[0].gateway == "10.0.0.254" }, "\(text)")
    #expect("\(lab.nodes[0].nics[0].mac)" == "52:54:00:00:00:01", "\(text)")
    #expect(
      lab.nodes[2].nics.map(\.attachment) == [
        .switchPort(switch: "sw", mode: .transparent), .switchPort(switch: "out", mode: .transparent),
      ])
    #expect(lab.nodes[2].cpus == 2 && lab.nodes[2].memory == 2048 << 20, "\(text)")
    #expect(text.contains("ubuntu-22-04.qcow2") && text.contains("#cloud-config") && text.contains("NAT"), "\(text)")
    #expect(text.contains("delay: 10ms, jitter: 2ms, loss: 0.5%, rate: 1000kbit"), "\(text)")
    let ntp = result.notes.first { $0.reason.contains("service ntpd start") }
    #expect(ntp?.line == 25 && ntp?.outcome == .lost && text.contains("#   service ntpd start"), "\(result.notes)")
  }

  /// Before 0.3.0 a configuration is one text; a router's stays where it is, and a wire joins two nodes.
  @Test func earlierVersions() throws {
    let text = """
      lab: {title: Old, version: 0.0.4}
      nodes:
        - {id: n0, label: R1, node_definition: iosv, configuration: "hostname R1\\nend", cpus: 1, ram: 512, interfaces: [
            {id: i1, label: Gi0/0, slot: 0, type: physical}, {id: i2, label: Gi0/1, slot: 1, type: physical}]}
        - {id: n1, label: H1, node_definition: alpine, configuration: "ip addr add 10.0.0.1/24 dev eth0", interfaces: [
            {id: i1, label: eth0, slot: 0, type: physical}]}
        - {id: n2, label: U1, node_definition: ubuntu, configuration: "#cloud-config\\nhostname: u\\n", interfaces: []}
      links:
        - {id: l0, n1: n0, i1: i2, n2: n1, i2: i1}
      """
    let result = try OneFile.made("old.yaml", text)
    #expect(result.lab.links.map { $0.ends.map(\.text) } == [["r1:eth1", "h1:eth0"]], "\(result.text)")
    #expect(result.lab.nodes[1].nics[0].addresses.map(\.address) == ["10.0.0.1/24"], "\(result.text)")
    #expect(result.text.contains("it has a start-up configuration") && !result.text.contains("hostname R1"))
    #expect(
      result.text.contains("hostname: u") && result.notes.map(\.key) == ["nodes.R1.configuration"], "\(result.notes)")
    let machines = try OneFile.made("old.yaml", text, options: ImportOptions(hostKind: .vm)).lab
    #expect(machines.nodes.map(\.kind) == ["vm", "vm", "vm"])
  }

  /// What cannot be read is told with its place.
  @Test func faults() throws {
    let cases: [(String, String, [Int?])] = [
      ("n2: n1, i2: i0", "n2: n9, i2: i0", [67]), ("n2: n1, i2: i0", "n2: n1, i2: i7", [67]),
      ("n2: n3, i2: i2", "n2: n3, i2: i1", [70]), ("- id: n2\n", "- id: n1\n", [29, 68]),
      ("loss: 0.5", "loss: 500", [68]), ("ram: 2048", "ram: 20480000000000000000000", [44]),
      ("{ id: i2, label: ens3", "{ id: i1, label: ens3", [58, 70]), ("links:", "lynx:", [1]),
      ("annotations: [", "annotations: [[", [72]),
    ]
    for (old, new, lines) in cases {
      let text = Self.hosts.replacing(old, with: new)
      let faults = #expect(throws: ImportFaults.self) {
        let files = Foreign.files(["bad.yaml": text])
        return try CMLFormat().read(files, ImportOptions())
      }
      #expect(faults?.faults.map(\.line) == lines, "\(new): \(faults as Any)")
    }
  }
}
