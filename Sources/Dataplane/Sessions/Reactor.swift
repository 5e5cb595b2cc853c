internal import LinuxHost
import Synchronization

/// The one thread that owns all vhost-user sockets, and looks for the peers of other ports with sockets.
///
/// It never waits for a worker: what a worker must do is submitted, and what comes of it is submitted back.
final class Reactor: Sendable {
  let commands: CommandQueue<ReactorState>
  let faults: FaultQueue
  /// Watches all sockets; whoever makes one adds it.
  let epoll: Epoll
  private let thread: HostThread
  private let stopping = StopFlag()

  /// Starts the thread.
  ///
  /// - Parameter events: called on the reactor's thread with what happened.
  init(events: @escaping @Sendable (DataplaneEvent) -> Void) throws(SystemError) {
    let commands = try CommandQueue<ReactorState>()
    let epoll = try Epoll()
    try epoll.add(commands.bell.raw, token: EventToken.bell.word, events: Epoll.input)
    let faults = FaultQueue(bell: commands.bell)
    let stopping = stopping
    self.commands = commands
    self.faults = faults
    self.epoll = epoll
    thread = try HostThread.start(name: "apus-reactor", cpu: nil) {
      var state = ReactorState(epoll: epoll, faults: faults, events: events)
      while !stopping.value.load(ordering: .relaxed) { state.turn(commands: commands) }
      commands.coldRun(&state)
      state.closeAll()
      commands.coldEnd(leaving: state)
    }
  }

  /// Runs `body` on the reactor's thread and gives its result back.
  ///
  /// Called by an actor, what the actor does before and the handing over of `body` are one step: nothing else of the
  /// actor comes between them, and commands have the order of its steps.
  func run<T: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: @escaping @Sendable (inout ReactorState) -> T
  ) async -> T {
    await withCheckedContinuation { continuation in
      commands.submit { state in continuation.resume(returning: body(&state)) }
    }
  }

  /// Returns when all that workers have reported so far was taken.
  func settle() async {
    // Reports that come in the turn of the first command are taken by the end of it, before the second one is run.
    for _ in 0..<2 { await run { _ in } }
  }

  /// Ends the thread, closing every socket, and waits for it.
  func stop() {
    stopping.value.store(true, ordering: .relaxed)
    commands.submit { _ in }
    thread.join()
  }
}

/// What the reactor's thread owns.
struct ReactorState: ~Copyable {
  /// Milliseconds between attempts to connect, and between looks of the watchdog while a port is connected.
  private static let retryMilliseconds: Int32 = 250
  private static let watchMilliseconds: Int32 = 500

  let epoll: Epoll
  private let faults: FaultQueue
  let events: @Sendable (DataplaneEvent) -> Void
  /// By port number.
  var endpoints: [Int: VhostUserEndpoint] = [:]
  /// Of machines that are to take over a port, and the highest number that one of a port has had; see `FrontEndPair`.
  var standbys: [Int: VhostUserEndpoint] = [:]
  var lastSerials: [Int: Int] = [:]
  /// Of ports whose frames the worker reads from a socket, by port number.
  private(set) var sockets: [Int: any SocketEndpoint] = [:]
  /// Ports whose endpoints may have to do something by themselves: all others wait for an event.
  private var busy: Set<Int> = []
  /// Sets the carrier of a TAP.
  var setCarrier: @Sendable (_ port: Int, _ isUp: Bool) -> Void = { _, _ in }
  /// Other guests than before are to see no carrier.
  var heldHasChanged: @Sendable () -> Void = {}
  /// Some switch has something to tell of its stations.
  var stationsHaveChanged: @Sendable () -> Void = {}
  /// Names of all ports, for events.
  private var names: [Int: String] = [:]
  /// Ports of which it was last told that they are up.
  private var toldUp: Set<Int> = []
  private var ready = [EpollEvent](repeating: EpollEvent(), count: 64)
  /// The call that each worker was in at the last look of the watchdog.
  private var watched: [(worker: Worker, index: Int, guardian: CallGuardian, began: UInt64)] = []
  private var lastWatch = ContinuousClock.now
  /// Nothing is served any more.
  private(set) var hasEnded = false
  /// Nothing is read from any socket, nor anybody let in: ports are handed over.
  var isHalted = false
  /// What is to be told once all ports are there that another process had; nil = everything is told at once.
  var untold: Untold?

  init(epoll: Epoll, faults: FaultQueue, events: @escaping @Sendable (DataplaneEvent) -> Void) {
    self.epoll = epoll
    self.faults = faults
    self.events = events
  }

  /// Names of ports by their numbers, and the ports that are up.
  var told: (names: [Int: String], up: Set<Int>) { (names, toldUp) }

  /// Workers whose calls are watched.
  mutating func watch(_ worker: Worker) {
    watched = worker.guardians.enumerated().map { (worker, $0.offset, $0.element, 0) }
  }

  /// A port has that number from now on; what workers said of the one that had it before is taken first.
  mutating func name(_ port: Int, _ name: String) {
    for report in faults.take() { take(report) }
    names[port] = name
  }

  mutating func add(_ endpoint: VhostUserEndpoint) {
    endpoints[endpoint.port] = endpoint
    busy.insert(endpoint.port)
    if isHalted { endpoint.setHalted(true) }
  }

  mutating func add(_ endpoint: any SocketEndpoint) {
    sockets[endpoint.port] = endpoint
    busy.insert(endpoint.port)
    if !isHalted { endpoint.look(at: .now) }
  }

  /// Every port may have to do something.
  mutating func wakeAll() {
    busy.formUnion(endpoints.keys)
    busy.formUnion(sockets.keys)
  }

