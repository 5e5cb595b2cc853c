/// A Unix socket that a port exchanges whole frames over with its peer, as QEMU's `-netdev stream` and `-netdev dgram` do.
package struct SocketPeer: Sendable {
  /// Of a stream the socket to listen at or to connect to; of datagrams the one that the port binds.
  ///
  /// No longer than `UnixSocket.maximumPathLength`.
  package var path: String
  /// Of a stream.
  package var role = VhostUserSocket.Role.listen
  /// Permission bits of the socket file, where the port makes it.
  package var mode: UInt32 = 0o660
  /// Owner of the socket file, where the port makes it; nil = unchanged.
  package var owner: (user: UInt32, group: UInt32)?
  /// The socket that the peer binds; of datagrams alone.
  package var peerPath: String?

  /// One end of a stream.
  package init(stream path: String) { self.path = path }

  /// A socket for datagrams, and where its peer binds its own.
  package init(datagrams path: String, peerPath: String) { (self.path, self.peerPath) = (path, peerPath) }
}
