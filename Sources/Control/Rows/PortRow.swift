import Dataplane
import Topology

/// A row of `port list`; with `details`, what `port show` tells.
package struct PortRow: Described, Equatable {
  /// Dropped frames by reason.
  package struct Drops: Described, Equatable {
    /// From the node into the switch.
    package var `in`: [String: UInt64]
    /// From the switch to the node.
    package var out: [String: UInt64]
    package var total: UInt64 { `in`.values.reduce(0, +) + out.values.reduce(0, +) }

    enum CodingKeys: String, CodingKey { case `in`, out }

    package static let shape = Shape.object(
      "Drops", "Dropped frames by reason.",
      [
        Field("in", .map(.count), "Of frames from the node into the switch."),
        Field("out", .map(.count), "Of frames from the switch to the node."),
      ])
  }

  /// What the port and its node leave to each other.
  package struct Offloads: Described, Equatable {
    package var toNode: [String]
    package var fromNode: [String]

    enum CodingKeys: String, CodingKey {
      case toNode = "to_node"
      case fromNode = "from_node"
    }

    package static let shape = Shape.object(
      "Offloads", "What the port and its node leave to each other: `checksum`, `tso4`, `tso6`, `ecn`, `uso`.",
      [
        Field("to_node", .list(.text), "What the node takes."), Field("from_node", .list(.text), "What it may send."),
      ])
  }

  package var name: String
  /// Nil on a wire.
  package var switchName: String?
  package var kind: String
  /// `up` or `down`.
  package var carrier: String
  /// `up` or `down`: the port's own end, whatever was set and whatever the other end of a wire does; only in
  /// `port show`.
  package var end: String?
  /// `access`, `trunk`, `transparent` (of a switch without VLANs) or `wire`.
  package var mode: String
  package var pvid: Int?
  /// VLANs, ascending: `20`, `100-199`.
  package var allowed: [String]
  /// The other end of a wire or trunk.
  package var peer: String?
  package var mac: String?
  package var mtu: Int
  package var queues: Int
  package var socket: String?
  /// Of a TAP.
  package var interface: String?
  /// It was added at run time.
  package var isAdded: Bool
  package var receivePackets: UInt64
  package var receiveBytes: UInt64
  package var transmitPackets: UInt64
  package var transmitBytes: UInt64
  package var drops: Drops
  package var error: String?
  /// Only in `port show`, and while there is a node to agree with.
  package var offloads: Offloads?
  /// What its NIC is to a machine; only of machines, and only in `port show`.
  package var model: String?
  /// While its node is in switch-over, and only in `port show`.
  package var held: HeldFrames?
  /// Only of ports of kind `stream` and `dgram`, and only in `port show`.
  package var peerSocket: PeerSocket?
  /// Only of ports that do not let everything through, and only in `port show`.
  package var rules: RulesRow?
  /// Only of vhost-user ports, and only in `port show`.
  package var details: VhostUserDetails?

  /// - Parameters:
  ///   - isDetailed: with what `port show` adds.
  ///   - lab: the port's, for what only that knows.
  ///   - rules: what its rules did.
  init(_ status: PortStatus, isDetailed: Bool, lab: CanonicalLab? = nil, rules: RuleStatus? = nil) {
    name = status.name
    switchName = status.switchName
    kind = status.kind.rawValue
    carrier = status.carrier ? "up" : "down"
    end = isDetailed ? (status.hasEnd ? "up" : "down") : nil
    mode = status.mode.name
    pvid = status.mode.pvid
    allowed = status.mode.allowed.map { VLANText.of($0) }
    peer = status.peer
    mac = status.address.map { "\($0)" }
    mtu = status.mtu
    queues = status.queues
    socket = status.vhostUser?.socket ?? status.socketPeer?.path
    interface = status.interface
    isAdded = status.isAdded
    receivePackets = status.receivePackets
    receiveBytes = status.receiveBytes
    transmitPackets = status.transmitPackets
    transmitBytes = status.transmitBytes
    drops = Drops(in: status.dropsIn, out: status.dropsOut)
    error = status.error
    offloads = isDetailed ? status.offloads.map { Offloads(toNode: $0.toNode, fromNode: $0.fromNode) } : nil
    model = lab?.model(ofPort: status.name)?.rawValue
    held = isDetailed ? status.held.map { HeldFrames($0) } : nil
    peerSocket = isDetailed ? status.socketPeer.map { PeerSocket($0) } : nil
    self.rules = RulesRow(rules)
    details = isDetailed ? status.vhostUser.map { VhostUserDetails($0) } : nil
  }

  package static let shape = Shape.object(
    "Port", "A row of `port list`; with the keys that may be left out, what `port show` tells.",
    [
      Field("name", .text, "`node.nic`, `switch:trunk`, or the name it was given."),
      Field("switch", .nullable(.text), "Name of the switch; null on a wire."),
      Field("kind", .text, "What is behind it: `vhost-user`, `tap`, `stream`, `dgram`, `trunk`."),
      Field("carrier", .carrier, "What everybody sees."),
      Field(optional: "end", .carrier, "The port itself, whatever was set and whatever the other end of a wire does."),
      Field("mode", .choice(["access", "trunk", "transparent", "wire"]), "What it does with tags."),
      Field("pvid", .nullable(.vlan), "VLAN of untagged frames."),
      Field("allowed", .list(.text), "VLANs whose frames pass, ascending: `20`, `100-199`; empty where all pass."),
      Field("peer", .nullable(.text), "The other end of a wire or trunk."),
      Field("mac", .nullable(.text), "Address of the node's NIC."),
      Field("mtu", .count, "Bytes of the largest payload."),
      Field("queues", .count, "Pairs of rings."),
      Field("socket", .nullable(.text), "Path of its socket."),
      Field("interface", .nullable(.text), "Name of a TAP's interface."),
      Field("added", .boolean, "It was added at run time; the lab file has it not."),
      Field("receive_packets", .count, "Frames from the node into the switch."),
      Field("receive_bytes", .count, "Their bytes."),
      Field("transmit_packets", .count, "Frames from the switch to the node."),
      Field("transmit_bytes", .count, "Their bytes."),
      Field("drops", Drops.shape, "Frames that were dropped, by reason."),
      Field("error", .nullable(.text), "The last fatal error."),
      Field(optional: "offloads", Offloads.shape, "What it and its node leave to each other."),
      Field(
        optional: "model", .choice(NICModel.allCases.map(\.rawValue)), "What a machine's NIC is to its system."),
      Field(optional: "held", HeldFrames.shape, "Frames that wait for a machine that moves."),
      Field(
        optional: "peer_socket", PeerSocket.shape, "Of the kinds `stream` and `dgram`: the other side of its socket."),
      Field(optional: "rules", RulesRow.shape, "What it lets through, where that is not everything."),
    ] + VhostUserDetails.shape.fields.map(\.optional))
}

