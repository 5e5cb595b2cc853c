import Testing
import Topology

@testable import Importing

/// GNS3's projects of both versions, read, and what the lab file says of them.
@Suite struct GNS3Tests {
  static let vlans = """
    {
      "revision": 9, "name": "VLAN lab", "type": "topology",
      "topology": {
        "nodes": [
          {"node_id": "aaaaaaaa-0000-0000-0000-000000000001", "name": "PC 1", "node_type": "vpcs", "properties": {}},
          {"node_id": "aaaaaaaa-0000-0000-0000-000000000002", "name": "pc-1", "node_type": "vpcs", "properties": {}},
          {"node_id": "aaaaaaaa-0000-0000-0000-000000000003", "name": "R1", "node_type": "qemu",
           "port_name_format": "Gi0/{0}", "custom_adapters": [
             {"adapter_number": 1, "mac_address": "0c:11:22:33:44:99", "adapter_type": "virtio-net-pci"}],
           "properties": {"adapters": 3, "adapter_type": "e1000", "mac_address": "0c:11:22:33:44:00", "ram": 512,
             "cpus": 2, "hda_disk_image": "vios.qcow2", "options": "-nographic"}},
          {"node_id": "aaaaaaaa-0000-0000-0000-000000000004", "name": "SW", "node_type": "ethernet_switch",
           "properties": {"ports_mapping": [
             {"name": "Ethernet0", "port_number": 0, "type": "access", "vlan": 10},
             {"name": "Ethernet1", "port_number": 1, "type": "access", "vlan": 20},
             {"name": "Ethernet2", "port_number": 2, "type": "dot1q", "vlan": 1},
             {"name": "Ethernet3", "port_number": 3, "type": "qinq", "vlan": 30}]}}
        ],
        "links": [
          {"nodes": [{"node_id": "aaaaaaaa-0000-0000-0000-000000000001", "adapter_number": 0, "port_number": 0},
                     {"node_id": "aaaaaaaa-0000-0000-0000-000000000004", "adapter_number": 0, "port_number": 0}]},
          {"nodes": [{"node_id": "aaaaaaaa-0000-0000-0000-000000000004", "adapter_number": 0, "port_number": 1},
                     {"node_id": "aaaaaaaa-0000-0000-0000-000000000002", "adapter_number": 0, "port_number": 0}],
           "filters": {"delay": [20, 5], "packet_loss": [2], "bpf": ["icmp"]}},
          {"nodes": [{"node_id": "aaaaaaaa-0000-0000-0000-000000000003", "adapter_number": 2, "port_number": 0},
                     {"node_id": "aaaaaaaa-0000-0000-0000-000000000004", "adapter_number": 0, "port_number": 2}],
           "suspend": true}
        ]
      }
    }
    """

