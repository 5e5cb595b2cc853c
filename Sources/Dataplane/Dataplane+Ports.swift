import Frames
import Glibc
internal import LinuxHost
internal import VhostUser

/// Ports that come and go, and what joins them.
///
/// A port that comes is taken into the table at once, and is there when all that is asked of worker and reactor from then
/// on finds it; a number is given back when reactor, worker and the thread of interfaces have let go of it, each after
/// the one before.
extension Dataplane {
  /// Makes a port and opens what is behind it; throws with nothing left behind.
  package func addPort(_ configuration: PortConfiguration) async throws(DataplaneError) {
    if case .vhostUser(let socket) = configuration.backend {
      guard (1...VhostUserPort.maximumPairs).contains(socket.queuePairs) else {
        throw .invalid(
          "port \(configuration.name): \(socket.queuePairs) queue pairs asked for, 1 to "
            + "\(VhostUserPort.maximumPairs) can be had")
      }
    }
    try Self.check(migrationBuffer: configuration.migrationBuffer, of: configuration.name)
    if let problem = configuration.rules.problem { throw .invalid("port \(configuration.name): \(problem)") }
    var record = try reserve(
      configuration.name, switchName: configuration.switchName, mode: configuration.mode,
      mtu: configuration.mtu ?? PortConfiguration.largestMTU)
    record.address = configuration.address
    record.isToldByOwner = configuration.carrierIsTold
    record.isAdded = configuration.isAdded
    record.rules = configuration.rules
    (record.kind, record.place) = configuration.backend.kindAndPlace
    record.migrationBuffer = configuration.migrationBuffer
    do throws(DataplaneError) {
      switch configuration.backend {
      case .vhostUser(let socket):
        record.socket = socket
        let inherited = takeInherited(&record)
        listeners[record.index] = try listen(record.socket ?? socket, record, inherited)
        let offer = Offer.make(socket, address: configuration.address, mtu: configuration.mtu)
        serve(record, record.socket ?? socket, offer, isWanted: configuration.carrier, inherited)
        try await waitForFrontEnd(of: record, inherited)
      case .stream(let peer):
        record.peerSocket = peer
        try await openStream(&record, peer, isWanted: configuration.carrier)
      case .dgram(let peer):
        record.peerSocket = peer
        try await openDatagrams(&record, peer, isWanted: configuration.carrier)
      case .tap(let interface):
        record.interface = interface.name
        try await open(&record, interface, isWanted: configuration.carrier)
      case .nic(let interface):
        try await open(&record, interface, mtu: configuration.mtu, isWanted: configuration.carrier)
      }
    } catch {
      portTable.release(record)
      throw error
    }
    portTable.settle(record)
    await joinPunts([record])
  }

  /// Opens a port's socket; nil for a port that connects.
  func listen(
    _ socket: VhostUserSocket, _ record: PortRecord, serial: Int = 0, _ inherited: InheritedPort? = nil
  ) throws(DataplaneError) -> SocketListener? {
    guard socket.role == .listen else { return nil }
    return try listener(
      record, socket.path, mode: socket.mode, owner: socket.owner, serial: serial, inherited)
  }

  /// Listens at a port's path, or goes on where another process did.
  func listener(
    _ record: PortRecord, _ path: String, mode: UInt32, owner: (user: UInt32, group: UInt32)?, serial: Int = 0,
    _ inherited: InheritedPort?
  ) throws(DataplaneError) -> SocketListener {
    let descriptor = inheritance?.descriptor(inherited?.listener)
    do throws(SystemError) {
      let listener = try SocketListener(
        path: path, mode: mode, owner: owner, port: record.index, serial: serial, epoll: reactor.epoll,
        inherited: descriptor)
      // Until `begin` the file is the other process's.
      if descriptor != nil { listener.setGivenAway(true) }
      return listener
    } catch {
      throw .host("port \(record.name): \(error)")
    }
  }

