import FoundationEssentials
import Topology

@testable import Control
@testable import Lab

/// A request of the API as a script sends it, and the status that answers it.
struct RouteExample: Sendable {
  /// The row that it is of.
  var id: String
  /// What stands for the name in the path.
  var name = ""
  var query = ""
  /// One JSON value, unless `type` says what else it is.
  var body: String?
  /// Of a body that is no JSON.
  var type: String?
  /// JSON values, a line each.
  var lines: [String]?
  var status = 200
  /// What is asked.
  var lab: @Sendable () -> FixedLab = { FixedLab() }

  var upload: Upload {
    if let type { return .typed(type, Array((body ?? "").utf8)) }
    guard let lines else { return .whole(Array((body ?? "").utf8)) }
    let feed = LineFeed(lines.dropFirst().map { Array($0.utf8) })
    return .lines(first: lines.first.map { Array($0.utf8) }) { await feed.next() }
  }

  /// One of each row at least, and of each status that a row can bring about here.
  static let all: [RouteExample] =
    lab + nodes + [
      RouteExample(id: "get_openapi_json"),
      RouteExample(id: "get_metrics"),
      RouteExample(id: "get_v1_version"),
      RouteExample(id: "post_v1_upgrade", body: #"{"program":"/usr/bin/apus"}"#),
      RouteExample(id: "post_v1_upgrade", body: #"{"program":"apus"}"#, status: 400),
      RouteExample(id: "get_v1_live", query: "count=1"),
      RouteExample(id: "get_v1_graph"),
      RouteExample(id: "get_v1_graph", status: 404, lab: empty),
      RouteExample(id: "post_v1_session", body: #"{"token":"0123456789abcdef"}"#, status: 204),
      RouteExample(id: "delete_v1_session", status: 204),
      RouteExample(id: "get_v1_ports"),
      RouteExample(id: "get_v1_ports_port", name: "vm1:eth0"),
      RouteExample(id: "get_v1_ports_port", name: "vm9.eth0", status: 404),
      RouteExample(id: "get_v1_ports_port_words", name: "vm1.eth0", query: "queues=2&packed=true", lab: empty),
      RouteExample(id: "get_v1_ports_port_words", name: "vm1.eth0", status: 400),
      RouteExample(id: "get_v1_ports_port_words", name: "vm9.eth0", status: 404),
      RouteExample(id: "get_v1_vlans"),
      RouteExample(id: "get_v1_access", lab: full),
      RouteExample(
        id: "post_v1_ports",
        body: #"{"name":"p9","switch":"sw1","kind":"vhost-user","target":"/tmp/p9.sock","role":"connect","queues":2,"#
          + #""mtu":1400,"trunk":["10","20-29"],"native":"10","rules":{"learn_limit":"8"}}"#),
      RouteExample(
        id: "post_v1_ports", body: #"{"name":"p9","switch":"sw1","kind":"tap","target":"tap9","vlan":"red"}"#),
      RouteExample(
        id: "post_v1_ports", body: #"{"name":"p9","switch":"sw1","kind":"nic","target":"eth9","force":true}"#),
      RouteExample(id: "post_v1_ports", body: #"{"name":"p9","switch":"sw1","kind":"dgram","target":"/tmp/9.sock"}"#),
      RouteExample(
        id: "post_v1_ports",
        body: #"{"name":"pod-a","switch":"sw1","kind":"tap","target":"eth0","mac":"02:00:00:00:00:01","pod":"#
          + #"{"network":"lan","container":"a","interface":"eth0","namespace":"/run/netns/a"}}"#),
      RouteExample(id: "get_v1_pods", query: "switch=sw1"),
      RouteExample(id: "get_v1_pods", query: "switch=sw9", status: 404),
      RouteExample(
        id: "post_v1_ports", body: #"{"name":"p9","switch":"sw9","kind":"tap","target":"tap9"}"#, status: 404),
      RouteExample(
        id: "post_v1_ports", body: #"{"name":"vm1","switch":"sw1","kind":"tap","target":"tap9"}"#, status: 400),
      RouteExample(
        id: "patch_v1_ports_port", name: "vm1:eth0",
        body: #"{"trunk":["all"],"native":"none","mtu":1400,"offload":"off","rules":{"access":"none","ip_lock":"on"}}"#),
      RouteExample(id: "patch_v1_ports_port", name: "vm1.eth0", body: #"{"vlan":"red"}"#),
      RouteExample(id: "patch_v1_ports_port", name: "vm9.eth0", body: "{}", status: 404),
      RouteExample(id: "delete_v1_ports_port", name: "p9", status: 204),
      RouteExample(id: "delete_v1_ports_port", name: "p8", status: 404),
      RouteExample(
        id: "post_v1_fdb", body: #"{"switch":"sw1","mac":"02:00:00:00:00:01","port":"vm1.eth0","vlan":"red"}"#),
      RouteExample(
        id: "post_v1_fdb", body: #"{"switch":"sw9","mac":"02:00:00:00:00:01","port":"vm1.eth0"}"#, status: 404),
      RouteExample(id: "delete_v1_fdb_mac", name: "02:00:00:00:00:01", query: "switch=sw1&vlan=red", status: 204),
      RouteExample(id: "delete_v1_fdb_mac", name: "06:00:00:00:00:01", status: 404),
      RouteExample(id: "get_v1_workers"),
      RouteExample(id: "get_v1_stats"),
      RouteExample(id: "get_v1_fdb", query: "switch=sw1"),
      RouteExample(id: "get_v1_fdb", query: "switch=sw9", status: 404),
      RouteExample(id: "delete_v1_fdb", query: "switch=sw1&port=vm1.eth0&vlan=10", status: 204),
      RouteExample(id: "delete_v1_fdb", query: "port=vm9.eth0", status: 404),
      RouteExample(
        id: "get_v1_events", query: "since=5m&type=node,port.up&follow=false&words=true", lab: eventful),
      RouteExample(id: "get_v1_events", query: "after=0&follow=false", lab: eventful),
      RouteExample(id: "get_v1_events", query: "since=yesterday", status: 400),
      RouteExample(id: "get_v1_events", query: "type=nodes", status: 400),
    ] + captures + wanted + whole

  private static let wish =
    "target=sw1,vm1.eth0&id=a&filter=icmp+and+icmp%5B0%5D%3D%3D8&snap=64&count=3&duration=1.5&direction=in"
    + "&drops=only&raw=true&segment=false&verdicts=true"

  private static let captures = [
    RouteExample(id: "post_v1_capture", query: wish),
    RouteExample(id: "post_v1_capture", query: "target=vm9", status: 404),
    RouteExample(id: "post_v1_capture", query: "id=taken", status: 409),
    RouteExample(id: "post_v1_capture", query: "id=file:/tmp/a.pcapng", status: 400),
    RouteExample(id: "post_v1_frames", query: "rate=100&\(wish)"),
    RouteExample(id: "post_v1_frames", query: "target=vm9", status: 404),
    RouteExample(id: "post_v1_frames", query: "rate=0", status: 400),
    RouteExample(id: "get_v1_captures"),
    RouteExample(id: "patch_v1_captures_capture", name: "file:/tmp/a.pcapng", body: #"{"filter":"tcp"}"#, status: 204),
    RouteExample(id: "patch_v1_captures_capture", name: "none", body: #"{"filter":"tcp"}"#, status: 404),
    RouteExample(
      id: "patch_v1_captures_capture", name: "file:/tmp/a.pcapng", body: #"{"filter":"tcp prot"}"#, status: 400),
    RouteExample(id: "delete_v1_captures_capture", name: "file:/tmp/a.pcapng", status: 204),
    RouteExample(id: "delete_v1_captures_capture", name: "none", status: 404),
    RouteExample(id: "get_v1_recording", query: "last=2.5&\(wish)"),
    RouteExample(id: "post_v1_trace", body: #"{"port":"vm1.eth0","frame":[255,255,0]}"#),
    RouteExample(id: "post_v1_trace", body: #"{"port":"vm9.eth0","frame":[]}"#, status: 404),
    RouteExample(
      id: "post_v1_replay",
      body: #"{"file":"/tmp/a.pcap","port":"vm1.eth0","speed":0,"interface":"vm2.eth0","direction":"in"}"#),
    RouteExample(id: "post_v1_replay", body: #"{"file":"a.pcap","port":"vm1.eth0","speed":1.5}"#),
  ]

  /// What is put, and what else answers with a tag.
  private static let wanted = [
    RouteExample(id: "get_v1_links_link", name: "wire1"),
    RouteExample(id: "get_v1_links_link", name: "wire9", status: 404),
    RouteExample(id: "patch_v1_links_link", name: "wire1", body: #"{"carrier":false}"#),
    RouteExample(id: "patch_v1_links_link", name: "wire9", body: "{}", status: 404),
    RouteExample(
      id: "put_v1_links_link", name: "wire1", body: #"{"down":["vm1.eth1"],"impair":{"tap.a":{"loss":"1%"}}}"#),
    RouteExample(id: "put_v1_links_link", name: "wire9", body: "{}", status: 404),
    RouteExample(id: "post_v1_links_link_reset", name: "wire1"),
    RouteExample(id: "post_v1_links_link_reset", name: "wire9", status: 404),
    RouteExample(
      id: "put_v1_ports_port", name: "p9",
      body: #"{"switch":"sw1","kind":"vhost-user","target":"/tmp/p9.sock","role":"connect","queues":2,"mtu":1400,"#
        + #""trunk":["10"],"native":"10","force":false,"mac":"02:00:00:00:00:01","rules":{"isolated":"on"},"pod":"#
        + #"{"network":"lan","container":"a","interface":"eth0","namespace":"/run/netns/a"}}"#, status: 201),
    RouteExample(
      id: "put_v1_ports_port", name: "p8", body: #"{"switch":"sw1","kind":"tap","target":"t","vlan":"red"}"#),
    RouteExample(
      id: "put_v1_ports_port", name: "p8", body: #"{"switch":"sw9","kind":"tap","target":"t"}"#, status: 404),
    RouteExample(
      id: "put_v1_ports_port", name: "vm1.eth0", body: #"{"switch":"sw1","kind":"tap","target":"t"}"#, status: 409),
    RouteExample(
      id: "put_v1_fdb_mac", name: "02:00:00:00:00:01", body: #"{"switch":"sw1","port":"vm1.eth0","vlan":"10"}"#,
      status: 201),
    RouteExample(
      id: "put_v1_fdb_mac", name: "02:00:00:00:00:01", body: #"{"switch":"sw9","port":"vm1.eth0"}"#, status: 404),
  ]

  /// A disk of this host, whose bytes say nothing.
  private static let disk: String = {
    let path = "/tmp/apus-route-example.img"
    _ = FileManager.default.createFile(atPath: path, contents: Data(repeating: 97, count: 4096))
    return path
  }()

  private static let labFile = "version: 1\nname: two\nswitches: { sw1: {} }\n"

  /// The lab and this host as a whole.
  private static let whole = [
    RouteExample(id: "get_v1_graph", query: "format=svg"),
    RouteExample(id: "get_v1_schema"),
    RouteExample(id: "get_v1_doctor"),
    RouteExample(id: "post_v1_validate", query: "directory=/", body: labFile, type: "application/yaml"),
    RouteExample(id: "post_v1_validate", body: "version: 2\nname: Two", type: "application/yaml"),
    RouteExample(id: "put_v1_lab", query: "directory=/tmp", body: labFile, type: "application/yaml"),
    RouteExample(
      id: "put_v1_lab", body: "version: 1\nname: two\nlinks: [{ends: [a, b]}]", type: "text/yaml; charset=utf-8",
      status: 400),
    RouteExample(id: "put_v1_lab", query: "dry-run=true&replace=true", body: labFile, type: "application/yaml"),
    RouteExample(id: "get_v1_tests", lab: full),
    RouteExample(id: "get_v1_tests", status: 404, lab: empty),
    RouteExample(id: "post_v1_tests", body: #"{"names":["ping vm1 -> vm2"]}"#, status: 404),
    RouteExample(id: "post_v1_tests", body: #"{"names":["exec ns: true expect fail"]}"#, lab: full),
    RouteExample(id: "get_v1_images"),
    RouteExample(id: "get_v1_images_image", name: "debian", status: 404),
    RouteExample(
      id: "post_v1_images", query: "name=a&format=raw", body: String(repeating: "a", count: 4096),
      type: "application/octet-stream", status: 201),
    RouteExample(id: "post_v1_images", query: "name=b&path=\(disk)", status: 201),
    RouteExample(id: "post_v1_images", query: "path=/tmp/none.qcow2", status: 400),
    RouteExample(id: "post_v1_images", query: "name=a&format=raw", status: 400),
    RouteExample(id: "delete_v1_images_image", name: "debian", status: 404),
    RouteExample(
      id: "post_v1_ports_port_replay", name: "vm1.eth0", query: "speed=0&interface=a&direction=in", body: "bytes",
      type: "application/octet-stream"),
    RouteExample(
      id: "post_v1_ports_port_replay", name: "vm9.eth0", body: "bytes", type: "application/octet-stream", status: 404),
    RouteExample(id: "get_v1_nodes_node", name: "vm1"),
    RouteExample(id: "get_v1_nodes_node", name: "vm9", status: 404),
    RouteExample(id: "post_v1_nodes_node_restart", name: "vm1"),
    RouteExample(id: "post_v1_nodes_node_restart", name: "vm9", status: 404),
    RouteExample(id: "get_v1_nodes_node_log_text", name: "vm1", query: "last=3"),
    RouteExample(id: "get_v1_nodes_node_log_text", name: "tap", status: 404),
  ]

  private static let eventful: @Sendable () -> FixedLab = {
    let lab = FixedLab()
    lab.events.note(.nodeFailed, subject: "vm1", detail: ["reason": "it ended"])
    return lab
  }
  private static let failing: @Sendable () -> FixedLab = {
    FixedLab(failure: UserError(.failed, "it broke", hint: "mend it"))
  }
  private static let failingEmpty: @Sendable () -> FixedLab = {
    FixedLab(current: nil, failure: UserError(.failed, "it broke", hint: "mend it"))
  }
  private static let empty: @Sendable () -> FixedLab = { FixedLab(current: nil) }
  /// One that has all keys.
  private static let full: @Sendable () -> FixedLab = { FixedLab(current: LabDocumentTests.lab) }

  private static let lab = [
    RouteExample(id: "get_v1_lab", lab: full),
    RouteExample(id: "get_v1_lab", status: 404, lab: empty),
    RouteExample(
      id: "put_v1_lab",
      query: "allow-restart=true&reset=true&parallel=2&http=127.0.0.1&http-token=0123456789abcdef",
      body: LabDocumentTests.text, lab: empty),
    RouteExample(id: "put_v1_lab", query: "http=somewhere", body: LabDocumentTests.text, status: 400, lab: full),
    RouteExample(id: "put_v1_lab", query: "http-token=short", body: LabDocumentTests.text, status: 400, lab: full),
    RouteExample(id: "put_v1_lab", body: LabDocumentTests.text, status: 409),
    RouteExample(id: "put_v1_lab", body: LabDocumentTests.text, lab: failingEmpty),
    RouteExample(id: "put_v1_lab", body: #"{"version":2,"name":"a"}"#, status: 400),
    RouteExample(id: "put_v1_lab", query: "from=/srv/monday", body: LabDocumentTests.text, lab: empty),
    RouteExample(id: "put_v1_lab", query: "from=monday", body: LabDocumentTests.text, status: 400, lab: empty),
    RouteExample(id: "post_v1_lab_save"),
    RouteExample(id: "post_v1_lab_save", query: "to=/srv/monday&stop=true"),
    RouteExample(id: "post_v1_lab_save", query: "to=monday", status: 400),
    RouteExample(id: "post_v1_lab_save", status: 404, lab: empty),
    RouteExample(id: "delete_v1_lab"),
    RouteExample(id: "delete_v1_lab", query: "if-unused=true", status: 204, lab: empty),
    RouteExample(id: "delete_v1_lab", query: "if-unused=true", status: 409),
    RouteExample(id: "post_v1_tests"),
    RouteExample(id: "post_v1_tests", status: 404, lab: empty),
    RouteExample(id: "get_v1_links"),
    RouteExample(
      id: "post_v1_links_link", name: "wire1",
      body: #"{"carrier":true,"impair":{"delay":"40ms"},"from":"vm1","replace":true,"reset":false}"#),
    RouteExample(id: "post_v1_links_link", name: "wire9", body: "{}", status: 404),
  ]

  private static let command =
    #"{"command":["x"],"directory":"/","environment":{"A":"b"},"file_mask":18,"input":true,"#
    + #""terminal":{"rows":24,"columns":80}}"#

  private static let nodes = [
    RouteExample(id: "get_v1_nodes"),
    RouteExample(id: "post_v1_nodes_node_start", name: "vm1"),
    RouteExample(id: "post_v1_nodes_node_stop", name: "vm1"),
    RouteExample(
      id: "post_v1_nodes_node_migrate", name: "vm1", query: "bandwidth=800000000&downtime=0.05&to=h2"),
    RouteExample(id: "post_v1_nodes_node_migrate", name: "vm1", lab: failing),
    RouteExample(id: "post_v1_nodes_node_migrate", name: "vm1", query: "downtime=3000", status: 400),
    RouteExample(id: "post_v1_nodes_node_migrate", name: "vm9", status: 404),
    RouteExample(id: "post_v1_nodes_node_exec", name: "vm1", body: command),
    RouteExample(
      id: "post_v1_nodes_node_exec", name: "vm1",
      lines: [#"{"command":["cat"],"input":true}"#, #"{"in":"aGk="}"#, #"{"size":{"rows":3,"columns":4}}"#]),
    RouteExample(id: "post_v1_nodes_node_exec", name: "vm1", body: #"{"command":["x"]}"#, lab: failing),
    RouteExample(id: "post_v1_nodes_node_exec", name: "vm9", body: #"{"command":["x"]}"#, status: 404),
    RouteExample(id: "post_v1_nodes_node_console", name: "tap", query: "steal=true", lines: [#"{"in":"aGk="}"#]),
    RouteExample(id: "post_v1_nodes_node_console", name: "vm1", status: 500),
    RouteExample(id: "get_v1_nodes_node_console", name: "vm1", query: "steal=true"),
    RouteExample(
      id: "get_v1_nodes_node_exec", name: "vm1", query: "command=ls&command=-l&tty=true&input=false&columns=80&rows=24",
      status: 426),
    RouteExample(id: "get_v1_nodes_node_exec", name: "vm1", query: "command=ls&columns=0", status: 400),
    RouteExample(id: "get_v1_nodes_node_console", name: "tap", status: 404),
    RouteExample(id: "get_v1_nodes_node_log", name: "vm1"),
    RouteExample(id: "get_v1_nodes_node_log", name: "tap", status: 404),
  ]

  /// What no answer above has.
  static let others: [any Described] =
    [
      NodeRow(
        NodeStatus(
          lab: "two", node: "a", kind: "vm", image: nil, state: .failed, ready: false, pid: nil, addresses: [],
          console: nil, since: nil, error: "it ended", models: [.virtio, .e1000])),
      PortRow(FixedLab.ports[0], isDetailed: true, lab: LabDocumentTests.lab),
      SocketRequest.resize(TerminalSize(rows: 24, columns: 80)), SocketRequest.end, SocketNotice.exit(3),
      SocketNotice.lost(4096), SocketNotice.ended(.taken),
      SocketNotice.error(ErrorBody(UserError(.failed, "it broke"))),
      LabLine.http(HTTPRow(url: "http://127.0.0.1:8080/", token: "/run/apus/two/http.token")),
      ConsoleLine.event(.output([1, 2])), ConsoleLine.event(.lost(3)),
      LiveRow(
        isWhole: false, time: "2026-01-02T03:04:05.678Z", lab: "two", revision: 2,
        nodes: [
          "vm1": LiveNode(
            NodeStatus(
              lab: "two", node: "vm1", kind: "vm", image: nil, state: .failed, ready: false, pid: nil, addresses: [],
              console: nil, since: nil, error: "it ended")),
          "vm2": nil,
        ]),
      TestLine.failed(ErrorBody(UserError(.failed, "it broke"))),
      PortRow(FixedLab.stream, isDetailed: true), PortRow(FixedLab.datagrams, isDetailed: true),
    ] + values(ImageRow.self, image) + values(LabGraph.self, graph) + values(DiagnosticRow.self, diagnostic)
    + [ErrorBody(LabFileMistakes(diagnostics: mistakes))]

  private static let mistakes = loadLab(
    SourceText(path: "-", text: Array("version: 2".utf8)), directory: "/",
    facts: HostLabFacts(directories: FixedLab().directories), environment: [:]
  ).diagnostics

  private static func values<Value: Described>(_ type: Value.Type, _ text: String) -> [any Described] {
    (try? JSON.decode(type, from: Array(text.utf8))).map { [$0] } ?? []
  }

  private static let image = """
    {"name": "a", "kind": "appliance", "format": "ova", "size": 1, "digest": "d", "file": "a.ova", "added": "2026-01-02",
     "user": "u", "systems": [{"name": "s", "product": "p", "cpus": 1, "memory": 2, "firmware": "bios",
     "nics": [{"model": "e1000", "network": "n"}], "disks": [{"file": "f", "size": 3, "bus": "scsi"}],
     "configurations": ["c"], "properties": ["p"]}]}
    """
  private static let graph = """
    {"name": "two", "vertices": [],
     "edges": [{"name": "e", "first": "a", "second": "b", "label": "l", "carrier": "up", "ports": ["a.eth0"]}]}
    """
  private static let diagnostic = """
    {"severity": "error", "code": "L201", "file": "-", "path": "-", "line": 1, "column": 2, "length": 3, "message": "m",
     "hint": "h", "notes": [{"line": 1, "column": 2, "length": 3, "message": "n"}]}
    """
}

/// Lines that are asked for one by one.
private actor LineFeed {
  private var lines: [[UInt8]]
  init(_ lines: some Sequence<[UInt8]>) { self.lines = Array(lines) }
  func next() -> [UInt8]? { lines.isEmpty ? nil : lines.removeFirst() }
}
