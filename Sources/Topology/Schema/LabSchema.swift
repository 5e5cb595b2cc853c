/// The mappings of the lab file, key by key: what the reader accepts, and what editors are told.
///
/// To add a key, add it here and read it where its mapping is read.
enum LabSchema {
  typealias Key = ObjectSchema.Key

  static let names = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
  static let nicNames = "^[a-z][a-z0-9._-]{0,14}$"
  /// A name, or a range such as `vm[1-3]`.
  static let nodeNames = "^[a-z0-9-]*(\\[[0-9]+-[0-9]+\\])?[a-z0-9-]*$"

  static let top = ObjectSchema(
    "lab",
    [
      Key("version", .integer(1...1), "Version of the format.").required,
      Key("name", .name, "The lab's name; it tells labs on one host apart.").required,
      Key("workers", .object(workers), "Threads of the switch."),
      Key("http", .object(http), "The API and the live page over TCP; not without it."),
      Key("defaults", .object(defaults), "Values for the nodes' keys of the same names."),
      Key("profiles", .map(.object(nodeProfile), names: names), "Partial nodes, for the nodes' key `profile`."),
      Key("vlans", .map(.either([.integer(Limits.vlanIDs), .object(vlan)]), names: names), "VLANs by name."),
      Key("port-profiles", .map(.object(portProfile), names: names), "Partial NICs, for the NICs' key `profile`."),
      Key("switches", .map(.optional(.object(switches)), names: names), "Learning switches."),
      Key("nodes", .map(.object(node), names: nodeNames), "Machines and namespaces; `vm[1-3]` stands for three."),
      Key("links", .list(.object(link)), "Wires, trunks between switches, and LANs."),
      Key("impairments", .map(.object(impairment), names: names), "Impairments by name, for the key `impair`."),
      Key("access", .map(.object(access), names: names), "What passes a port, by name, for the NICs' key `access`."),
      Key("capture", .list(.object(capture)), "What is written to files while the lab is up."),
      Key(
        "recorder", .either([.size, .choice(["off"])]),
        "Memory for the last frames of every port, 512K to 1G, or off; 8M without it."),
      Key("tests", .list(.object(test)), "What must be true of the lab."),
    ],
    later: ["hosts", "fabric", "cloud"])

  static let workers = ObjectSchema(
    "workers",
    [
      Key(
        "count", .either([.integer(Limits.workers), .choice([WorkerCount.autoWord])]),
        "Number of threads, or auto: one for each processor, at most 4; 1, or as many as `cpus` has, without it."),
      Key("cpus", .oneOrMore(.integer(Limits.processors)), "Processor of each worker; without it they are not pinned."),
      Key(
        "poll", .choice(WorkerSettings.Poll.allCases.map(\.rawValue)),
        "adaptive polls while there is work and sleeps otherwise; busy never sleeps; sleep sleeps at once."),
      Key("nice", .integer(Limits.nice), "Priority of the threads, from -20 (first) to 19; 0 without it."),
    ])

  static let vlan = ObjectSchema(
    "VLAN",
    [
      Key("id", .integer(Limits.vlanIDs), "802.1Q VLAN ID.").required,
      Key("subnet", .prefix, "NICs in the VLAN without an address get the next one of this subnet."),
      Key("dhcp", .either([.boolean, .object(dhcp)]), "A DHCP and DNS server in the VLAN; off without it."),
    ])

  static let switches = ObjectSchema(
    "switch",
    [
      Key("aging", .time, "Time until an unused entry of the forwarding table is forgotten; 300s without it."),
      Key(
        "vlan-aware", .boolean,
        "off: every frame passes as it is, tagged or not, and is forwarded by addresses alone; on without it."),
      Key(
        "link-local", .choice(SwitchDefinition.LinkLocal.allCases.map(\.rawValue)),
        "Which of 01-80-C2-00-00-00..0F pass: standard none; linux only ..00; transparent all but ..01; "
          + "standard without it, and transparent where vlan-aware is off."),
      Key("fdb-size", .integer(Limits.fdbSize), "Stations that the forwarding table holds; 8192 without it."),
      Key(
        "fdb-per-port", .integer(1...Limits.fdbSize.upperBound),
        "Stations of one port that it holds, no more than fdb-size; half of that without it."),
    ])

