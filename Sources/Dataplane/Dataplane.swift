import Frames
package import LinuxHost
internal import VhostUser

/// The data plane of one lab: its switches, ports, wires and patches, and the threads that move frames between them.
///
/// Names are resolved here; workers and the reactor know numbers. Every call returns when the worker has acted, but that
/// which adds a vhost-user port: it returns when front-ends can connect. Calls may overlap: each checks, takes what it needs
/// in the tables, and hands the work over in one step, before it waits for anybody, so that the worker gets the work of
/// all calls in the order of their checks.
package actor Dataplane {
  let worker: Worker
  let reactor: Reactor
  let interfaces: InterfaceKeeper
  /// What happens, for all who listen; the newest thousand are kept.
  package nonisolated let events = Broadcast<DataplaneEvent>(limit: 1024)
  /// Yields when `heldPorts` has changed; for one consumer, who tells the machines.
  package nonisolated let heldPortChanges: AsyncStream<Void>
  private let heldPortSource: AsyncStream<Void>.Continuation
  let stationSource: AsyncStream<Void>.Continuation
  /// Workers that there are: how many rings a capture has, recorders there are, counters a port has.
  let workerCount: Int
  var portTable: PortTable
  /// Of ports that listen, by port number.
  var listeners: [Int: SocketListener] = [:]
  /// Of their second front-ends.
  var standbyListeners: [Int: SocketListener] = [:]
  /// The worker is known to have room for port numbers below this.
  var slotCount = PortSet.initialCapacity
  var switchTable = SwitchRecords()
  /// Of all ages of stations.
  let clock = TickClock()
  var captures: [CaptureEntry] = []
  var lastCapture = 0
  var punts: [PuntEntry] = []
  /// What workers say of their bursts to those who merge their rings; nil = there is one worker.
  let marks: BurstMarks?
  /// The processor that a worker is pinned to; nil = it is not.
  let cpus: @Sendable (Int) -> Int?
  /// One a worker; none without a recorder.
  let recorders: [FlightRecorder]
  /// Names of the ports that there were, for the recorder.
  var recordedPorts = RecordedPorts()
  private(set) var isStopped = false
  /// Another process takes everything over, or has done so.
  var isHandedOver = false
  /// What another process had, until `begin`; nil = nothing, or it has begun.
  var inheritance: Inheritance?

  /// Starts the worker and the reactor.
  ///
  /// - Parameters:
  ///   - state: what another process has handed over: nothing moves before `begin` then.
  ///   - descriptors: those that it names by their places.
  package init(
    _ configuration: DataplaneConfiguration, inheriting state: PlaneState? = nil, descriptors: [Descriptor] = []
  ) throws(DataplaneError) {
    guard DataplaneConfiguration.workerCounts.contains(configuration.workerCount) else {
      throw .invalid("\(configuration.workerCount) workers asked for, 1 to 64 can be had")
    }
    (heldPortChanges, heldPortSource) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    let (stationChanges, stationSource) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.stationSource = stationSource
    workerCount = configuration.workerCount
    portTable = PortTable(workers: workerCount)
    marks = workerCount > 1 ? BurstMarks(workers: workerCount) : nil
    cpus = { configuration.cpu(ofWorker: $0) }
    MemoryMapping.installFaultHandler()
    Signals.ignorePipe()
    DescriptorLimit.raise()
    do throws(SystemError) {
      recorders = try FlightRecorder.each(of: workerCount, size: configuration.recorderSize)
      reactor = try Reactor { [events] in events.send($0) }
      worker = try Worker(
        Worker.Setting(
          configuration: configuration, faults: reactor.faults, recorders: recorders, marks: marks, clock: clock,
          isHalted: state != nil,
          events: { [events] in events.send($0) }))
      interfaces = try InterfaceKeeper(worker)
    } catch {
      throw .host("\(error)")
    }
    inheritance = state.map { Inheritance($0, descriptors) }
    let (worker, interfaces, source, isInheriting) = (worker, interfaces, heldPortSource, state != nil)
    reactor.commands.submit { state in
      state.isHalted = isInheriting
      state.untold = isInheriting ? ReactorState.Untold() : nil
      state.watch(worker)
      state.setCarrier = { port, isUp in interfaces.commands.submit { $0.setCarrier(port, isUp: isUp) } }
      state.heldHasChanged = { source.yield() }
      state.stationsHaveChanged = { stationSource.yield() }
    }
    Task { [weak self] in await Self.tellStations(stationChanges) { [weak self] in self } }
  }

  // Switches.

  package func addSwitch(_ configuration: SwitchConfiguration) async throws(DataplaneError) {
    try Self.check(configuration)
    try checkGoesOn()
    let (index, table) = try switchTable.reserve(configuration)
    await worker.run { $0.coldAddSwitch(index, table) }
    switchTable.settle(index)
  }

  /// Changes how long a switch remembers, how many stations, and what of link-local traffic it forwards.
  ///
  /// Its table stays. Where there are more stations than it may know now, the oldest are forgotten before this returns.
  package func changeSwitch(_ configuration: SwitchConfiguration) async throws(DataplaneError) {
    try Self.check(configuration)
    let index = try switchIndex(configuration.name)
    guard let table = table(of: configuration.name) else { throw .unknownSwitch(configuration.name) }
    guard configuration.fdbLimit <= table.fdb.capacity else {
      throw SwitchRecords.noMemory(
        configuration, "there was room for \(table.fdb.capacity) when the switch was made, and it has to be made again")
    }
    switchTable.change(index, to: configuration)
    await Self.resize(table)
    stationSource.yield()
  }

  /// Not the actor's: to forget many stations must not keep others from it.
  private nonisolated static func resize(_ table: SwitchTable) async { table.coldResize() }

  private static func check(_ configuration: SwitchConfiguration) throws(DataplaneError) {
    guard SwitchConfiguration.fdbLimits.contains(configuration.fdbLimit) else {
      throw .invalid("FDB limit \(configuration.fdbLimit) is outside 1...\(SwitchConfiguration.fdbLimits.upperBound)")
    }
    guard (1...configuration.fdbLimit).contains(configuration.fdbPerPort ?? 1) else {
      throw .invalid("FDB limit of a port \(configuration.fdbPerPort ?? 0) is outside 1...\(configuration.fdbLimit)")
    }
  }

  /// Removes a switch that has no ports any more, and to which none is on its way.
  package func removeSwitch(_ name: String) async throws(DataplaneError) {
    let index = try switchIndex(name)
    guard !portTable.hasPorts(on: index) else { throw .invalid("switch \(name) still has ports") }
    if let record = switchTable.find(name) { tellStations(of: record) }
    switchTable.dismiss(index)
    await worker.run { $0.coldRemoveSwitch(index) }
    switchTable.release(index)
  }

  package func switches() -> [SwitchConfiguration] { switchTable.inOrder.map(\.configuration) }

  /// Closes all sockets and ends the threads.
  ///
  /// Calls under way end, calls that come later throw or find nothing: nobody waits for a thread that has ended.
  /// TAPs stay, as does what their owners made persistent.
  package func stop() async {
    guard !isStopped else { return }
    isStopped = true
    // Nobody is told of an end that is none.
    if isHandedOver { events.finish() }
    interfaces.stop()
    reactor.stop()
    // Ends all captures and punts.
    worker.stop()
    (captures, punts) = ([], [])
    // What waits for its pause.
    tellStations()
    events.finish()
    heldPortSource.finish()
    stationSource.finish()
  }

  func checkGoesOn() throws(DataplaneError) {
    guard !isStopped else { throw Self.hasEnded }
    guard !isHandedOver else { throw .host("the data plane is being handed over to another process") }
  }

  static var hasEnded: DataplaneError { .host("the data plane has ended") }

  // Names.

  /// All ports that are there, in order of addition.
  var records: [PortRecord] { portTable.inOrder }

  /// All switches that are there, in order of addition.
  var switchRecords: [SwitchRecords.Record] { switchTable.inOrder }

  func record(_ name: String) throws(DataplaneError) -> PortRecord {
    try checkGoesOn()
    guard let record = portTable.find(name) else { throw .unknownPort(name) }
    return record
  }

  func switchIndex(_ name: String) throws(DataplaneError) -> Int {
    try checkGoesOn()
    guard let found = switchTable.find(name) else { throw .unknownSwitch(name) }
    return found.index
  }
}