  /// Test 13 of the formats' facts: VLANs of a switch, scripts of both orders, and a NIC in the middle without a link.
  @Test func vlansAndScripts() throws {
    let folder = "project-files/vpcs/aaaaaaaa-0000-0000-0000-00000000000"
    let result = try OneFile.made(
      "vlan.gns3", Self.vlans,
      beside: [
        "\(folder)1/startup.vpc": "set pcname PC1\nip 10.0.10.9 10.0.10.14 28\n",
        "\(folder)2/startup.vpc": "# no\nip 10.0.20.2 255.255.255.0 10.0.20.1\nip dhcp\n",
      ])
    let (lab, text) = (result.lab, result.text)
    #expect(lab.nodes.map(\.name) == ["pc-1", "pc-1-2", "r1"] && lab.name == "vlan-lab", "\(text)")
    #expect(lab.switches.map(\.name) == ["sw"] && lab.switches[0].isVLANAware && lab.links.isEmpty, "\(text)")
    #expect(lab.nodes[0].nics[0].addresses.map(\.address) == ["10.0.10.9/28"], "\(text)")
    #expect(lab.nodes[0].nics[0].gateway == "10.0.10.14" && lab.nodes[1].nics[0].gateway == "10.0.20.1")
    #expect(lab.nodes[1].nics[0].addresses.map(\.address) == ["10.0.20.2/24"], "\(text)")
    #expect(lab.nodes[0].nics[0].attachment == .switchPort(switch: "sw", mode: .access(10)))
    #expect(lab.nodes[1].nics[0].attachment == .switchPort(switch: "sw", mode: .access(20)))
    let router = lab.nodes[2]
    #expect(
      router.nics.map(\.attachment) == [
        .none, .none, .switchPort(switch: "sw", mode: .trunk(allowed: [1...4094], native: 1)),
      ])
    #expect(router.nics.map { "\($0.mac)" } == ["0c:11:22:33:44:00", "0c:11:22:33:44:99", "0c:11:22:33:44:02"])
    #expect(router.nics.map(\.model) == [.e1000, .virtio, .e1000] && router.cpus == 2 && router.memory == 512 << 20)
    #expect(text.contains("vios.qcow2") && text.contains("# Gi0/1") && text.contains("carrier is down"), "\(text)")
    #expect(text.contains("delay: 20ms, jitter: 5ms, loss: 2%"), "\(text)")
    let notes = result.notes.map(\.rendered)
    for expected in ["qinq", "ip dhcp", "filters.bpf", "options"] {
      #expect(notes.contains { $0.contains(expected) }, "\(expected): \(notes)")
    }
    #expect(notes.contains { $0.hasPrefix("\(folder)2/startup.vpc:3: lost") }, "\(notes)")
  }

  static let old = """
    {
      "name": "old one", "version": "1.0", "type": "topology",
      "topology": {
        "nodes": [
          {"id": 1, "type": "C3600", "description": "Router c3600", "router_id": 1, "ports": [
             {"id": 7, "name": "Serial1/0", "slot_number": 1, "port_number": 0},
             {"id": 6, "name": "FastEthernet2/0", "slot_number": 2, "port_number": 0},
             {"id": 5, "name": "FastEthernet0/0", "slot_number": 0, "port_number": 0}],
           "properties": {"name": "Catch", "image": "C3640.BIN", "startup_config": "configs\\\\i1.cfg"}},
          {"id": 2, "type": "VPCSDevice", "vm_id": "bbbbbbbb-0000-0000-0000-000000000002", "ports": [
             {"id": 1, "name": "Ethernet0", "adapter_number": 0, "port_number": 0}], "properties": {"name": "PC1"}},
          {"id": 3, "type": "C7200", "router_id": 2, "ports": [
             {"id": 1, "name": "Serial1/0", "slot_number": 1, "port_number": 0},
             {"id": 2, "name": "FastEthernet0/0", "slot_number": 0, "port_number": 0}], "properties": {"name": "Far"}},
          {"id": 4, "type": "EthernetSwitch", "ports": [
             {"id": 1, "name": "1", "port_number": 1, "type": "access", "vlan": 3},
             {"id": 2, "name": "2", "port_number": 2, "type": "dot1q", "vlan": 4}], "properties": {"name": "SW1"}},
          {"id": 5, "type": "FrameRelaySwitch", "properties": {"name": "FR", "mappings": {"1:101": "2:201"}}},
          {"id": 6, "type": "Cloud", "ports": [{"id": 1, "name": "nio_gen_eth:eth0", "stub": true}],
           "properties": {"name": "Internet"}}
        ],
        "links": [
          {"id": 1, "source_node_id": 1, "source_port_id": 5, "destination_node_id": 3, "destination_port_id": 2},
          {"id": 2, "source_node_id": 1, "source_port_id": 7, "destination_node_id": 3, "destination_port_id": 1},
          {"id": 3, "source_node_id": 4, "source_port_id": 1, "destination_node_id": 2, "destination_port_id": 1},
          {"id": 4, "source_node_id": 4, "source_port_id": 2, "destination_node_id": 6, "destination_port_id": 1}
        ]
      }
    }
    """

  /// A file of GNS3 1: links by numbers, NICs in the order of slots whatever the order of the list, serial lines lost.
  @Test func version1() throws {
    let result = try OneFile.made(
      "old.gns3", Self.old,
      beside: [
        "project-files/vpcs/bbbbbbbb-0000-0000-0000-000000000002/startup.vpc": "ip fd00::2\nip 10.0.3.2/24 10.0.3.1\n"
      ])
    let (lab, text) = (result.lab, result.text)
    #expect(lab.nodes.map(\.name) == ["catch", "pc1", "far"] && lab.nodes.map(\.nics.count) == [2, 1, 1], "\(text)")
    #expect(lab.links.map { $0.ends.map(\.text) } == [["catch:eth0", "far:eth0"]], "\(text)")
    #expect(lab.switches.map(\.name) == ["sw1"] && text.contains("way out of the lab in GNS3: Internet"), "\(text)")
    #expect(lab.nodes[1].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(3)), "\(text)")
    #expect(lab.nodes[1].nics[0].addresses.map(\.address) == ["fd00::2/64", "10.0.3.2/24"], "\(text)")
    #expect(text.contains("C3640.BIN") && text.contains("# FastEthernet2/0"), "\(text)")
    let notes = result.notes.map(\.rendered)
    for expected in ["serial line", "FrameRelaySwitch", "startup_config", "Internet"] {
      #expect(notes.contains { $0.contains(expected) }, "\(expected): \(notes)")
    }
  }

  /// Hubs pass every frame, two of them are joined; a cloud is a switch; routers have the NICs of their cards.
  @Test func hubsCloudsAndCards() throws {
    func node(_ id: String, _ type: String, _ properties: String = "") -> String {
      "{\"node_id\": \"\(id)\", \"name\": \"\(id)\", \"node_type\": \"\(type)\", \"properties\": {\(properties)}}"
    }
    func link(_ one: String, _ a: Int, _ p: Int, _ other: String, _ b: Int, _ q: Int) -> String {
      """
      {"nodes": [{"node_id": "\(one)", "adapter_number": \(a), "port_number": \(p)},
       {"node_id": "\(other)", "adapter_number": \(b), "port_number": \(q)}]}
      """
    }
    let nodes = [
      node("r", "dynamips", "\"slot0\": \"GT96100-FE\", \"slot1\": \"NM-1FE-TX\", \"wic0\": \"WIC-2T\""),
      node("i", "iou", "\"ethernet_adapters\": 1, \"serial_adapters\": 1"), node("h1", "ethernet_hub"),
      node("h2", "ethernet_hub"), node("n", "nat"), node("f", "frame_relay_switch"),
      node("d", "docker", "\"adapters\": 2, \"image\": \"alpine:3\", \"environment\": \"A=1\\nB=\\u00e9\""),
    ]
    let links = [
      link("r", 1, 0, "h1", 0, 0), link("i", 0, 3, "h1", 0, 1), link("h1", 0, 2, "h2", 0, 5),
      link("d", 1, 0, "h2", 0, 0),
      link("d", 0, 0, "n", 0, 0), link("r", 0, 17, "i", 1, 0), link("r", 0, 16, "f", 0, 1),
    ]
    let text =
      "{\"revision\": 9, \"name\": \"x\", \"topology\": {\"nodes\": [\(nodes.joined(separator: ",\n"))], "
      + "\"links\": [\(links.joined(separator: ",\n"))]}}"
    let result = try OneFile.made("x.gns3", text, options: ImportOptions(hostKind: .container))
    let lab = result.lab
    #expect(lab.nodes.map(\.nics.count) == [3, 4, 2] && lab.nodes[2].kind == "container", "\(result.text)")
    #expect(
      lab.switches.map(\.name) == ["h1", "h2", "n"] && lab.switches.allSatisfy { !$0.isVLANAware }, "\(result.text)")
    #expect(lab.nodes[0].nics[2].attachment == .switchPort(switch: "h1", mode: .transparent), "\(result.text)")
    #expect(lab.nodes[2].nics[0].attachment == .switchPort(switch: "n", mode: .transparent), "\(result.text)")
    #expect(lab.links.count == 1 && result.notes.filter { $0.outcome == .lost }.count == 4, "\(result.notes)")
  }

  /// Words of VPCS, each with the address and the gateway that come of it; nil = the line is kept as one without equal.
  @Test(arguments: [
    ("ip 10.1.0.9 10.1.0.14 29", "10.1.0.9/29", "10.1.0.14"), ("ip 10.1.0.9 29 10.1.0.14", "10.1.0.9/29", "10.1.0.14"),
    ("ip 10.1.0.9/26", "10.1.0.9/26", nil), ("ip 10.1.0.9 /26 10.1.0.1", "10.1.0.9/26", "10.1.0.1"),
    ("ip 10.1.0.9 255.255.255.192 10.1.0.1", "10.1.0.9/26", "10.1.0.1"), ("ip 10.1.0.9", "10.1.0.9/24", nil),
    ("  IP fd00::5/48", "fd00::5/48", nil), ("ip fd00::5", "fd00::5/64", nil), ("ip auto", nil, nil),
    ("ip 10.1.0.300", nil, nil), ("ip 10.1.0.1/99", nil, nil), ("ip 10.1.0.1 24 $x", nil, nil),
    ("ping 10.0.0.1", nil, nil),
  ])
  func scripts(line: String, address: String?, gateway: String?) {
    let script = VPCSScript("set pcname PC1\n\(line)\nsave\n")
    #expect(script.addresses == (address.map { [$0] } ?? []) && script.gateways == (gateway.map { [$0] } ?? []))
    #expect(script.lost.map(\.line) == (address == nil ? [2] : []))
  }

  /// What cannot be read is told with its place, all of it at once.
  @Test func faults() throws {
    let places: [(String, [Int?])] = [
      ("{\"topology\":\n {\"nodes\": [\n", [3]), ("[1]", [1]), ("", [1]),
      ("{\"topology\": \(String(repeating: "[", count: 100))\(String(repeating: "]", count: 100))}", [1]),
      (Self.vlans.replacing("000003\", \"adapter_number\": 2", with: "00000X\", \"adapter_number\": 2"), [25]),
      (Self.vlans.replacing("000002\", \"name\"", with: "000001\", \"name\""), [6, 23]),
      (Self.vlans.replacing("\"ram\": 512", with: "\"ram\": 99999999999999999999"), [10]),
      (
        Self.vlans.replacing(
          "\"adapter_number\": 0, \"port_number\": 1}", with: "\"adapter_number\": 0, \"port_number\": 0}"), [22]
      ),
      (
        Self.old.replacing(
          "\"source_node_id\": 4, \"source_port_id\": 1", with: "\"source_node_id\": 9, \"source_port_id\": 1"), [25]
      ),
      (Self.old.replacing("{\"id\": 2, \"type\": \"VPCS", with: "{\"id\": 1, \"type\": \"VPCS"), [10, 25]),
    ]
    for (text, lines) in places {
      let faults = #expect(throws: ImportFaults.self) { try OneFile.made("bad.gns3", text) }
      #expect(faults?.faults.map(\.line) == lines, "\(faults as Any)\n\(text)")
      #expect(faults?.faults.allSatisfy { $0.path == "bad.gns3" } == true)
    }
  }

  /// JSON's pairs of escapes are one character, lone ones none; backslashes before them are no escapes.
  @Test func escapes() {
    #expect(JSONEscapes.resolved(#""\ud83d\ude00 \ud83d x \\ud83d \n""#) == "\"😀 \u{FFFD} x \\\\ud83d \\n\"")
    #expect(JSONEscapes.resolved(#"\u00e9 \"#) == #"\u00e9 \"#)
  }
}

/// One file of another tool, made a lab file of, as the command does it.
enum OneFile {
  /// - Parameter others: texts of files beside it, by their paths.
  static func made(
    _ name: String, _ text: String, beside others: [String: String] = [:], options: ImportOptions = ImportOptions()
  ) throws -> LabFileWriter.Result {
    var texts = others
    texts[name] = text
    let known = texts
    let files = ForeignFiles(
      roots: [name], folderName: "lab", environment: [:], paths: known.keys.sorted(), named: [name]
    ) { (path: String) throws(ImportFault) in known[path] }
    return try Importer.run(files, from: nil, options: options, hasImage: { _ in false }).file
  }
}
