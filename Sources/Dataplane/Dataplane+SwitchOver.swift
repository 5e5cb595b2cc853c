internal import LinuxHost
internal import VhostUser

/// Machines that move from one process of this host to another, or to another host: a second front-end for the same
/// port, and frames that wait meanwhile.
///
/// Since it is one port, all that was set and learnt of it stays.
extension Dataplane {
  // A second front-end.

  /// Has a second front-end at a socket of its own be able to take a port over.
  ///
  /// It may negotiate at once, and bring memory and rings when the first one has stopped all of its own; frames wait from
  /// that stop until they run. What it is offered, and for how many queues, is what the port's first is.
  /// - Parameter socket: path, role, mode and owner of the socket.
  /// - Throws: `unknownPort`, `invalid` for a port of another kind or one that has a standby, `host` if the socket cannot
  ///   be.
  package func addStandby(port name: String, socket: VhostUserSocket) async throws(DataplaneError) {
    let record = try record(name)
    guard record.kind == .vhostUser, let first = record.socket else {
      throw .invalid("port \(name): it is not a vhost-user port")
    }
    let index = record.index
    guard let serial = await reactor.run({ $0.nextSerial(port: index) }) else {
      throw .invalid("port \(name): another front-end stands by already")
    }
    var wanted = first
    (wanted.path, wanted.role, wanted.mode, wanted.owner) = (socket.path, socket.role, socket.mode, socket.owner)
    let listener = try listen(wanted, record, serial: serial)
    let (worker, commands, socket) = (worker, reactor.commands, wanted)
    let isThere = await reactor.run { state in
      let (epoll, events) = (state.epoll, state.events)
      return state.addStandby(port: index) { first in
        let settings = VhostUserEndpoint.Settings(
          port: index, name: name, socket: socket, offer: first.offer, mtu: first.mtu, serial: serial)
        return VhostUserEndpoint(
          settings, listener: listener, worker: worker, reactor: commands, epoll: epoll, events: events)
      }
    }
    standbyListeners[index] = isThere ? listener : standbyListeners[index]
    guard isThere else {
      listener?.end()
      throw .invalid("port \(name): it is going, or another front-end stands by already")
    }
  }

  /// How a port's second front-end is; nil = there is none.
  package func standby(port name: String) async throws(DataplaneError) -> StandbyStatus? {
    let index = try record(name).index
    return await reactor.run { $0.standbys[index]?.standbyStatus ?? $0.sockets[index]?.standbyStatus }
  }

  /// Has the second front-end be the port's from now on: the session of the first ends, and its socket goes.
  ///
  /// - Throws: `unknownPort`, or `invalid` if there is none.
  package func promoteStandby(port name: String) async throws(DataplaneError) {
    let record = try record(name)
    let index = record.index
    let socket = await reactor.run { state -> StandbySocket? in
      if let socket = state.promoteStandby(port: index) { return .vhostUser(socket) }
      return state.sockets[index]?.promoteStandby().map { .peer($0) }
    }
    guard let socket else { throw .invalid("port \(name): no front-end stands by") }
    if portTable.find(name)?.block === record.block {
      listeners[index] = standbyListeners.removeValue(forKey: index)
      switch socket {
      case .vhostUser(let socket): portTable.setSocket(record, socket)
      case .peer(let peer): portTable.setSocket(record, peer)
      }
    }
    await worker.run { _ in }
  }

  private enum StandbySocket: Sendable {
    case vhostUser(VhostUserSocket)
    case peer(SocketPeer)
  }

  /// Ends the second front-end: the first goes on, with the memory that it has given.
  ///
  /// Nothing happens if there is none.
  package func removeStandby(port name: String) async throws(DataplaneError) {
    let index = try record(name).index
    await reactor.run { state in
      state.removeStandby(port: index)
      state.sockets[index]?.removeStandby()
    }
    standbyListeners[index] = nil
    await worker.run { _ in }
  }

  /// Has another peer at a socket of its own be able to take over a port whose peer is given whole frames.
  ///
  /// It is connected to, or let in, when it is promoted.
  /// - Throws: as the other one.
  package func addStandby(port name: String, peer: SocketPeer) async throws(DataplaneError) {
    let record = try record(name)
    guard let first = record.peerSocket, (first.peerPath == nil) == (peer.peerPath == nil) else {
      throw .invalid("port \(name): its peer is not given frames by such a socket")
    }
    var made: SocketListener?
    if peer.role == .listen, record.kind == .stream {
      made = try self.listener(record, peer.path, mode: peer.mode, owner: peer.owner, nil)
    }
    let (index, listener) = (record.index, made)
    let failure = await reactor.run { state -> String? in
      guard let endpoint = state.sockets[index] else { return "it is going" }
      return endpoint.addStandby(peer, listener)
    }
    guard let failure else { return standbyListeners[index] = listener }
    listener?.end()
    throw .host("port \(name): \(failure)")
  }

  // Frames that wait.

  /// Has frames to ports wait from now on, whether their nodes are there or not; called again, for that long once more.
  ///
  /// They count as having carrier. By itself a port does so when its receive rings stop while its machine moves.
  /// - Parameter limit: how long at most; then they go on as if they had been released.
  package func holdFrames(ports names: [String], for limit: Duration = .seconds(30)) async throws(DataplaneError) {
    var indices: [Int] = []
    for name in names {
      let record = try record(name)
      guard record.kind != .patch else {
        throw .invalid("port \(name): it is the end of a trunk, which no node is behind")
      }
      indices.append(record.index)
    }
    let (all, nanoseconds) = (indices, limit.wholeNanoseconds)
    await worker.run { core in
      for port in all { core.coldHoldFrames(port, limit: nanoseconds, isAsked: true) }
    }
  }

  /// Has frames that wait go on, in order: at once where the node takes frames, elsewhere when it does.
  ///
  /// - Throws: `unknownPort` for one that has gone; those of all others go on all the same.
  package func releaseFrames(ports names: [String]) async throws(DataplaneError) {
    try checkGoesOn()
    let all = names.compactMap { portTable.find($0)?.index }
    let gone = names.first { portTable.find($0) == nil }
    await worker.run { core in
      for port in all { core.coldReleaseFrames(port) }
    }
    if let gone { throw .unknownPort(gone) }
  }

  /// Sets how many bytes of frames wait at a port at most while its node moves, of `PortConfiguration.migrationBuffers`.
  package func setMigrationBuffer(port name: String, _ bytes: Int) async throws(DataplaneError) {
    let record = try record(name)
    try Self.check(migrationBuffer: bytes, of: name)
    portTable.setMigrationBuffer(record, bytes)
    await worker.run { $0.coldSetBufferLimit(record.index, bytes) }
  }

  static func check(migrationBuffer bytes: Int, of name: String) throws(DataplaneError) {
    guard PortConfiguration.migrationBuffers.contains(bytes) else {
      throw .invalid(
        "port \(name): migration buffer of \(bytes) bytes: 0 to \(PortConfiguration.migrationBuffers.upperBound) can be had"
      )
    }
  }
}

extension VhostUserEndpoint {
  /// As people see it while it stands by.
  var standbyStatus: StandbyStatus {
    StandbyStatus(
      socket: socket.path, isConnected: isConnected, isServing: hasPlace && session?.startedRings.isEmpty == false,
      error: lastError, lastRefusal: report.lastRefusal)
  }
}
