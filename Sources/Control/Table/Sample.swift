/// What the description of the API shows: names of a lab like those of the documentation, a body for each route.
enum Sample {
  /// What stands for the names in paths.
  static let names = [
    "node": "vm1", "port": "vm1.eth0", "link": "wire1", "mac": "02:00:00:00:00:01", "capture": "a",
    "image": "debian-12",
  ]

  /// Values of query keys, by their names.
  static let query: [String: JSONValue] = [
    "switch": "sw1", "port": "vm1.eth0", "filter": "icmp", "count": 1, "duration": .number(0.5), "last": 10,
    "target": ["vm1.eth0"], "direction": "in",
  ]

  /// A body that a route takes, by the row's id.
  static func body(of id: String) -> JSONValue? { bodies[id] }

  static let bodies: [String: JSONValue] = [
    "post_v1_ports": port, "put_v1_ports_port": wantedPort, "patch_v1_ports_port": ["mtu": 1400],
    "post_v1_fdb": station, "put_v1_fdb_mac": ["switch": "sw1", "port": "vm1.eth0"],
    "post_v1_links_link": ["impair": ["delay": "40ms"]], "patch_v1_links_link": ["carrier": true],
    "put_v1_links_link": ["down": [], "impair": ["vm1.eth1": ["loss": "0.5%"]]],
    "patch_v1_captures_capture": ["filter": "tcp"],
    "post_v1_trace": ["port": "vm1.eth0", "frame": [255, 255, 255, 0]],
    "post_v1_tests": ["names": ["ping vm1 -> vm2"]],
    "post_v1_nodes_node_exec": ["command": ["uname", "-a"]],
    "put_v1_lab": ["version": 1, "name": "campus", "switches": [["name": "sw1"]]],
    "post_v1_replay": ["file": "/tmp/a.pcapng", "port": "vm1.eth0", "speed": 1],
  ]

  private static let port: JSONValue = [
    "name": "p9", "switch": "sw1", "kind": "tap", "target": "tap9", "vlan": "10",
  ]
  private static let wantedPort: JSONValue = [
    "switch": "sw1", "kind": "tap", "target": "tap9", "trunk": ["10", "20-29"],
  ]
  private static let station: JSONValue = ["switch": "sw1", "mac": "02:00:00:00:00:01", "port": "vm1.eth0"]
}
