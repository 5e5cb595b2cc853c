import Frames
internal import LinuxHost
internal import VhostUser

/// The data plane comes from another process: the side that takes it over.
///
/// It is made with what the other one has told. Each port that is added finds what it had open there, by its name, and
/// takes that in place of opening anything; `begin` is called when all are there. Until then no frame moves here, nothing
/// is read from any socket, and nobody is told of anything, so that the other process can still go on in this one's place.
extension Dataplane {
  /// What there is of another process's data plane until `begin`.
  struct Inheritance {
    var state: PlaneState
    let descriptors: [Descriptor]
    /// Ports that nobody has asked for yet, by name.
    var ports: [String: InheritedPort]
    /// Interfaces to be watched: of that port by its counters, with the descriptor of a TAP.
    var watches: [Watch] = []
    /// Names of the ports that were up.
    let up: Set<String>

    struct Watch {
      var record: PortRecord
      var descriptor: Descriptor?
      var link: Int
      var namespace: String?
    }

    init(_ state: PlaneState, _ descriptors: [Descriptor]) {
      self.state = state
      self.descriptors = descriptors
      // Of two by one name, which there cannot be, the first.
      ports = Dictionary(state.ports.map { ($0.name, $0) }) { first, _ in first }
      up = Set(state.ports.filter(\.isUp).map(\.name))
      self.state.ports = []
    }

    func descriptor(_ place: Int?) -> Descriptor? { descriptors.at(place) }
  }

  /// What another process had open for a port that is added; nil if it had nothing, or something else.
  ///
  /// - Parameter record: gets the path of its socket, which may be another than at first, since its machine has moved.
  func takeInherited(_ record: inout PortRecord) -> InheritedPort? {
    guard let port = inheritance?.ports[record.name], port.kind == record.kind else { return nil }
    // An interface by another name is another one.
    guard port.interface == nil || port.place == record.place else { return nil }
    inheritance?.ports[record.name] = nil
    record.place = port.place
    record.socket?.path = port.place
    record.peerSocket?.path = port.place
    if let path = port.datagrams?.peerPath { record.peerSocket?.peerPath = path }
    return port
  }

  /// Returns when the worker has room for a front-end's port, which has the session that another process had of it.
  ///
  /// - Throws: why the session cannot go on here, as where less is offered than its front-end has acknowledged; then the
  ///   port is gone. Its front-end has noticed nothing, and the other process can still go on with it.
  func waitForFrontEnd(of record: PortRecord, _ inherited: InheritedPort?) async throws(DataplaneError) {
    await waitForSlot(of: record)
    guard inherited?.frontEnd?.session != nil else { return }
    let index = record.index
    let failure = await reactor.run { state -> String? in
      guard let endpoint = state.endpoints[index], !endpoint.isConnected else { return nil }
      return endpoint.lastError ?? "it has no connection"
    }
    guard let failure else { return }
    listeners.removeValue(forKey: index)?.end()
    await letGo(of: record)
    throw .host("port \(record.name): the session of its front-end cannot be taken over: \(failure)")
  }

  /// Takes over the interface of a TAP or NIC port; false if there is none, and it is to be opened.
  ///
  /// - Parameter record: of a NIC, gets the interface's address, and its MTU if none was said.
  func inheritInterface(
    _ record: inout PortRecord, namespace: String?, mtu: Int?, isWanted: Bool
  ) async throws(DataplaneError) -> Bool {
    guard let port = takeInherited(&record), let interface = port.interface,
      let descriptor = inheritance?.descriptor(interface.descriptor)
    else { return false }
    if record.kind == .nic {
      if mtu == nil, let mtu = interface.mtu { record.mtu = min(max(mtu, 68), PortConfiguration.largestMTU) }
      if let address = interface.address.flatMap({ MACAddress($0) }) { record.address = address }
    }
    notePort(record)
    let (worker, known, cable) = (worker, record, port.cable)
    let failure: SystemError? = await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        guard !state.hasEnded else { return continuation.resume(returning: Self.ending) }
        state.name(known.index, known.name)
        worker.commands.submit { core in
          continuation.resume(returning: core.coldInheritInterface(known, descriptor, interface, cable, isWanted))
        }
      }
    }
    if let failure {
      await letGo(of: record)
      throw .host("port \(record.name): \(failure)")
    }
    inheritance?.watches.append(
      Inheritance.Watch(
        record: record, descriptor: record.kind == .tap ? descriptor : nil, link: interface.index,
        namespace: namespace))
    return true
  }

  /// Frames move from now on; to be called once all ports are there.
  ///
  /// Nothing happens where nothing was inherited.
  ///
  /// What the other process had come to is taken in before (`restore`). Ports that nobody has asked for are closed, and
  /// their socket files removed.
  package func begin() async {
    guard let inheritance, !isStopped else { return }
    // Each turn is a question to the worker and its answer.
    while await reactor.run({ state in state.endpoints.values.contains { $0.session?.isTakingUp == true } }) {
      await worker.run { _ in }
    }
    var state = inheritance.state
    if let takenAt = state.takenAt {
      let now = HostClock.monotonic
      let elapsed = now > takenAt ? now - takenAt : 0
      state.lines = state.lines.map { $0.after(elapsed) }
      state.rules = state.rules?.map { $0.after(seconds: UInt32(clamping: elapsed / 1_000_000_000)) }
    }
    await restore(state)
    let up = inheritance.up
    // All carriers are as they are: what is told from here on is new.
    await reactor.settle()
    await worker.run { $0.coldGoOn() }
    for listener in listeners.values { listener.setGivenAway(false) }
    await reactor.run { state in
      state.tell(since: up)
      state.goOn()
    }
    self.inheritance = nil
    removeFiles(of: inheritance.ports.values)
    for watch in inheritance.watches {
      guard portTable.find(watch.record.name)?.block === watch.record.block else { continue }
      // Without a monitor its carrier is as it was told last.
      try? await self.watch(watch.record.index, watch.descriptor, index: watch.link, watch.namespace)
    }
  }

  /// Removes the socket files of ports that nobody has asked for.
  private func removeFiles(of ports: some Collection<InheritedPort>) {
    let used = Set(records.map(\.place))
    for port in ports where port.interface == nil && !used.contains(port.place) {
      if port.listener != nil || port.datagrams != nil { SocketFile.remove(port.place) }
    }
  }
}
