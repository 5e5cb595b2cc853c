internal import LinuxHost

/// Ports with sockets over which whole frames go.
extension Dataplane {
  /// Makes a stream's port: peers can connect when this returns, or are looked for.
  ///
  /// - Parameter record: gets the path, if another process had another one.
  func openStream(_ record: inout PortRecord, _ peer: SocketPeer, isWanted: Bool) async throws(DataplaneError) {
    let inherited = takeInherited(&record)
    let (known, peer) = (record, record.peerSocket ?? peer)
    var opened: SocketListener?
    if peer.role == .listen {
      opened = try self.listener(record, peer.path, mode: peer.mode, owner: peer.owner, inherited)
    }
    let listener = opened
    listeners[record.index] = listener
    notePort(record)
    let (worker, cable, stream) = (worker, inherited?.cable, inherited?.stream)
    let connection = inheritance?.descriptor(stream?.connection)
    // The worker first: what the reactor has it do comes behind.
    worker.commands.submit { core in
      core.coldAddPort(known, .stream, isWanted: isWanted)
      if let cable { core.coldInherit(known.index, cable) }
    }
    reactor.commands.submit { state in
      state.name(known.index, known.name)
      let endpoint = StreamEndpoint(
        port: known.index, name: known.name, peer, listener, worker, events: state.events)
      if let stream { endpoint.inherit(stream, connection) }
      state.add(endpoint)
    }
    await waitForSlot(of: record)
  }

  /// Makes a port for datagrams; its socket is bound when this returns.
  ///
  /// - Parameter record: gets the path, if another process had another one.
  func openDatagrams(_ record: inout PortRecord, _ peer: SocketPeer, isWanted: Bool) async throws(DataplaneError) {
    let inherited = takeInherited(&record)
    let (known, peer) = (record, record.peerSocket ?? peer)
    guard let peerPath = peer.peerPath else { throw .invalid("port \(record.name): there is no path of its peer") }
    let given = inheritance?.descriptor(inherited?.datagrams?.socket)
    let socket: Descriptor
    if let given {
      socket = given
    } else {
      do throws(SystemError) {
        socket = try UnixSocket.bind(path: peer.path, mode: peer.mode, owner: peer.owner)
      } catch {
        throw .host("port \(record.name): \(error)")
      }
    }
    notePort(record)
    let (worker, cable, datagrams) = (worker, inherited?.cable, given == nil ? nil : inherited?.datagrams)
    let isOpen = await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        guard !state.hasEnded else { return continuation.resume(returning: false) }
        state.name(known.index, known.name)
        worker.commands.submit { core in
          core.coldAddPort(known, .dgram, isWanted: isWanted)
          if let cable { core.coldInherit(known.index, cable) }
          let isOpen = core.coldOpenDatagrams(known.index, socket, peerPath: peerPath)
          if isOpen, let datagrams { core.coldInheritDatagrams(known.index, datagrams) }
          continuation.resume(returning: isOpen)
        }
        let endpoint = DatagramEndpoint(
          port: known.index, socket, path: peer.path, peerPath: peerPath, worker,
          hasPeer: datagrams?.hasPeer ?? false)
        endpoint.setGivenAway(datagrams != nil)
        state.add(endpoint)
      }
    }
    guard isOpen else {
      if given == nil { SocketFile.remove(peer.path) }
      await letGo(of: record)
      throw .host("port \(record.name): the socket \(peer.path) cannot be watched, or the data plane has ended")
    }
  }
}
