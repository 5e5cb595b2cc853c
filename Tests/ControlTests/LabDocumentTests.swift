import FoundationEssentials
import Frames
import Lab
import Testing
import Topology

@testable import Control

/// The lab of `/v1/lab`.
@Suite struct LabDocumentTests {
  /// A lab with every key.
  static let text = """
    {"version": 1, "name": "full", "directory": "/labs", "source": "/labs/full.lab.yaml", "recorder_size": 0,
     "http": {"listen": "[::1]:8080", "token_file": "/labs/token", "metrics": "open", "names": ["lab.example.org"]},
     "access": [{"name": "web", "stateful": true, "from_node": [], "to_node": [
       {"action": "deny", "traffic": "any", "from": "10.9.0.0/16", "to": "10.0.10.1", "mac": "02:00:00:00:00:09",
        "ethertype": 2048}, {"action": "allow", "traffic": "tcp", "ports": ["80", "8000-8010"], "from_ports": ["1"]}]},
       {"name": "open"}],
     "workers": {"count": 1, "cpus": [0, 2], "poll": "busy", "nice": -10},
     "vlans": [{"id": 10, "name": "red", "subnet": "10.0.10.0/24"}, {"id": 20}],
     "switches": [{"name": "sw1", "aging": 1.5, "link_local": "linux", "fdb_size": 65536, "fdb_per_port": 16},
       {"name": "sw2", "aging": 300, "link_local": "standard", "anonymous": true},
       {"name": "hub", "aging": 300, "link_local": "transparent", "vlan_aware": false},
       {"name": "hub2", "aging": 300, "link_local": "linux", "vlan_aware": false}],
     "nodes": [
       {"name": "vm1", "kind": "vm", "image": "/images/a.qcow2", "cpus": 2, "memory": 1073741824,
        "disk": {"format": "qcow2", "sha256": "00", "persist": true},
        "cloud_init": {"user_data": {"file": "/a"}, "meta_data": {"text": "b"}, "network_config": {"file": "/c"}},
        "ready": {"console": "login:", "tcp": 22, "agent": true, "timeout": 60.5},
        "after": [{"node": "ns", "state": "started"}], "firmware": "uefi",
        "appliance": {"system": "web", "configuration": "small", "properties": [{"key": "a.b", "value": ""}],
          "disks": [{"file": "a.vmdk", "bus": "sata"}, {"size": 1073741824, "bus": "ide"}]},
        "nics": [
          {"name": "eth0", "mac": "02:00:00:00:00:01", "switch": "sw1", "vlan": 10, "queues": 1, "role": "listen",
           "addresses": [{"address": "10.0.10.1/24", "vlan": 10}, {"address": "fd00::1/64"}], "gateway": "10.0.10.254",
           "routes": [{"to": "default", "via": "10.0.10.254", "metric": 5, "onlink": true}, {"to": "::/0", "via": "fe80::1"}],
           "offload": true, "mtu": 9000, "migration_buffer": 0,
           "rules": {"access": "web", "mac_lock": "on", "ip_lock": "10.0.10.1,fd00::/64", "learn_limit": "8",
             "isolated": "on", "storm": {"broadcast": "100/s", "multicast": "200/s", "unknown": "1000/s"},
             "rate": {"to_node": "10Mbit", "from_node": "1Gbit"}},
           "impair": {"from_first": {"delay": 0.04, "jitter": 0.005, "loss": 0.001, "duplicate": 0.1, "reorder": 0.2,
             "corrupt": 0.3, "rate": 8000000, "queue": 7}, "from_second": {}}},
          {"name": "eth1", "mac": "02:00:00:00:00:02", "switch": "sw1", "trunk": ["10-20", "30"], "native": 10, "queues": 2,
           "role": "connect", "addresses": [], "routes": [], "offload": "checksum", "socket": "/tmp/a.sock",
           "socket_mode": 432, "socket_owner": "a:b", "front_end": "crosvm", "model": "e1000"},
          {"name": "eth2", "mac": "02:00:00:00:00:03", "wire": "w", "queues": 1, "role": "listen", "addresses": [],
           "routes": [], "offload": true},
          {"name": "eth3", "mac": "02:00:00:00:00:04", "queues": 1, "role": "listen", "addresses": [], "routes": [],
           "offload": true, "model": "e1000", "transport": "dgram"}]},
       {"name": "ns", "kind": "netns", "cpus": 1, "memory": 134217728, "nics": [
          {"name": "eth0", "mac": "02:00:00:00:00:05", "switch": "hub", "queues": 1, "role": "listen", "addresses": [],
           "routes": [], "offload": true}], "forwarding": false,
        "sysctl": [{"key": "net.ipv4.conf.all.rp_filter", "value": "0"}], "exec": ["ip link", "true"],
        "files": [{"path": "/a", "file": "/b"}, {"path": "/c", "text": "d\\n"}]},
       {"name": "pxe", "kind": "vm", "image": "none", "cpus": 1, "memory": 134217728, "nics": [],
        "disk": {"format": "qcow2", "persist": false}, "firmware": "uefi", "boot": ["network", "disk"],
        "empty_disk": 1048576},
       {"name": "up", "kind": "nic", "cpus": 1, "memory": 134217728, "nics": [], "force": true},
       {"name": "ct", "kind": "container", "image": "localhost/web", "cpus": 1, "memory": 134217728, "nics": [],
        "container": {"engine": "docker", "attach": "db", "command": ["a", "b"], "restart": "on-failure",
          "env": [{"name": "A", "value": "b"}, {"name": "C", "value": ""}]}},
       {"name": "dhcp-red", "kind": "dhcp", "cpus": 1, "memory": 134217728, "nics": [],
        "dhcp": {"ranges": [{"first": "10.0.10.3", "last": "10.0.10.9"}], "lease": 3600, "gateway": "10.0.10.254",
         "boot": {"root": "/tftp", "bios": "boot.ipxe", "uefi": "grubx64.efi"},
         "hosts": [{"name": "vm1", "mac": "02:00:00:00:00:01", "addresses": ["10.0.10.1", "fd00::1"]}]}}],
     "links": [
       {"name": "w", "ends": ["vm1.eth2", "ns.eth0.100"], "impair": {"from_first": {"loss": 0.5}}},
       {"name": "t", "ends": ["sw1", "sw2"], "trunk": ["1-4094"], "native": 1},
       {"name": "u", "ends": ["sw1", "sw2"], "vlan": 7}, {"name": "h", "ends": ["sw1", "hub"], "vlan": 7},
       {"name": "hh", "ends": ["hub", "hub2"]}],
     "tests": [
       {"action": "tcp", "source": "ns", "destination": "vm1", "port": 22, "expect": "pass", "within": 30, "duration": 5},
       {"action": "exec", "source": "ns", "run": ["true"], "output": "x", "expect": "fail", "within": 1.5, "duration": 2}],
     "captures": [
       {"file": "/tmp/a.pcapng", "targets": [{"port": "vm1.eth0"}, {"link": "w"}, {"node": "vm1"}, {"switch": "sw1"}],
        "ring": {"files": 4, "size": 10485760}, "snap": 64, "filter": "arp", "direction": "in"},
       {"file": "/tmp/b.pcapng", "targets": [{"all": true}], "snap": 262144}]}
    """

