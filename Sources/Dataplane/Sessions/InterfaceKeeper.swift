internal import LinuxHost
import Synchronization

/// The one thread that deals with the kernel about the interfaces of TAP and NIC ports: gives those their carrier, and
/// hears whether they are up.
///
/// A thread of its own, since the kernel may have both wait for its one lock of all links.
final class InterfaceKeeper: Sendable {
  let commands: CommandQueue<InterfaceState>
  private let thread: HostThread
  private let stopping = StopFlag()

  /// Starts the thread.
  ///
  /// - Parameter worker: is told what becomes of its ports' interfaces.
  init(_ worker: Worker) throws(SystemError) {
    let commands = try CommandQueue<InterfaceState>()
    let epoll = try Epoll()
    try epoll.add(commands.bell.raw, token: 0, events: Epoll.input)
    let stopping = stopping
    self.commands = commands
    thread = try HostThread.start(name: "apus-links", cpu: nil) {
      var state = InterfaceState(epoll: epoll, worker: worker)
      while !stopping.value.load(ordering: .relaxed) { state.turn(commands) }
      commands.coldRun(&state)
      state.letGo()
      commands.coldEnd(leaving: state)
    }
  }

  /// Runs `body` on the thread and gives its result back.
  ///
  /// Called by an actor, what the actor does before and the handing over of `body` are one step: nothing else of the
  /// actor comes between them, and commands have the order of its steps.
  func run<T: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: @escaping @Sendable (inout InterfaceState) -> T
  ) async -> T {
    await withCheckedContinuation { continuation in
      commands.submit { state in continuation.resume(returning: body(&state)) }
    }
  }

  /// Ends the thread and waits for it; interfaces stay as they are.
  func stop() {
    stopping.value.store(true, ordering: .relaxed)
    commands.submit { _ in }
    thread.join()
  }
}

/// What the thread owns: a monitor for each namespace that has interfaces of ports.
struct InterfaceState: ~Copyable {
  private struct Interface {
    var port: Int
    /// Of a TAP; nil for a NIC, whose carrier is the cable's.
    var descriptor: Descriptor?
    /// Number of the link.
    var index: Int
  }

  private struct Watch {
    var namespace: String?
    var monitor: LinkMonitor
    var interfaces: [Interface] = []
    /// News were lost, and not everything was asked for since.
    var isBehind = false
  }

  /// Milliseconds between attempts to learn what was lost, while more is lost meanwhile.
  private static let retryMilliseconds: Int32 = 50

  private let epoll: Epoll
  private let worker: Worker
  /// By the tokens of their monitors.
  private var watches: [UInt64: Watch] = [:]
  private var lastToken: UInt64 = 0
  /// Carriers as they were set, by port.
  private var carriers: [Int: Bool] = [:]
  /// Nothing is watched any more.
  private var hasEnded = false
  /// Workers stand still, and are told nothing.
  private var isHalted = false
  private var ready = [EpollEvent](repeating: EpollEvent(), count: 64)

  init(epoll: Epoll, worker: Worker) {
    self.epoll = epoll
    self.worker = worker
  }

  /// Waits for something and handles all that is there.
  mutating func turn(_ commands: CommandQueue<InterfaceState>) {
    let count = epoll.wait(into: &ready, timeoutMilliseconds: isBehind ? Self.retryMilliseconds : -1)
    for index in 0..<max(count, 0) {
      if ready[index].token == 0 { commands.bell.drain() } else { hear(ready[index].token) }
    }
    for token in watches.keys where watches[token]?.isBehind == true { catchUp(token) }
    if commands.isWaiting { commands.coldRun(&self) }
  }

  /// News were lost of some interfaces.
  var isBehind: Bool { watches.values.contains { $0.isBehind } }

  private func token(of namespace: String?) -> UInt64? { watches.first { $0.value.namespace == namespace }?.key }

