/// The mappings of the lab file, key by key.
enum LabSchema {
  static let top = ObjectSchema(
    "lab",
    ["version", "name", "workers", "defaults", "vlans", "switches", "nodes", "links", "tests"],
    later: ["profiles", "port-profiles", "impairments", "access", "capture", "recorder"])
  static let workers = ObjectSchema("workers", ["count", "cpus", "poll"])
  static let defaults = ObjectSchema("defaults", ["image", "memory", "cpus"])
  static let vlan = ObjectSchema("VLAN", ["id", "subnet"])
  static let switches = ObjectSchema("switch", ["aging", "link-local"])
  static let node = ObjectSchema(
    "node", ["kind", "image", "cpus", "memory", "nics"],
    later: ["profile", "profiles", "persist", "cloud-init", "ready", "after"])
  static let nic = ObjectSchema(
    "NIC",
    [
      "switch", "vlan", "trunk", "native", "address", "addresses", "gateway", "routes", "mac", "mtu", "queues",
      "offload",
      "role", "socket", "socket-mode", "socket-owner",
    ],
    later: ["port-profile", "impair", "access"])
  static let route = ObjectSchema("route", ["to", "via"])
  static let link = ObjectSchema(
    "link", ["name", "ends", "vlan", "trunk", "native"], later: ["impair", "port-profile"])
  static let test = ObjectSchema(
    "test", ["ping", "expect", "within", "for"], later: ["tcp", "udp", "arp", "exec"])

  /// Every mapping, to find where a misplaced key belongs.
  static let all = [top, workers, defaults, vlan, switches, node, nic, route, link, test]

  /// NIC keys that only some kinds of node have.
  static let kindsOfNICKey: [String: Set<String>] = [
    "queues": ["vm", "external"], "role": ["external"], "socket": ["external"], "socket-mode": ["external"],
    "socket-owner": ["external"],
  ]

  /// Node keys that only virtual machines have.
  static let vmKeys: Set<String> = ["image", "cpus", "memory"]

  /// Kinds of node, in the order the documentation has them.
  static let kinds = ["vm", "netns", "external", "tap"]
}
