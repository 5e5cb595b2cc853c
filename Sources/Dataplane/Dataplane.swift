import Frames
internal import LinuxHost
internal import VhostUser

/// The data plane of one lab: its switches, ports, wires and trunks, and the threads that move frames between them.
///
/// Names are resolved here; workers and the reactor know numbers. Every call returns when the worker has acted.
package actor Dataplane {
  /// A port as the control side knows it.
  struct PortRecord {
    var index: Int
    var name: String
    var switchName: String?
    var kind: PortStatus.Kind
    var mode: PortMode
    var mtu: Int
    /// Nil for the end of a trunk.
    var address: MACAddress?
    var peer: String?
    var socket: VhostUserSocket?
    /// Whoever made the port tells its front-end of the carrier.
    var isToldByOwner = false
    let block: CounterBlock
  }

  /// Port numbers are 16 bits wide.
  private static let portLimit = 60_000

  let worker: Worker
  let reactor: Reactor
  let interfaces: InterfaceKeeper
  /// What happens, for all who listen; the newest thousand are kept.
  package nonisolated let events = Broadcast<DataplaneEvent>(limit: 1024)
  /// Yields when `heldPorts` has changed; for one consumer, who tells the machines.
  package nonisolated let heldPortChanges: AsyncStream<Void>
  private let heldPortSource: AsyncStream<Void>.Continuation
  /// In order of addition.
  var records: [PortRecord] = []
  var switchRecords: [(index: Int, configuration: SwitchConfiguration, table: SwitchTable)] = []
  /// Of all ages of stations.
  let clock = TickClock()
  var captures: [CaptureEntry] = []
  var lastCapture = 0
  let recorder: FlightRecorder?
  /// Names of the ports that there were since the start, for the recorder.
  var recordedPorts: [RecordedPort] = []
  private var isStopped = false

  /// Starts the worker and the reactor.
  package init(_ configuration: DataplaneConfiguration) throws(DataplaneError) {
    guard configuration.workerCount == 1 else {
      throw .invalid("\(configuration.workerCount) workers asked for; this version runs exactly 1")
    }
    (heldPortChanges, heldPortSource) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    recorder = configuration.recorderSize > 0 ? FlightRecorder(size: configuration.recorderSize) : nil
    MemoryMapping.installFaultHandler()
    Signals.ignorePipe()
    DescriptorLimit.raise()
    do throws(SystemError) {
      reactor = try Reactor { [events] in events.send($0) }
      worker = try Worker(
        index: 0, cpu: configuration.cpus.first, poll: configuration.poll, faults: reactor.faults,
        recorder: recorder, clock: clock)
      interfaces = try InterfaceKeeper(worker)
    } catch {
      throw .host("\(error)")
    }
    let (worker, interfaces, source) = (worker, interfaces, heldPortSource)
    reactor.commands.submit { state in
      state.watch(worker)
      state.setCarrier = { port, isUp in interfaces.commands.submit { $0.setCarrier(port, isUp: isUp) } }
      state.heldHasChanged = { source.yield() }
    }
  }

  // Switches.

  package func addSwitch(_ configuration: SwitchConfiguration) async throws(DataplaneError) {
    guard !switchRecords.contains(where: { $0.configuration.name == configuration.name }) else {
      throw .nameTaken(configuration.name)
    }
    guard (1...1_000_000).contains(configuration.fdbLimit) else {
      throw .invalid("FDB limit \(configuration.fdbLimit) is outside 1...1000000")
    }
    let used = Set(switchRecords.map(\.index))
    let index = (0...switchRecords.count).first { !used.contains($0) } ?? switchRecords.count
    let table = SwitchTable(configuration)
    switchRecords.append((index, configuration, table))
    await worker.run { $0.coldAddSwitch(index, table) }
  }

  /// Changes how long a switch remembers and what of link-local traffic it forwards; its table stays.
  package func changeSwitch(_ configuration: SwitchConfiguration) throws(DataplaneError) {
    let index = try switchIndex(configuration.name)
    if let position = switchRecords.firstIndex(where: { $0.index == index }) {
      switchRecords[position].configuration = configuration
      switchRecords[position].table.change(configuration)
    }
  }

  /// Removes a switch that has no ports any more.
  package func removeSwitch(_ name: String) async throws(DataplaneError) {
    let index = try switchIndex(name)
    guard !records.contains(where: { $0.switchName == name }) else {
      throw .invalid("switch \(name) still has ports")
    }
    let table = table(of: name)
    switchRecords.removeAll { $0.index == index }
    if let table { await worker.run { $0.coldRemoveSwitch(index, table) } }
  }

  package func switches() -> [SwitchConfiguration] { switchRecords.map(\.configuration) }

  // Ports.

  /// Makes a port and opens what is behind it; throws with nothing left behind.
  package func addPort(_ configuration: PortConfiguration) async throws(DataplaneError) {
    var record = try reserve(
      configuration.name, switchName: configuration.switchName, mode: configuration.mode,
      mtu: configuration.mtu ?? PortConfiguration.largestMTU)
    record.address = configuration.address
    record.isToldByOwner = configuration.carrierIsTold
    let isWanted = configuration.carrier
    switch configuration.backend {
    case .vhostUser(let socket):
      record.kind = .vhostUser
      record.socket = socket
      try await open(
        record, socket, Offer.make(socket, address: configuration.address, mtu: configuration.mtu), isWanted)
    case .tap(let interface):
      record.kind = .tap
      try await open(record, interface, isWanted)
    }
  }

  private func open(
    _ record: PortRecord, _ socket: VhostUserSocket, _ offer: DeviceOffer, _ isWanted: Bool
  ) async throws(DataplaneError) {
    guard (1...VhostUserPort.maximumPairs).contains(socket.queuePairs) else {
      throw .invalid("port \(record.name): \(socket.queuePairs) queue pairs asked for, 1 to 8 can be had")
    }
    records.append(record)
    await install(record, .vhostUser, isWanted)
    let (worker, commands) = (worker, reactor.commands)
    let failure = await reactor.run { state -> SystemError? in
      state.names[record.index] = record.name
      let settings = VhostUserEndpoint.Settings(
        port: record.index, name: record.name, socket: socket, offer: offer, mtu: record.mtu)
      let endpoint = VhostUserEndpoint(
        settings, worker: worker, reactor: commands, epoll: state.epoll, events: state.events)
      endpoint.setAdmitting(isWanted || record.isToldByOwner)
      do throws(SystemError) { try endpoint.open() } catch { return error }
      state.add(endpoint)
      return nil
    }
    if let failure {
      await uninstall(record)
      throw .host("port \(record.name): \(failure)")
    }
  }

  /// Takes a port out; frames on their way to it are gone, everybody else's go on.
  package func removePort(_ name: String) async throws(DataplaneError) { await uninstall(try record(name)) }

  /// Joins two ports of mode `.wire`.
  package func connectWire(_ first: String, _ second: String) async throws(DataplaneError) {
    let (a, b) = (try record(first), try record(second))
    guard a.mode == .wire, b.mode == .wire, a.peer == nil, b.peer == nil, a.index != b.index else {
      throw .invalid("\(first) and \(second) are not two free ends of a wire")
    }
    setPeer(first, second)
    await worker.run { $0.coldConnect(a.index, b.index) }
  }

  /// Joins two switches by a trunk, whose ends are ports `<switch>:<name>`.
  package func addTrunk(
    name: String, between first: String, and second: String, mode: PortMode
  ) async throws(DataplaneError) {
    guard first != second, case .trunk = mode else { throw .invalid("trunk \(name) does not join two switches") }
    var a = try reserve("\(first):\(name)", switchName: first, mode: mode, mtu: 65521)
    a.kind = .trunk
    a.peer = "\(second):\(name)"
    records.append(a)
    do throws(DataplaneError) {
      var b = try reserve("\(second):\(name)", switchName: second, mode: mode, mtu: 65521)
      b.kind = .trunk
      b.peer = a.name
      records.append(b)
      await install(a, .trunk, true)
      await install(b, .trunk, true)
      let (first, second) = (a.index, b.index)
      await worker.run { $0.coldConnect(first, second) }
    } catch {
      records.removeAll { $0.index == a.index }
      throw error
    }
  }

  package func setMode(port: String, _ mode: PortMode) async throws(DataplaneError) {
    let record = try record(port)
    guard (record.switchName == nil) == (mode == .wire) else {
      throw .invalid("port \(port): a wire has no VLANs, and a switch's port is not a wire")
    }
    if let position = records.firstIndex(where: { $0.name == port }) { records[position].mode = mode }
    await worker.run { $0.coldSetMode(record.index, mode) }
    forgetStations(of: record)
  }

  /// Closes all sockets and ends the threads.
  ///
  /// TAPs stay, as does what their owners made persistent.
  package func stop() async {
    guard !isStopped else { return }
    isStopped = true
    interfaces.stop()
    reactor.stop()
    worker.stop()
    closeCaptures()
    events.finish()
    heldPortSource.finish()
  }

  // Bookkeeping.

  func install(_ record: PortRecord, _ kind: PortKind, _ isWanted: Bool) async {
    let switchIndex = switchRecords.first { $0.configuration.name == record.switchName }?.index
    notePort(record)
    table(of: record.switchName)?.fdb.coldReservePorts(record.index + 1)
    await worker.run {
      $0.coldAddPort(
        record.index, kind: kind, mode: record.mode, switchIndex: switchIndex, mtu: record.mtu, block: record.block,
        isWanted: isWanted, isToldByOwner: record.isToldByOwner)
    }
  }

  func uninstall(_ record: PortRecord) async {
    records.removeAll { $0.index == record.index }
    if let peer = record.peer, let position = records.firstIndex(where: { $0.name == peer }) {
      records[position].peer = nil
    }
    await reactor.run { $0.remove(port: record.index) }
    await worker.run { $0.coldRemovePort(record.index) }
    forgetStations(of: record)
    if record.kind == .tap { await forgetInterface(of: record) }
    notePortGone(record)
  }

  private func reserve(
    _ name: String, switchName: String?, mode: PortMode, mtu: Int
  ) throws(DataplaneError) -> PortRecord {
    guard !records.contains(where: { $0.name == name }) else { throw .nameTaken(name) }
    if let switchName { _ = try switchIndex(switchName) }
    guard (switchName == nil) == (mode == .wire) else {
      throw .invalid("port \(name): a wire has no switch, and a switch's port is not a wire")
    }
    guard (68...65521).contains(mtu) else { throw .invalid("port \(name): MTU \(mtu) is outside 68...65521") }
    let used = Set(records.map(\.index))
    // Number 0 is left out: its tokens would look like the bell's.
    guard let index = (1...Self.portLimit).first(where: { !used.contains($0) }) else {
      throw .invalid("port \(name): \(Self.portLimit) ports is the limit")
    }
    return PortRecord(
      index: index, name: name, switchName: switchName, kind: .tap, mode: mode, mtu: mtu,
      address: nil, peer: nil, socket: nil, block: CounterBlock())
  }

  private func setPeer(_ first: String, _ second: String) {
    for position in records.indices {
      if records[position].name == first { records[position].peer = second }
      if records[position].name == second { records[position].peer = first }
    }
  }

  func record(_ name: String) throws(DataplaneError) -> PortRecord {
    guard let record = records.first(where: { $0.name == name }) else { throw .unknownPort(name) }
    return record
  }

  func switchIndex(_ name: String) throws(DataplaneError) -> Int {
    guard let found = switchRecords.first(where: { $0.configuration.name == name }) else {
      throw .unknownSwitch(name)
    }
    return found.index
  }
}
