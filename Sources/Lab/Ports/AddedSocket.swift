import Dataplane
import LinuxHost
import Topology

/// vhost-user sockets that are added at run time.
extension AddedPortKind {
  static let vhostUser = AddedPortKind(
    word: "vhost-user", value: "PATH", text: "a vhost-user socket", options: [.role, .queues],
    check: { port throws(UserError) in try checkPath(port.target) },
    find: { port, _ throws(UserError) in try findPlace(port) },
    backend: { port throws(UserError) in
      var socket = VhostUserSocket(path: port.target)
      socket.role = port.role == .connect ? .connect : .listen
      socket.queuePairs = port.queues ?? 1
      return .vhostUser(socket)
    },
    remove: { port, _ throws(UserError) in port.role == .connect ? [] : try removeStale(port.target) })

  /// Looks whether a socket that Apus is to bind has a place.
  static func findPlace(_ port: AddedPort) throws(UserError) {
    guard port.role != .connect else { return }
    let folder = "/" + port.target.split(separator: "/").dropLast().joined(separator: "/")
    guard HostFacts.kind(of: folder) == .folder else {
      throw UserError(
        .failed, "port \(port.name): there is no folder \(folder) for its socket", hint: "make it, or say another path")
    }
    guard let kind = HostFacts.kind(of: port.target), kind != .socket else { return }
    throw UserError(
      .failed, "port \(port.name): there is something else at \(port.target), where its socket is to be",
      hint: "choose another path")
  }

  /// - Throws: `UserError` for a path that no Unix socket can have, and one that is relative: to what, the daemon cannot
  ///   know.
  static func checkPath(_ path: String) throws(UserError) {
    guard path.hasPrefix("/"), !path.hasSuffix("/") else {
      throw UserError(.badInput, "the path of a socket is absolute, found \"\(path)\"")
    }
    do throws(UserError) {
      try SocketPath.check(path)
    } catch {
      throw UserError(.badInput, error.message, hint: "choose a shorter path")
    }
  }

  /// Removes a socket on which nobody listens any more.
  static func removeStale(_ path: String, isStream: Bool = true) throws(UserError) -> [String] {
    guard Files.isSocket(path), UnixSocket.isStale(path: path, isStream: isStream) else { return [] }
    return try Files.remove(path) ? ["socket \(path)"] : []
  }
}
