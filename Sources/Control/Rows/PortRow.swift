import Dataplane

/// A row of `port list`; with `details`, what `port show` tells.
package struct PortRow: Codable, Sendable, Equatable {
  /// Dropped frames by reason.
  package struct Drops: Codable, Sendable, Equatable {
    /// From the node into the switch.
    package var `in`: [String: UInt64]
    /// From the switch to the node.
    package var out: [String: UInt64]
    package var total: UInt64 { `in`.values.reduce(0, +) + out.values.reduce(0, +) }

    enum CodingKeys: String, CodingKey { case `in`, out }
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
  /// `access`, `trunk` or `wire`.
  package var mode: String
  package var pvid: Int?
  /// VLANs, ascending.
  package var allowed: [Int]
  /// The other end of a wire or trunk.
  package var peer: String?
  package var mac: String?
  package var mtu: Int
  package var queues: Int
  package var socket: String?
  package var receivePackets: UInt64
  package var receiveBytes: UInt64
  package var transmitPackets: UInt64
  package var transmitBytes: UInt64
  package var drops: Drops
  package var error: String?
  /// Only of vhost-user ports, and only in `port show`.
  package var details: VhostUserDetails?

  /// - Parameter isDetailed: with what `port show` adds.
  init(_ status: PortStatus, isDetailed: Bool) {
    name = status.name
    switchName = status.switchName
    kind = status.kind.rawValue
    carrier = status.carrier ? "up" : "down"
    end = isDetailed ? (status.hasEnd ? "up" : "down") : nil
    mode = status.mode.name
    pvid = status.mode.pvid
    allowed = status.mode.allowed
    peer = status.peer
    mac = status.address.map { "\($0)" }
    mtu = status.mtu
    queues = status.queues
    socket = status.vhostUser?.socket
    receivePackets = status.receivePackets
    receiveBytes = status.receiveBytes
    transmitPackets = status.transmitPackets
    transmitBytes = status.transmitBytes
    drops = Drops(in: status.dropsIn, out: status.dropsOut)
    error = status.error
    details = isDetailed ? status.vhostUser.map { VhostUserDetails($0) } : nil
  }
}