  /// Carrier as the user wants it, see `VhostUserEndpoint`.
  mutating func setAdmitting(port: Int, _ isAdmitting: Bool) {
    endpoints[port]?.setAdmitting(isAdmitting)
    standbys[port]?.setAdmitting(isAdmitting)
    busy.insert(port)
  }

  /// A port's endpoints may have to do something by themselves.
  mutating func noteBusy(_ port: Int) { busy.insert(port) }

  mutating func remove(port: Int) {
    standbys.removeValue(forKey: port)?.close()
    endpoints.removeValue(forKey: port)?.close()
    lastSerials[port] = nil
    sockets.removeValue(forKey: port)?.close()
    busy.remove(port)
    for report in faults.take() { take(report) }
    // What is gone carries no more.
    if toldUp.remove(port) != nil, let name = names[port] { events(.portDown(port: name)) }
    names[port] = nil
  }

  mutating func closeAll() {
    hasEnded = true
    for endpoint in standbys.values { endpoint.close() }
    for endpoint in endpoints.values { endpoint.close() }
    for endpoint in sockets.values { endpoint.close() }
    (endpoints, standbys, sockets) = ([:], [:], [:])
    watched = []
  }

  /// Waits for something and handles all that is there.
  mutating func turn(commands: CommandQueue<ReactorState>) {
    guard !isHalted else { return haltedTurn(commands) }
    let count = epoll.wait(into: &ready, timeoutMilliseconds: timeout)
    // Before sockets, so that a fault is never taken for one of the connection that follows.
    for report in faults.take() { take(report) }
    for index in 0..<max(count, 0) {
      let token = ready[index].token
      if let port = EventToken(word: token).port {
        endpoints[port]?.handle(token: token, events: ready[index].events)
        standbys[port]?.handle(token: token, events: ready[index].events)
        sockets[port]?.accept()
        busy.insert(port)
      } else {
        commands.bell.drain()
      }
    }
    if commands.isWaiting { commands.coldRun(&self) }
    if faults.takeStations() { stationsHaveChanged() }
    for report in faults.take() { take(report) }
    for endpoint in busyEndpoints where endpoint.mustRetry { endpoint.retry() }
    for endpoint in busyEndpoints where endpoint.isResting { endpoint.listenAgain(at: .now) }
    for endpoint in busySockets where endpoint.mustRetry { endpoint.look(at: .now) }
    watchWorkers()
    busy = busy.filter {
      endpoints[$0]?.isBusy == true || sockets[$0]?.isBusy == true || standbys[$0]?.isBusy == true
    }
  }

  /// A turn in which no socket is touched: what is to be heard there stays where it is.
  private mutating func haltedTurn(_ commands: CommandQueue<ReactorState>) {
    if !commands.isWaiting { commands.bell.wait(milliseconds: Self.retryMilliseconds) }
    commands.bell.drain()
    for report in faults.take() { take(report) }
    if commands.isWaiting { commands.coldRun(&self) }
    for report in faults.take() { take(report) }
    watchWorkers()
  }

  /// What may have to do something by itself: a turn costs nothing for ports that nobody is connected to.
  private var busyEndpoints: [VhostUserEndpoint] {
    standbys.isEmpty
      ? busy.compactMap { endpoints[$0] } : busy.flatMap { [endpoints[$0], standbys[$0]].compactMap(\.self) }
  }

  private var busySockets: [any SocketEndpoint] { busy.compactMap { sockets[$0] } }

  private var timeout: Int32 {
    let (endpoints, sockets) = (busyEndpoints, busySockets)
    if endpoints.contains(where: { $0.mustRetry || $0.isResting || $0.heldSince != nil })
      || sockets.contains(where: \.mustRetry)
    {
      return Self.retryMilliseconds
    }
    return endpoints.contains(where: \.isConnected) || !sockets.isEmpty ? Self.watchMilliseconds : -1
  }

  private mutating func take(_ report: FaultQueue.Report) {
    switch report {
    case .fault(let port, let ring, let fault):
      (endpoints[port]?.pair?.holder ?? endpoints[port])?.ringFailed(ring, fault)
    case .connection(let port, let epoch, let fault):
      sockets[port]?.ended(epoch: epoch, fault)
      busy.insert(port)
    case .peerFound(let port): sockets[port]?.found()
    case .carrier(let port, let isUp):
      guard let name = names[port] else { return }
      if isUp { toldUp.insert(port) } else { toldUp.remove(port) }
      guard untold == nil else { return }
      events(isUp ? .portUp(port: name) : .portDown(port: name))
    case .coalesced(let port, let count):
      if untold == nil, let name = names[port] { events(.carrierChangesLost(port: name, count: count)) }
    case .interface(let port, let isUp):
      if untold == nil { setCarrier(port, isUp) } else { untold?.interfaces[port] = isUp }
    case .held:
      if untold == nil { heldHasChanged() } else { untold?.isHeldNew = true }
    }
  }

  /// Breaks a call that was under way at the last look and still is, and looks how front-ends get on.
  private mutating func watchWorkers() {
    let now = ContinuousClock.now
    guard now - lastWatch >= .milliseconds(Int(Self.watchMilliseconds) / 2) else { return }
    lastWatch = now
    if !isHalted {
      for endpoint in busyEndpoints {
        endpoint.look(at: now)
        endpoint.endHold(at: now)
      }
      for endpoint in busySockets { endpoint.look(at: now) }
    }
    for index in watched.indices {
      let began = watched[index].guardian.began
      if began != 0, began == watched[index].began { watched[index].worker.interrupt(watched[index].index) }
      watched[index].began = began
    }
  }
}
