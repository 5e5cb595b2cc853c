import Frames
internal import VhostUser

/// What the data plane tells of itself.
extension Dataplane {
  /// What the worker knows of a port at one moment.
  private struct LiveState: Sendable {
    var isUp: Bool
    var hasEnd: Bool
    var mtu: Int
    var queues: [QueueStatus]
    var forbiddenFragments: UInt64?
    /// Of a TAP or NIC.
    var offloads: OffloadStatus?
    var impairments: [ImpairmentStatus]
    var held: HeldStatus?
  }

  /// All ports in order of addition.
  package func ports() async -> [PortStatus] {
    let records = records
    let (indices, commands) = (records.map(\.index), reactor.commands)
    let (live, sessions, sockets) = await withCheckedContinuation { continuation in
      // The reactor is asked by the worker: no number can have gone to another port between the two.
      worker.commands.submit { core in
        let live = indices.map { Self.live($0, core) }
        commands.submit { state in
          continuation.resume(
            returning: (
              live, indices.map { state.endpoints[$0]?.status() }, indices.map { state.sockets[$0]?.status() }
            ))
        }
      }
    }
    // One that has no session is going since it was looked up: the reactor is the first to let go of it.
    return records.indices.compactMap { place in
      guard records[place].kind != .vhostUser || sessions[place] != nil else { return nil }
      guard records[place].peerSocket == nil || sockets[place] != nil else { return nil }
      var status = status(records[place], live[place], sessions[place])
      if let peer = records[place].peerSocket, let socket = sockets[place] {
        status.error = socket.lastError
        status.socketPeer = SocketPeerStatus(peer, records[place].kind, socket, live[place].forbiddenFragments)
      }
      return status
    }
  }

  private static func live(_ port: Int, _ core: borrowing WorkerCore) -> LiveState {
    var queues: [QueueStatus] = []
    if core.state.ports[port].kind == .vhostUser {
      let body = core.state.ports[port].body
      for ring in 0..<2 * core.state.ports.vhostUser[body].pairs {
        var status = core.state.ports.vhostUser[body].rings[ring].status(index: ring)
        status.worker = core.coldWorker(of: port, ring / 2)
        queues.append(status)
      }
    }
    var offloads: OffloadStatus?
    if core.state.ports[port].kind == .tap {
      offloads = core.state.ports.tap[core.state.ports[port].body].offloadStatus
    } else if core.state.ports[port].kind == .nic {
      offloads = core.state.ports.nic[core.state.ports[port].body].offloadStatus
    }
    return LiveState(
      isUp: core.state.ports.cables[port].isUp, hasEnd: core.state.ports.coldEndIsUp(port),
      mtu: core.state.ports[port].mtu, queues: queues,
      forbiddenFragments: core.state.ports.coldForbiddenFragments(port), offloads: offloads,
      impairments: core.coldImpairments(of: port), held: core.coldHeld(port))
  }

  private func status(_ record: PortRecord, _ live: LiveState, _ session: VhostUserEndpoint.Status?) -> PortStatus {
    var vhostUser = session?.vhostUser
    vhostUser?.queues = live.queues
    return PortStatus(
      name: record.name, switchName: record.switchName, kind: record.kind, carrier: live.isUp,
      hasEnd: live.hasEnd, mode: record.mode,
      peer: record.peer, address: record.address, mtu: live.mtu, queues: record.socket?.queuePairs ?? 1,
      receivePackets: record.block.value(CounterBlock.Slot.receivePackets),
      receiveBytes: record.block.value(CounterBlock.Slot.receiveBytes),
      transmitPackets: record.block.value(CounterBlock.Slot.transmitPackets),
      transmitBytes: record.block.value(CounterBlock.Slot.transmitBytes), dropsIn: record.block.ingressDrops,
      dropsOut: record.block.egressDrops, error: session?.error, vhostUser: vhostUser,
      offloads: session == nil ? live.offloads : session?.offloads, states: record.states,
      interface: record.interface, isAdded: record.isAdded, impairments: live.impairments,
      held: live.held)
  }