  static let node = ObjectSchema(
    "node",
    [
      Key(
        "kind", .choice(NodeKind.all.map(\.word)),
        NodeKind.all.map { "\($0.word): \($0.text)" }.joined(separator: "; ") + "."
      ).required
    ] + machine + [
      after, networks,
      Key("force", .boolean, "Takes interfaces that have addresses, and cuts the host off there; off without it."),
    ] + container + setup + [
      Key("nics", .map(.optional(.object(nic)), names: nicNames), "Interfaces, in the order the node sees them."),
      Key("profile", .name, "A name under `profiles`, whose keys count where this node has none."),
    ])

  /// What stands under `profiles`.
  static let nodeProfile = node.partial("profile", without: "profile")
  /// What stands under `port-profiles`.
  static let portProfile = nic.partial("port profile", without: "profile")

  static let nic = ObjectSchema("NIC", attachment + addressing + device + rules)

  private static let membership = [
    Key("vlan", .vlan, "Access port: its VLAN, untagged; 1 without it."),
    Key("trunk", .vlans, "VLANs that pass tagged: [red, 30, 100-199], or all."),
    Key("native", .vlan, "The trunk's untagged VLAN."),
  ]

  private static let attachment =
    [Key("switch", .name, "The switch it is plugged into.")] + membership + [
      Key(
        "impair", impair,
        "Impairments of its link to the switch: a name, settings, or { from-a: , from-b: }; a is "
          + "the node.")
    ]

  private static let addressing = [
    Key("address", .oneOrMore(.prefix), "Address or addresses of the NIC itself, with prefix length."),
    Key("addresses", .map(.oneOrMore(.prefix), names: "^.+$"), "Addresses by VLAN."),
    Key("gateway", .address, "Default gateway; lies in a subnet of the NIC."),
    Key("routes", .list(.object(route)), "Static routes."),
  ]

  private static let device = [
    Key("mac", .mac, "Derived from the names of lab, node and NIC without it."),
    Key("mtu", .integer(Limits.mtu), "1500 without it, and then no limit in the switch."),
    Key("queues", .integer(Limits.queues), "Ring pairs; 1 without it, and all 16 are offered by an external NIC."),
    Key(
      "offload", .either([.boolean, .choice([NICDefinition.Offload.checksum.rawValue])]),
      "What NIC and switch leave to each other: on (checksums and large frames), checksum, or off; on without it."
    ),
    Key(
      "migration-buffer", .size,
      "Frames that wait while its machine moves, in bytes, 0 to 1G; 0 = none do, 4M without it."),
    Key(
      "model", .choice(NICModel.allCases.map(\.rawValue)),
      "The hardware that it is to the machine; virtio, which is the fastest, without it."
    ),
    Key(
      "role", .choice(NICDefinition.Role.allCases.map(\.rawValue)),
      "Which end of the socket Apus is; listen without it."
    ),
    Key("socket", .text, "Path of the socket, relative to the file."),
    Key("socket-mode", .octal, "Permissions of the socket; 0660 without it."),
    Key("socket-owner", .text, "user or user:group."),
    Key(
      "transport", .choice(NICDefinition.Transport.allCases.map(\.rawValue)),
      "What an external NIC's socket carries: vhost-user, frames in a stream, or a frame a datagram; vhost-user without it."
    ),
    Key(
      "front-end", .choice(NICDefinition.FrontEnd.allCases.map(\.rawValue)),
      "What uses the socket, where it counts queues in rings."
    ),
    Key("profile", .name, "A name under `port-profiles`, whose keys count where this NIC has none."),
  ]

  static let route = ObjectSchema(
    "route",
    [
      Key("to", .either([.prefix, .choice(["default"])]), "Destination, or default.").required,
      Key("via", .address, "Next hop.").required,
      Key("metric", .integer(Limits.metric), "The lower one of two routes to a destination is taken."),
      Key("onlink", .boolean, "The next hop is a neighbour, though in no subnet of the NIC; off without it."),
    ])

  static let link = ObjectSchema(
    "link",
    [
      Key("name", .name, "Its name; a:eth0--b:eth0 without it."),
      Key("ends", .list(.text), "Switches, `node:nic` or nodes. Two, or more nodes for a LAN.").required,
    ] + membership + [
      Key("impair", impair, "Impairments: a name, settings, or { from-a: , from-b: }; a is the first end.")
    ])

  /// Every mapping but the top level.
  static let definitions = Array(all.dropFirst()) + [nodeProfile, portProfile]

  /// Every mapping, to find where a misplaced key belongs.
  static let all = [
    top, workers, http, defaults, vlan, dhcp, bootFiles, switches, node, image, cloudInit, ready, nic, route, link,
    impairment, directions, access, accessRule, storm, rates,
    capture, test, exec,
  ]
}
