internal import LinuxHost

/// Ports with sockets over which whole frames go.
extension Dataplane {
  /// Makes a stream's port: peers can connect when this returns, or are looked for.
  func openStream(_ record: PortRecord, _ peer: SocketPeer, isWanted: Bool) async throws(DataplaneError) {
    var listener: SocketListener?
    if peer.role == .listen {
      do throws(SystemError) {
        listener = try SocketListener(
          path: peer.path, mode: peer.mode, owner: peer.owner, port: record.index, epoll: reactor.epoll)
      } catch {
        throw .host("port \(record.name): \(error)")
      }
    }
    listeners[record.index] = listener
    notePort(record)
    let worker = worker
    let opened = listener
    // The worker first: what the reactor has it do comes behind.
    worker.commands.submit { $0.coldAddPort(record, .stream, isWanted: isWanted) }
    reactor.commands.submit { state in
      state.name(record.index, record.name)
      state.add(
        StreamEndpoint(
          port: record.index, name: record.name, peer, opened, worker, events: state.events))
    }
    await waitForSlot(of: record)
  }

  /// Makes a port for datagrams; its socket is bound when this returns.
  func openDatagrams(_ record: PortRecord, _ peer: SocketPeer, isWanted: Bool) async throws(DataplaneError) {
    guard let peerPath = peer.peerPath else { throw .invalid("port \(record.name): there is no path of its peer") }
    let socket: Descriptor
    do throws(SystemError) {
      socket = try UnixSocket.bind(path: peer.path, mode: peer.mode, owner: peer.owner)
    } catch {
      throw .host("port \(record.name): \(error)")
    }
    notePort(record)
    let worker = worker
    let isOpen = await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        guard !state.hasEnded else { return continuation.resume(returning: false) }
        state.name(record.index, record.name)
        worker.commands.submit { core in
          core.coldAddPort(record, .dgram, isWanted: isWanted)
          continuation.resume(returning: core.coldOpenDatagrams(record.index, socket, peerPath: peerPath))
        }
        state.add(DatagramEndpoint(port: record.index, socket, path: peer.path, peerPath: peerPath, worker))
      }
    }
    guard isOpen else {
      SocketFile.remove(peer.path)
      await letGo(of: record)
      throw .host("port \(record.name): the socket \(peer.path) cannot be watched, or the data plane has ended")
    }
  }
}