  /// All workers, each with the ports of which it serves a queue.
  package func workers() async -> [WorkerStatus] {
    let records = records
    let served = await worker.run { core in
      records.map { core.coldWorkers(of: $0.index) }
    }
    return worker.accounts.indices.map { index in
      var status = worker.accounts[index].status(index)
      status.cpu = cpus(index)
      status.ports = records.indices.filter { served[$0].contains(index) }.map { records[$0].name }
      return status
    }
  }
}

extension SocketPeerStatus {
  fileprivate init(
    _ peer: SocketPeer, _ kind: PortStatus.Kind, _ socket: SocketEndpointStatus, _ forbiddenFragments: UInt64?
  ) {
    self.init(
      path: peer.path, peerPath: peer.peerPath, role: kind == .stream ? peer.role.rawValue : nil,
      isConnected: socket.isConnected, faults: socket.faults, forbiddenFragments: forbiddenFragments ?? 0)
  }
}

extension VhostUserEndpoint {
  /// What the reactor knows of a port.
  struct Status: Sendable {
    var error: String?
    var vhostUser: VhostUserStatus
    /// Nil without a session.
    var offloads: OffloadStatus?
  }

  func status() -> Status {
    Status(
      error: lastError,
      vhostUser: VhostUserStatus(
        socket: socket.path, queuePairs: socket.queuePairs, isConnected: isConnected,
        features: featureNames(session?.features ?? 0),
        protocolFeatures: protocolFeatureNames(session?.protocolFeatures ?? 0),
        memoryRegions: table?.status ?? [], queues: [], faults: faultCount,
        refusals: report.refusalCount, lastRefusal: report.lastRefusal, advice: report.advice,
        role: socket.role),
      offloads: (session?.features).map { OffloadStatus(features: $0) })
  }
}

extension GuestQueue where Format: ~Copyable {
  func status(index: Int) -> QueueStatus {
    QueueStatus(
      index: index, size: isRunning ? ring.size : 0, ring: ring.name, isEnabled: isEnabled,
      availableIndex: Int(isRunning ? ring.availableIndex : ring.nextIndex), usedIndex: Int(ring.usedIndex),
      kicks: kicks, calls: calls, segmented: segmented, merged: merged,
      stopped: isRunning ? nil : stopReason.description)
  }
}

extension TAPPort {
  /// The kernel takes what it may hand over.
  var offloadStatus: OffloadStatus? {
    guard isOpen else { return nil }
    let names = OffloadStatus.names(checksum: hasHeader, takesLarge)
    return OffloadStatus(toNode: names, fromNode: names)
  }
}

extension NICPort {
  /// What it is given, and may give: a kernel joins and leaves large whatever its NICs can.
  var offloadStatus: OffloadStatus? {
    guard let offers else { return nil }
    return OffloadStatus(
      toNode: OffloadStatus.names(checksum: offers.checksums, offers.large),
      fromNode: OffloadStatus.names(checksum: true, .all))
  }
}

extension OffloadStatus {
  /// What a driver with these features takes and sends.
  init(features: UInt64) {
    toNode = Self.names(checksum: features & VirtioFeature.guestChecksum != 0, .taken(features))
    fromNode = Self.names(checksum: features & VirtioFeature.checksum != 0, .sent(features))
  }

  fileprivate static func names(checksum: Bool, _ large: LargeFrameTypes) -> [String] {
    var names = checksum ? ["checksum"] : []
    if large.contains(.tcp4) { names.append("tso4") }
    if large.contains(.tcp6) { names.append("tso6") }
    if large.contains(.ecn) { names.append("ecn") }
    switch (large.contains(.udp4), large.contains(.udp6)) {
    case (true, true): names.append("uso")
    case (true, false): names.append("uso4")
    case (false, true): names.append("uso6")
    case (false, false): break
    }
    return names
  }
}