  /// Hears of a port's interface from now on, and how it is now.
  ///
  /// - Parameters:
  ///   - descriptor: of a TAP.
  ///   - monitor: of that namespace; needed for its first interface.
  /// - Returns: false if there is no monitor.
  mutating func watch(
    port: Int, _ descriptor: Descriptor?, index: Int, _ namespace: String?, _ monitor: LinkMonitor?
  ) -> Bool {
    guard !hasEnded else { return true }
    var token = token(of: namespace)
    if token == nil, let monitor {
      lastToken += 1
      guard (try? epoll.add(monitor.descriptor.raw, token: lastToken, events: Epoll.input)) != nil else { return false }
      watches[lastToken] = Watch(namespace: namespace, monitor: monitor)
      token = lastToken
    }
    guard let token else { return false }
    if let isUp = carriers[port], let descriptor { TAPDevice.setCarrier(descriptor, isUp: isUp) }
    watches[token]?.interfaces.append(Interface(port: port, descriptor: descriptor, index: index))
    ask(token, index)
    return true
  }

  /// Number of the link behind a port; nil = there is none.
  func link(of port: Int) -> Int? {
    for watch in watches.values {
      if let found = watch.interfaces.first(where: { $0.port == port }) { return found.index }
    }
    return nil
  }

  /// Lets go of a port's interface, and of its namespace with the last one there.
  mutating func forget(port: Int) {
    carriers[port] = nil
    for token in watches.keys {
      watches[token]?.interfaces.removeAll { $0.port == port }
      guard let watch = watches[token], watch.interfaces.isEmpty else { continue }
      epoll.remove(watch.monitor.descriptor.raw)
      watches[token] = nil
    }
  }

  /// Tells workers nothing from now on, until `goOn`.
  ///
  /// An interface that is set down has a worker read what is left there, which another process may do by then.
  mutating func halt() { isHalted = true }

  /// Tells workers again, and first of all how every interface is by now.
  mutating func goOn() {
    isHalted = false
    for token in Array(watches.keys) { catchUp(token) }
  }

  /// The end: lets go of all interfaces, which stay as they are.
  mutating func letGo() {
    hasEnded = true
    watches = [:]
  }

  /// Sets the carrier that a port's node sees; of one that is not watched yet, when it is.
  mutating func setCarrier(_ port: Int, isUp: Bool) {
    carriers[port] = isUp
    for watch in watches.values {
      for interface in watch.interfaces where interface.port == port {
        if let descriptor = interface.descriptor { TAPDevice.setCarrier(descriptor, isUp: isUp) }
      }
    }
  }

  /// Takes all news that there are.
  mutating func hear() {
    for token in watches.keys {
      hear(token)
      if watches[token]?.isBehind == true { catchUp(token) }
    }
  }

  private mutating func hear(_ token: UInt64) {
    guard let watch = watches[token] else { return }
    for news in watch.monitor.take() {
      switch news {
      case .state(let index, let isUp, let hasCarrier):
        note(watch, index) { $0.descriptor == nil ? isUp && hasCarrier : isUp }
      // A TAP that has moved to another namespace goes on, unseen.
      case .gone(let index): note(watch, index) { $0.descriptor.map(TAPDevice.isAttached) ?? false }
      case .lost: watches[token]?.isBehind = true
      }
    }
  }

  /// Asks how every interface is, after news were lost.
  private mutating func catchUp(_ token: UInt64) {
    watches[token]?.isBehind = false
    for interface in watches[token]?.interfaces ?? [] { ask(token, interface.index) }
  }

  /// Asks how an interface is, and takes the answer.
  ///
  /// With nothing before it in the socket, and one at a time: the kernel drops what finds no room there, and answers for
  /// all interfaces of a large node have none.
  private mutating func ask(_ token: UInt64, _ index: Int) {
    hear(token)
    watches[token]?.monitor.ask(index: index)
    hear(token)
  }

  private func note(_ watch: Watch, _ index: Int, _ passes: (Interface) -> Bool) {
    guard !isHalted else { return }
    for interface in watch.interfaces where interface.index == index {
      let (port, isUp) = (interface.port, passes(interface))
      worker.commands.submit { $0.coldSetInterface(port, isUp: isUp) }
    }
  }
}
