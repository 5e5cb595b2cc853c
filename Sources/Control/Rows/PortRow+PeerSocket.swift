import Dataplane

extension PortRow {
  /// What only a port has whose peer is given whole frames over a socket.
  package struct PeerSocket: Described, Equatable {
    /// The peer is there.
    package var isConnected: Bool
    /// Null for datagrams.
    package var role: String?
    /// Where the peer binds its own socket; null for a stream.
    package var path: String?
    package var faults: UInt64
    /// IPv4 fragments from the node with DF set.
    package var fragmentsWithDF: UInt64

    enum CodingKeys: String, CodingKey {
      case isConnected = "connected"
      case role, path, faults
      case fragmentsWithDF = "fragments_with_df"
    }

    package static let shape = Shape.object(
      "PeerSocket", "The other side of a port's socket that whole frames go over.",
      [
        Field("connected", .boolean, "The peer is there."),
        Field(
          "role", .nullable(.choice(["listen", "connect"])), "Of the daemon at a stream's socket; null for datagrams."),
        Field("path", .nullable(.text), "Where the peer binds its own socket; null for a stream."),
        Field("faults", .count, "Connections that were closed since the peer broke the rules."),
        Field(
          "fragments_with_df", .count,
          "IPv4 fragments from the node that say that they must not be: QEMU's e1000e and vmxnet3 make them of TSO."),
      ])

    init(_ status: SocketPeerStatus) {
      (isConnected, role, path, faults) = (status.isConnected, status.role, status.peerPath, status.faults)
      fragmentsWithDF = status.forbiddenFragments
    }

    package func encode(to encoder: any Encoder) throws {
      var row = encoder.container(keyedBy: CodingKeys.self)
      try row.encode(isConnected, forKey: .isConnected)
      try row.encode(role, forKey: .role)
      try row.encode(path, forKey: .path)
      try row.encode(faults, forKey: .faults)
      try row.encode(fragmentsWithDF, forKey: .fragmentsWithDF)
    }

    /// For `port show`: a line a fact.
    var facts: [(String, String?)] {
      [
        ("connected", isConnected ? "yes" : "no"), ("role", role), ("peer socket", path), ("faults", String(faults)),
        ("fragments", fragmentText),
      ]
    }

    private var fragmentText: String? {
      guard fragmentsWithDF > 0 else { return nil }
      return "\(fragmentsWithDF) of IPv4 with DF from the node: switch its TSO off (ethtool -K INTERFACE tso off)"
    }
  }
}
