extension PortRow {
  enum CodingKeys: String, CodingKey {
    case name
    case switchName = "switch"
    case kind, carrier, end, mode, pvid, allowed, peer, mac, mtu, queues, socket
    case receivePackets = "receive_packets"
    case receiveBytes = "receive_bytes"
    case transmitPackets = "transmit_packets"
    case transmitBytes = "transmit_bytes"
    case drops, error
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
    try row.encode(receivePackets, forKey: .receivePackets)
    try row.encode(receiveBytes, forKey: .receiveBytes)
    try row.encode(transmitPackets, forKey: .transmitPackets)
    try row.encode(transmitBytes, forKey: .transmitBytes)
    try row.encode(drops, forKey: .drops)
    try row.encode(error, forKey: .error)
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
    allowed = try row.decode([Int].self, forKey: .allowed)
    peer = try row.decodeIfPresent(String.self, forKey: .peer)
    mac = try row.decodeIfPresent(String.self, forKey: .mac)
    mtu = try row.decode(Int.self, forKey: .mtu)
    queues = try row.decode(Int.self, forKey: .queues)
    socket = try row.decodeIfPresent(String.self, forKey: .socket)
    receivePackets = try row.decode(UInt64.self, forKey: .receivePackets)
    receiveBytes = try row.decode(UInt64.self, forKey: .receiveBytes)
    transmitPackets = try row.decode(UInt64.self, forKey: .transmitPackets)
    transmitBytes = try row.decode(UInt64.self, forKey: .transmitBytes)
    drops = try row.decode(Drops.self, forKey: .drops)
    error = try row.decodeIfPresent(String.self, forKey: .error)
    details = try? VhostUserDetails(from: decoder)
  }
}