extension PortRow {
  enum CodingKeys: String, CodingKey {
    case name
    case switchName = "switch"
    case kind, carrier, end, mode, pvid, allowed, peer, mac, mtu, queues, socket, interface
    case isAdded = "added"
    case receivePackets = "receive_packets"
    case receiveBytes = "receive_bytes"
    case transmitPackets = "transmit_packets"
    case transmitBytes = "transmit_bytes"
    case drops, error, offloads, model, held, rules
    case peerSocket = "peer_socket"
  }

  /// Every key is always there, what is not known is null; `details` lie beside the others.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(name, forKey: .name)
    try row.encode(switchName, forKey: .switchName)
    try row.encode(kind, forKey: .kind)
    try row.encode(carrier, forKey: .carrier)
    try row.encodeIfPresent(end, forKey: .end)
    try row.encode(mode, forKey: .mode)
    try row.encode(pvid, forKey: .pvid)
    try row.encode(allowed, forKey: .allowed)
    try row.encode(peer, forKey: .peer)
    try row.encode(mac, forKey: .mac)
    try row.encode(mtu, forKey: .mtu)
    try row.encode(queues, forKey: .queues)
    try row.encode(socket, forKey: .socket)
    try row.encode(interface, forKey: .interface)
    try row.encode(isAdded, forKey: .isAdded)
    try row.encode(receivePackets, forKey: .receivePackets)
    try row.encode(receiveBytes, forKey: .receiveBytes)
    try row.encode(transmitPackets, forKey: .transmitPackets)
    try row.encode(transmitBytes, forKey: .transmitBytes)
    try row.encode(drops, forKey: .drops)
    try row.encode(error, forKey: .error)
    try row.encodeIfPresent(offloads, forKey: .offloads)
    try row.encodeIfPresent(model, forKey: .model)
    try row.encodeIfPresent(held, forKey: .held)
    try row.encodeIfPresent(peerSocket, forKey: .peerSocket)
    try row.encodeIfPresent(rules, forKey: .rules)
    try details?.encode(to: encoder)
  }

  package init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: CodingKeys.self)
    name = try row.decode(String.self, forKey: .name)
    switchName = try row.decodeIfPresent(String.self, forKey: .switchName)
    kind = try row.decode(String.self, forKey: .kind)
    carrier = try row.decode(String.self, forKey: .carrier)
    end = try row.decodeIfPresent(String.self, forKey: .end)
    mode = try row.decode(String.self, forKey: .mode)
    pvid = try row.decodeIfPresent(Int.self, forKey: .pvid)
    allowed = try row.decode([String].self, forKey: .allowed)
    peer = try row.decodeIfPresent(String.self, forKey: .peer)
    mac = try row.decodeIfPresent(String.self, forKey: .mac)
    mtu = try row.decode(Int.self, forKey: .mtu)
    queues = try row.decode(Int.self, forKey: .queues)
    socket = try row.decodeIfPresent(String.self, forKey: .socket)
    interface = try row.decodeIfPresent(String.self, forKey: .interface)
    isAdded = try row.decodeIfPresent(Bool.self, forKey: .isAdded) ?? false
    receivePackets = try row.decode(UInt64.self, forKey: .receivePackets)
    receiveBytes = try row.decode(UInt64.self, forKey: .receiveBytes)
    transmitPackets = try row.decode(UInt64.self, forKey: .transmitPackets)
    transmitBytes = try row.decode(UInt64.self, forKey: .transmitBytes)
    drops = try row.decode(Drops.self, forKey: .drops)
    error = try row.decodeIfPresent(String.self, forKey: .error)
    offloads = try row.decodeIfPresent(Offloads.self, forKey: .offloads)
    model = try row.decodeIfPresent(String.self, forKey: .model)
    held = try row.decodeIfPresent(HeldFrames.self, forKey: .held)
    peerSocket = try row.decodeIfPresent(PeerSocket.self, forKey: .peerSocket)
    rules = try row.decodeIfPresent(RulesRow.self, forKey: .rules)
    details = try? VhostUserDetails(from: decoder)
  }
}