  static let lab: CanonicalLab = {
    do {
      return try JSON.decode(LabDocument.self, from: Array(text.utf8)).lab()
    } catch {
      Issue.record("\(error)")
      return CanonicalLab(name: "none")
    }
  }()

  @Test func everyKeyIsKept() throws {
    let value = try JSON.decode(JSONValue.self, from: Array(Self.text.utf8))
    #expect(try JSON.decode(JSONValue.self, from: JSON.bytes(LabDocument(Self.lab))) == value)
    #expect(try LabDocument(Self.lab).lab() == Self.lab)
    #expect(
      Self.lab.nodes[0].nics[1].attachment
        == .switchPort(switch: "sw1", mode: .trunk(allowed: [10...20, 30...30], native: 10)))
    #expect(Self.lab.links[0].ends == [.nic(node: "vm1", nic: "eth2"), .nic(node: "ns", nic: "eth0.100")])
    #expect(Self.lab.links[2].kind == .trunk(.access(7)))
  }

  @Test(arguments: [("1", WorkerCount.exactly(1)), ("64", 64), (#""auto""#, .auto)])
  func workersAreANumberOrAuto(text: String, count: WorkerCount) throws {
    let bytes = Array(#"{"version": 1, "name": "a", "workers": {"count": \#(text)}}"#.utf8)
    try LabDocument.shape.check(try JSON.decode(JSONValue.self, from: bytes))
    let document = try JSON.decode(LabDocument.self, from: bytes)
    #expect(try document.lab().workers.count == count)
    #expect(try JSON.text(document).contains(#""count":\#(text)"#))
  }

  @Test(arguments: ["0", "65", #""some""#, "1.5", "[1]"])
  func otherNumbersOfWorkersAreRefused(text: String) throws {
    let value = try JSON.decode(
      JSONValue.self, from: Array(#"{"version": 1, "name": "a", "workers": {"count": \#(text)}}"#.utf8))
    #expect(throws: ShapeFault.self) { try LabDocument.shape.check(value) }
  }

  /// Swift's own coding of enumerations, which only its program can read, is in no word of it.
  @Test func itIsReadable() throws {
    #expect(!(try JSON.text(LabDocument(Self.lab))).contains("\"_0\""))
  }

  /// Clients and daemons of a version before say it by a boolean, and take nothing else.
  @Test(arguments: [
    ("true", NICDefinition.Offload.on), ("false", .off), (#""on""#, .on), (#""checksum""#, .checksum),
    (#""off""#, .off),
  ])
  func offloadIsABooleanOrAWord(text: String, level: NICDefinition.Offload) throws {
    let node =
      #"{"name": "n", "kind": "tap", "nics": [{"name": "e", "mac": "02:00:00:00:00:01", "offload": \#(text)}]}"#
    let bytes = Array(#"{"version": 1, "name": "a", "nodes": [\#(node)]}"#.utf8)
    try LabDocument.shape.check(try JSON.decode(JSONValue.self, from: bytes))
    let document = try JSON.decode(LabDocument.self, from: bytes)
    #expect(try document.lab().nodes[0].nics[0].offload == level)
    let written: [NICDefinition.Offload: String] = [.on: "true", .off: "false", .checksum: #""checksum""#]
    #expect(try JSON.text(document).contains(#""offload":\#(written[level] ?? "")"#))
  }

  @Test func whatIsLeftOutHasItsDefault() throws {
    let text = #"""
      {"version": 1, "name": "a", "switches": [{"name": "s"}], "nodes": [{"name": "n", "kind": "external",
       "nics": [{"name": "eth0", "mac": "02:00:00:00:00:01", "switch": "s", "vlan": 1}]}],
       "tests": [{"action": "ping", "source": "n", "destination": "n"}]}
      """#
    var lab = CanonicalLab(name: "a")
    lab.switches = [SwitchDefinition(name: "s")]
    var node = NodeDefinition(name: "n", kind: "external")
    var nic = NICDefinition(name: "eth0", mac: MACAddress(bits: 0x0100_0000_0002))
    nic.attachment = .switchPort(switch: "s", mode: .access(1))
    node.nics = [nic]
    lab.nodes = [node]
    lab.tests = [TestDefinition(action: "ping", source: "n", destination: "n")]
    #expect(try JSON.decode(LabDocument.self, from: Array(text.utf8)).lab() == lab)
  }

  @Test(arguments: [
    (#""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "switch": "s"}]"#, "NIC n.e: switch s needs vlan or trunk"),
    (#""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "vlan": 1}]"#, "NIC n.e: vlan and trunk need switch"),
    (
      #""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "switch": "s", "vlan": 1, "wire": "w"}]"#,
      "NIC n.e: it is either on a switch or at a wire"
    ),
    (
      #""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "switch": "s", "vlan": 1, "trunk": ["1"]}]"#,
      "NIC n.e: vlan and trunk are both there"
    ),
    (
      #""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "switch": "s", "trunk": ["1-5000"]}]"#,
      "NIC n.e: trunk: \"1-5000\" is neither a VLAN nor a range of them, 1 to 4094"
    ),
    (
      #""nics": [{"name": "e", "mac": "02:00:00:00:00:01", "switch": "s", "vlan": 1, "native": 1}]"#,
      "NIC n.e: native needs trunk"
    ),
    (#""files": [{"path": "/a"}]"#, "node n: what /a has is either file or text"),
    (#""cloud_init": {"user_data": {}}"#, "node n: a document of cloud_init is either file or text"),
  ])
  func whatContradictsItselfIsRefused(_ keys: String, _ message: String) throws {
    let text = #"{"version": 1, "name": "a", "nodes": [{"name": "n", "kind": "vm", \#(keys)}]}"#
    let document = try JSON.decode(LabDocument.self, from: Array(text.utf8))
    let error = #expect(throws: UserError.self) { try document.lab() }
    #expect(error == UserError(.badInput, message))
  }

  /// Values that no lab file can have end no daemon either: 1e300 seconds did, as they are no time of the system's.
  @Test(arguments: [
    (
      "tests", #"[{"action": "ping", "source": "n", "within": 1e300}]"#,
      "tests[0].within must be a number from 0 to 86400"
    ),
    (
      "tests", #"[{"action": "ping", "source": "n", "duration": 1e300}]"#,
      "tests[0].duration must be a number from 0 to 86400"
    ),
    (
      "nodes", #"[{"name": "n", "kind": "vm", "ready": {"timeout": 1e300}}]"#,
      "nodes[0].ready.timeout must be a number from 1 to 3600"
    ),
    ("nodes", #"[{"name": "n", "kind": "vm", "cpus": 256}]"#, "nodes[0].cpus must be a whole number from 1 to 255"),
    (
      "switches", #"[{"name": "s", "fdb_size": 8, "aging": 1}]"#,
      "switches[0].fdb_size must be a whole number from 16 to 1048576"
    ),
    ("switches", #"[{"name": "s", "aging": 1e300}]"#, "switches[0].aging must be a number from 1 to 1000000"),
    (
      "links", #"[{"name": "w", "ends": [], "impair": {"from_first": {"loss": 2}}}]"#,
      "links[0].impair.from_first.loss must be a number from 0 to 1"
    ),
    (
      "nodes", #"[{"name": "n", "kind": "vm", "nics": [{"name": "e", "mac": "", "queues": 9223372036854775807}]}]"#,
      "nodes[0].nics[0].queues must be a whole number from 1 to 16"
    ),
  ])
  func whatNoLabFileCanSayIsRefused(_ key: String, _ value: String, _ message: String) async throws {
    try await ServerFixture.run(FixedLab(current: nil)) { client, _ in
      let body = Array(#"{"version": 1, "name": "a", "\#(key)": \#(value)}"#.utf8)
      let error = await #expect(throws: UserError.self) {
        try await client.exchange(.put, "/v1/lab", .whole(body)) { _ in }
      }
      #expect(error?.message == "the body is not the JSON that /v1/lab takes: \(message)")
    }
  }

  @Test func aPortsShareOfATableIsNoMoreThanTheTable() throws {
    let text = #"{"version": 1, "name": "a", "switches": [{"name": "s", "fdb_per_port": 9000}]}"#
    let document = try JSON.decode(LabDocument.self, from: Array(text.utf8))
    let error = #expect(throws: UserError.self) { try document.lab() }
    #expect(error?.message == "switch s: fdb_per_port 9000 is more than fdb_size 8192")
  }

  @Test func anotherVersionIsToldSo() throws {
    let document = try JSON.decode(LabDocument.self, from: Array(#"{"version": 2, "name": "a"}"#.utf8))
    let error = #expect(throws: UserError.self) { try document.lab() }
    #expect(error?.message == "the lab is in version 2 of its form; apus \(Product.version) takes 1")
    #expect(error?.hint?.contains("different versions") == true)
  }

  /// What a command before this form sends.
  @Test func theFormBeforeIsToldToo() async throws {
    try await ServerFixture.run(FixedLab(current: nil)) { client, _ in
      let error = await #expect(throws: UserError.self) {
        try await client.exchange(.put, "/v1/lab", .whole(try JSON.bytes(FixedLab.definition))) { _ in }
      }
      #expect(error?.code == .badInput)
      #expect(error?.hint?.contains("different versions") == true)
    }
  }

  /// Every topology of this repository comes through as it is.
  @Test func realLabsComeThrough() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../topologies").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".lab.yaml") }
    #expect(names.count > 3)
    for name in names {
      let text = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
      let result = loadLab(
        SourceText(path: name, text: text), directory: "/labs", facts: AnyHost(), environment: [:])
      let lab = try #require(result.lab, "\(name): \(result.diagnostics.map(\.message))")
      let document = LabDocument(lab)
      try LabDocument.shape.check(try JSON.decode(JSONValue.self, from: JSON.bytes(document)))
      #expect(try JSON.decode(LabDocument.self, from: JSON.bytes(document)).lab() == lab, "\(name)")
    }
  }
}

/// A host that has every file, of the kind asked for.
private struct AnyHost: LabFacts {
  var imageDirectory: String { "/images" }
  var longestSocketPath: Int { 107 }
  var hasKVM: Bool { true }
  var availableMemory: UInt64? { nil }
  func fileExists(_ absolutePath: String) -> Bool { true }
  func head(of absolutePath: String, count: Int) -> [UInt8]? {
    // QFI\u{FB}, version 3: a qcow2 file without a backing file.
    Array(([0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3] + [UInt8](repeating: 0, count: max(0, count - 8))).prefix(count))
  }
  func sha256(of absolutePath: String) -> String? { nil }
  func hostInterfaceExists(_ name: String) -> Bool { false }
}
