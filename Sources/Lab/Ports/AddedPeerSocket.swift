import Dataplane
import LinuxHost
import Topology

/// Sockets for whole frames, as QEMU's `-netdev stream` and `-netdev dgram` have them, that are added at run time.
extension AddedPortKind {
  static let stream = AddedPortKind(
    word: "stream", value: "PATH", text: "a stream of frames, each behind its length", options: [.role],
    check: { port throws(UserError) in try checkPath(port.target) },
    find: { port, _ throws(UserError) in try findPlace(port) },
    backend: { port throws(UserError) in
      var peer = SocketPeer(stream: port.target)
      peer.role = port.role == .connect ? .connect : .listen
      return .stream(peer)
    },
    remove: { port, _ throws(UserError) in port.role == .connect ? [] : try removeStale(port.target) })

  static let dgram = AddedPortKind(
    word: "dgram", value: "PATH", text: "a socket for a frame a datagram",
    check: { port throws(UserError) in
      try checkPath(port.target)
      try checkPath(Paths.peerSocket(of: port.target))
    },
    find: { port, _ throws(UserError) in try findPlace(port) },
    backend: { port throws(UserError) in
      .dgram(SocketPeer(datagrams: port.target, peerPath: Paths.peerSocket(of: port.target)))
    },
    remove: { port, _ throws(UserError) in try removeStale(port.target, isStream: false) })
}
