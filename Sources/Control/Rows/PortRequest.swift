import Lab

/// What `POST /v1/ports` takes: a port to be added.
package struct PortRequest: Described, Equatable {
  package var name: String
  /// The rest of it, whose keys lie beside the name.
  var port: WantedPort

  package init(_ request: AddedPortRequest) { (name, port) = (request.name, WantedPort(request)) }

  var request: AddedPortRequest { port.request(name) }

  private enum CodingKeys: String, CodingKey { case name }

  package init(from decoder: any Decoder) throws {
    name = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .name)
    port = try WantedPort(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    try port.encode(to: encoder)
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(name, forKey: .name)
  }

  package static let shape = Shape.object(
    "PortRequest", "A port to be added to a switch; without `vlan` and `trunk` it is an access port of VLAN 1.",
    [
      Field("name", .form(.portName), "Nothing else of the lab is called so.")
    ] + WantedPort.shape.fields)
}

/// What `PUT /v1/ports/{port}` takes: a port without its name, which stands in the path.
package struct WantedPort: Described, Equatable {
  package var switchName: String
  /// A word of `AddedPortKind`.
  package var kind: String
  package var target: String
  package var role: String?
  package var queues: Int?
  package var mtu: Int?
  package var vlan: String?
  package var trunk: [String]?
  package var native: String?
  package var mac: String?
  package var force: Bool?
  package var pod: PodBody?
  package var rules: RuleSettings?

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case kind, target, role, queues, mtu, vlan, trunk, native, mac, force, pod, rules
  }

  init(_ request: AddedPortRequest) {
    (switchName, kind, target) = (request.switchName, request.kind, request.target)
    (role, queues, mtu) = (request.role, request.queues, request.mtu)
    (vlan, trunk, native) = (request.vlan, request.trunk, request.native)
    (mac, pod) = (request.mac, request.pod.map { PodBody($0) })
    force = request.isForced ? true : nil
    rules = RuleSettings(request.rules)
  }

  func request(_ name: String) -> AddedPortRequest {
    var request = AddedPortRequest(switchName: switchName, name: name, kind: kind, target: target)
    (request.role, request.queues, request.mtu) = (role, queues, mtu)
    (request.vlan, request.trunk, request.native) = (vlan, trunk, native)
    (request.mac, request.pod, request.isForced) = (mac, pod?.attachment, force ?? false)
    request.rules = rules?.settings ?? [:]
    return request
  }

  package static let shape = Shape.object(
    "WantedPort", "A port that is to be on a switch; without `vlan` and `trunk` it is an access port of VLAN 1.",
    [
      Field("switch", .text, "Name of the switch."),
      Field("kind", .choice(AddedPortKind.all.map(\.word)), "What is behind it."),
      Field("target", .text, "Path of the socket, absolute; or name of the interface of this host.")
        .onSocket(.absolute),
      Field(
        optional: "role", .choice(["listen", "connect"]), "Of a vhost-user or stream socket; `listen` without it."),
      Field(optional: "queues", .integer(1...16), "Pairs of rings that are offered; 1 without it."),
      Field(optional: "mtu", .integer(68...65521), "Bytes of the largest payload."),
      Field(
        optional: "mac", .form(.station), "Address of the station behind it; that of the interface, or a derived one."),
      Field(optional: "force", .boolean, "An interface is taken though it has addresses; not without it."),
      Field(optional: "pod", PodBody.shape, "Whose interface it is, of a container runtime's."),
      Field(optional: "rules", RuleSettings.shape, "What it lets through; everything without it."),
    ] + PortSettings.membership)
}

/// What `PATCH /v1/ports/{port}` takes; what is left out stays as it is.
package struct PortSettings: Described, Equatable {
  package var vlan: String?
  package var trunk: [String]?
  package var native: String?
  package var mtu: Int?
  package var offload: String?
  package var rules: RuleSettings?

  package init(_ change: PortChange) {
    (vlan, trunk, native) = (change.vlan, change.trunk, change.native)
    (mtu, offload, rules) = (change.mtu, change.offload, RuleSettings(change.rules))
  }

  var change: PortChange {
    var change = PortChange()
    (change.vlan, change.trunk, change.native) = (vlan, trunk, native)
    (change.mtu, change.offload, change.rules) = (mtu, offload, rules?.settings ?? [:])
    return change
  }

  /// Keys that say to which VLANs a port belongs.
  static let membership = [
    Field(optional: "vlan", .form(.vlan), "Name or number of a VLAN: an access port of it."),
    Field(
      optional: "trunk", .counted(.form(.vlan), 1...4094),
      "Names, numbers and ranges of VLANs, or `all` alone: a trunk."),
    Field(optional: "native", .form(.vlan), "Of a trunk, the VLAN of untagged frames; `none`: they are dropped."),
  ]

  package static let shape = Shape.object(
    "PortSettings", "What is to be changed of a port; what is left out stays.",
    membership + [
      Field(optional: "mtu", .integer(68...65521), "Bytes of the largest payload."),
      Field(
        optional: "offload", .choice(["on", "checksum", "off"]),
        "What a TAP and the switch leave to each other; no other port's can change."),
      Field(optional: "rules", RuleSettings.shape, "What it lets through."),
    ])
}

/// What `POST /v1/fdb` takes: a static entry.
package struct StationBody: Described, Equatable {
  package var switchName: String
  package var mac: String
  package var port: String
  package var vlan: String?

  package init(_ request: StationRequest) {
    (switchName, mac, port, vlan) = (request.switchName, request.mac, request.port, request.vlan)
  }

  var request: StationRequest { StationRequest(switchName: switchName, mac: mac, port: port, vlan: vlan) }

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case mac, port, vlan
  }

  package static let shape = Shape.object(
    "StationRequest", "A station that a switch is to know for good.",
    [
      Field("switch", .text, "Name of the switch."), Field("mac", .text, "Address of the station."),
      Field("port", .text, "The port that leads to it."), vlan,
    ])

  static let vlan = Field(
    optional: "vlan", .form(.vlan), "Name or number of the VLAN; that of the port's untagged frames without it.")
}

/// What `PUT /v1/fdb/{mac}` takes: a static entry without its address, which stands in the path.
package struct WantedStation: Described, Equatable {
  package var switchName: String
  package var port: String
  package var vlan: String?

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case port, vlan
  }

  func request(_ mac: String) -> StationRequest {
    StationRequest(switchName: switchName, mac: mac, port: port, vlan: vlan)
  }

  package static let shape = Shape.object(
    "WantedStation", "Where a switch is to know a station for good.",
    [
      Field("switch", .text, "Name of the switch."), Field("port", .text, "The port that leads to it."),
      StationBody.vlan,
    ])
}