  /// Has the worker and then the reactor take a port in.
  ///
  /// Nobody waits for them: whatever is asked of the port later comes to each of them later, and front-ends that connect
  /// meanwhile wait until the reactor has it. Nor does the end come in between, which is a step of this actor too.
  private func serve(
    _ record: PortRecord, _ socket: VhostUserSocket, _ offer: DeviceOffer, isWanted: Bool, _ inherited: InheritedPort?
  ) {
    notePort(record)
    let (cable, frontEnd, descriptors) = (inherited?.cable, inherited?.frontEnd, inheritance?.descriptors ?? [])
    let (worker, commands, listener) = (worker, reactor.commands, listeners[record.index])
    // The worker first: what the reactor asks it for a front-end comes behind.
    worker.commands.submit { core in
      core.coldAddPort(record, .vhostUser, isWanted: isWanted)
      if let cable { core.coldInherit(record.index, cable) }
    }
    commands.submit { state in
      let settings = VhostUserEndpoint.Settings(
        port: record.index, name: record.name, socket: socket,
        offer: frontEnd?.session.map { offer.keeping($0.state) } ?? offer, mtu: record.mtu)
      let endpoint = VhostUserEndpoint(
        settings, listener: listener, worker: worker, reactor: commands, epoll: state.epoll,
        events: state.events)
      state.name(record.index, record.name)
      state.add(endpoint)
      endpoint.setAdmitting(isWanted || record.isToldByOwner)
      if let frontEnd {
        endpoint.inherit(frontEnd, descriptors)
        // For the next one.
        _ = endpoint.change(offer, mtu: record.mtu)
      }
      endpoint.retry()
    }
  }

  /// Returns when the worker has room for a port that it was told of.
  ///
  /// It may meet the number in what others write, such as a switch's table, before it takes the port in; that is harmless
  /// where there is a slot, though an empty one. It makes room for many at a time, so that few ports wait.
  func waitForSlot(of record: PortRecord) async {
    guard record.index >= slotCount else { return }
    let count = await worker.run { $0.state.ports.capacity }
    slotCount = max(slotCount, count)
  }

  /// Of what would begin after the end.
  static var ending: SystemError { SystemError(call: "data plane", code: ESHUTDOWN, context: "(it has ended)") }

  /// Takes a port out; frames on their way to it are gone, everybody else's go on.
  package func removePort(_ name: String) async throws(DataplaneError) {
    let record = try record(name)
    portTable.dismiss(record)
    listeners.removeValue(forKey: record.index)?.end()
    standbyListeners.removeValue(forKey: record.index)?.end()
    await letGo(of: record)
    // While its number still tells its name.
    if let home = record.switchName.flatMap({ switchTable.find($0) }) { tellStations(of: home) }
    portTable.release(record)
  }

  /// Has everybody who goes by a port's number forget it.
  func letGo(of record: PortRecord) async {
    let (worker, port) = (worker, record.index)
    await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        state.remove(port: port)
        worker.commands.submit { core in
          core.coldRemovePort(port)
          continuation.resume()
        }
      }
    }
    forgetStations(of: record)
    if record.kind == .tap || record.kind == .nic { await forgetInterface(of: record) }
    notePortGone(record)
  }

  /// Joins two ports of mode `.wire`.
  package func connectWire(_ first: String, _ second: String) async throws(DataplaneError) {
    let (a, b) = (try record(first), try record(second))
    guard a.mode == .wire, b.mode == .wire, a.peer == nil, b.peer == nil, a.index != b.index else {
      throw .invalid("\(first) and \(second) are not two free ends of a wire")
    }
    portTable.join(a, b)
    await worker.run { $0.coldConnect(a.index, b.index) }
  }

  /// Joins two switches by a patch, which users call a trunk.
  ///
  /// Between a switch with VLANs and one without, frames are as a link between two switches would have them: with the tag
  /// that the end with VLANs gives them, and judged by it as what a node sends.
  package func addPatch(_ first: PatchEnd, _ second: PatchEnd) async throws(DataplaneError) {
    guard first.switchName != second.switchName, first.mode != .wire, second.mode != .wire else {
      throw .invalid("\(first.name) and \(second.name) do not join two switches")
    }
    var a = try reserve(first.name, switchName: first.switchName, mode: first.mode, mtu: PortConfiguration.largestMTU)
    var b: PortRecord
    do throws(DataplaneError) {
      b = try reserve(second.name, switchName: second.switchName, mode: second.mode, mtu: PortConfiguration.largestMTU)
    } catch {
      portTable.release(a)
      throw error
    }
    (a.kind, a.peer) = (.patch, b.name)
    (b.kind, b.peer) = (.patch, a.name)
    let ends = (a, b)
    await worker.run { core in
      core.coldAddPort(ends.0, .patch, isWanted: true)
      core.coldAddPort(ends.1, .patch, isWanted: true)
      core.coldConnect(ends.0.index, ends.1.index)
    }
    for end in [a, b] {
      notePort(end)
      portTable.settle(end)
    }
    await joinPunts([a, b])
  }

  package func setMode(port name: String, _ mode: PortMode) async throws(DataplaneError) {
    let record = try record(name)
    guard (record.switchName == nil) == (mode == .wire) else {
      throw .invalid("port \(name): a wire has no VLANs, and a switch's port is not a wire")
    }
    portTable.setMode(record, mode)
    await worker.run { $0.coldSetMode(record.index, mode) }
    // One that has gone meanwhile took its stations with it, and its number may be another's.
    guard portTable.find(name)?.block === record.block else { return }
    table(of: record.switchName)?.fdb.coldFlush(port: record.index)
  }

  /// Sets the MTU of a port, as its configuration has it: frames with a longer payload are dropped on their way to the
  /// node from now on.
  ///
  /// A front-end that is connected is not told, as a device cannot change under its driver: the next one is.
  ///
  /// - Parameter mtu: in bytes; nil = as much as there can be, and nothing is told to the node.
  package func setMTU(port name: String, _ mtu: Int?) async throws(DataplaneError) {
    let record = try record(name)
    let wanted = mtu
    let mtu = wanted ?? PortConfiguration.largestMTU
    guard record.kind != .patch else { throw .invalid("port \(name): a link between switches has no MTU") }
    try Self.check(mtu: mtu, of: name)
    portTable.setMTU(record, mtu)
    let offer = record.socket.flatMap { socket in record.address.map { Offer.make(socket, address: $0, mtu: wanted) } }
    let (worker, index) = (worker, record.index)
    await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        if let offer { _ = state.standbys[index]?.change(offer, mtu: mtu) }
        let limit = offer.flatMap { state.endpoints[index]?.change($0, mtu: mtu) } ?? mtu
        worker.commands.submit { core in
          core.coldSetMTU(index, limit)
          continuation.resume()
        }
      }
    }
  }

  private static func check(mtu: Int, of name: String) throws(DataplaneError) {
    guard (68...PortConfiguration.largestMTU).contains(mtu) else {
      throw .invalid("port \(name): MTU \(mtu) is outside 68...\(PortConfiguration.largestMTU)")
    }
  }

  private func reserve(
    _ name: String, switchName: String?, mode: PortMode, mtu: Int
  ) throws(DataplaneError) -> PortRecord {
    try checkGoesOn()
    let switchIndex: Int? = if let switchName { try self.switchIndex(switchName) } else { nil }
    guard (switchName == nil) == (mode == .wire) else {
      throw .invalid("port \(name): a wire has no switch, and a switch's port is not a wire")
    }
    try Self.check(mtu: mtu, of: name)
    let record = try portTable.reserve(name, on: switchName, switchIndex, mode, mtu: mtu)
    // Before the worker knows the port: what has no room in a table is not learnt.
    table(of: switchName)?.fdb.coldReservePorts(record.index + 1)
    return record
  }
}
