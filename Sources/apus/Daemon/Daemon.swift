import Control
import FoundationEssentials
import Glibc
import Lab
import Logging
import Topology

/// The process that owns a lab: serves its API until the lab is taken down or a signal comes.
///
/// SIGTERM ends it and leaves the nodes running, SIGINT takes the lab down first.
struct Daemon {
  /// Seconds that a daemon without a lab waits for one.
  private static let idleLimit = 5.0
  /// Seconds that who follows events has to hear the last of them.
  private static let lastWords = 1.0

  let name: String
  let directories: LabDirectories
  let logger: Logger
  let runtime: LabRuntime
  let service: RuntimeService
  let tcp: TCPDoor
  /// Its words go to a person or a journal.
  var isForeground = false

  enum Event: Sendable {
    case ready
    case serverFailed(UserError)
    case bringUp(Result<[PlanStep], UserError>)
    case end(LabEnd)
    case signal(Int32)
    /// Another program has the lab, or has had it: why it has not any more.
    case movedOn(process: Int32, UserError?)
  }

  init(name: String, directories: LabDirectories, logger: Logger) {
    self.name = name
    self.directories = directories
    self.logger = logger
    tcp = TCPDoor(lab: name, directories: directories, logger: logger)
    runtime = LabRuntime(
      directories: directories, serving: name, logger: logger, application: "apus \(Product.version)", httpDoor: tcp)
    service = RuntimeService(runtime, logger: logger)
  }

  /// Runs until there is nothing left to do, then the process is to be ended.
  /// - Parameters:
  ///   - first: a lab to bring up at once; a failure ends the daemon.
  ///   - progress: takes what is said meanwhile.
  ///   - onPlan: takes what was done for `first`.
  /// - Throws: `UserError` why it could not serve.
  func run(
    first: CanonicalLab? = nil, options: BringUpOptions = BringUpOptions(),
    progress: @escaping @Sendable (String) -> Void = { _ in },
    onPlan: @escaping ([PlanStep]) throws -> Void = { _ in }
  ) async throws {
    Self.settle()
    let isNew = !FileManager.default.fileExists(atPath: directories.labFile(name))
    let (events, send) = AsyncStream<Event>.makeStream()
    // Before anything is made that a signal would leave behind.
    watchSignals(send)
    let file = try await PIDFile(name, in: directories)
    defer {
      HostCommand.endAll()
      withExtendedLifetime(file) {}
    }
    let server = serve(send, try file.openFile())
    do {
      var events = events.makeAsyncIterator()
      if let early = try await waitForServer(&events) {
        try await end(after: early, server, isNew: isNew)
        return
      }
      let work = begin(first, options, progress, send)
      try await follow(&events, server, isNew: isNew, work, onPlan)
    } catch let error as LostLab {
      throw error.reason
    } catch {
      await endEvents(server)
      await leave(isNew: isNew)
      throw error
    }
  }

  /// What every process that serves a lab makes of itself.
  static func settle() {
    // A client that has gone away is an error of its connection, not the end of everybody.
    signal(SIGPIPE, SIG_IGN)
    // What the lab writes may hold passwords. Folders and sockets that others are to reach have modes of their own.
    umask(0o077)
    ServiceNotice.keep()
  }

  /// Does what is due until nothing is left to do.
  /// - Parameter work: what `begin` has begun.
  func follow(
    _ events: inout AsyncStream<Event>.Iterator, _ server: ControlServer, isNew: Bool, _ work: Task<Void, any Error>?,
    _ onPlan: ([PlanStep]) throws -> Void
  ) async throws {
    while let event = await events.next() {
      switch event {
      case .ready: break
      case .bringUp(.success(let plan)):
        if let row = await tcp.takeNews() { Output.words(row.words) }
        ServiceNotice.tell("READY=1", logger)
        try onPlan(plan)
      case .bringUp(.failure(let error)), .serverFailed(let error): throw error
      case .end(.takenDown): return await endEvents(server)
      case .end(.neverCameUp): throw UserError(.failed, "lab \(name) did not come up")
      case .end(.neverAskedFor):
        logger.info("no lab was asked for within \(Int(Self.idleLimit)) s")
        return await leave(isNew: isNew)
      case .movedOn(let process, let error): return try await leaveToOther(process, error, server)
      case .signal(let number):
        guard await !runtime.isAnothers else { continue }
        if try await end(after: number, server, isNew: isNew, work) { return }
      }
    }
  }

  /// Returns when clients can connect.
  ///
  /// - Returns: the signal that came before: the server would have made its socket after everything was removed.
  func waitForServer(_ events: inout AsyncStream<Event>.Iterator) async throws -> Int32? {
    var early: Int32?
    while let event = await events.next() {
      switch event {
      case .ready: return early
      case .serverFailed(let error): throw error
      case .signal(let number): early = early ?? number
      case .bringUp, .end, .movedOn: break
      }
    }
    return early
  }

  /// - Parameters:
  ///   - lock: keeps `apus.pid` locked, for another program that goes on with the lab.
  ///   - inherited: what another daemon listened on.
  func serve(
    _ send: AsyncStream<Event>.Continuation, _ lock: OpenFile, inheriting inherited: ListeningSocket? = nil
  ) -> ControlServer {
    var server = ControlServer(
      service: service, socket: directories.controlSocket(name), logger: logger, tcp: tcp, inheriting: inherited,
      onEnd: { send.yield(.end($0)) })
    let upgrade = Upgrade(daemon: self, server: server, lock: lock) { send.yield($0) }
    server.upgrade = { try await upgrade.run(to: $0, progress: $1) }
    let serving = server
    Task {
      do {
        try await serving.run { send.yield(.ready) }
      } catch {
        send.yield(.serverFailed(UserError(any: error)))
      }
    }
    return server
  }

  func watchSignals(_ send: AsyncStream<Event>.Continuation) {
    let signals = SignalStream.of([SIGINT, SIGTERM])
    Task { for await number in signals { send.yield(.signal(number)) } }
  }

  private func begin(
    _ first: CanonicalLab?, _ options: BringUpOptions, _ progress: @escaping @Sendable (String) -> Void,
    _ send: AsyncStream<Event>.Continuation
  ) -> Task<Void, any Error> {
    logger.info("apus \(Product.version) serves lab \(name) as process \(getpid())")
    return Task {
      guard let first else {
        try await Task.sleep(for: .seconds(Self.idleLimit))
        guard await runtime.lab() == nil else { return }
        // Who wanted one has gone. Asked of the API, whose door then lets nobody in whom the end would cut off.
        let client = ControlClient(socket: directories.controlSocket(name))
        do {
          try await client.stream(API.labDown, query: DownQuery(ifUnused: true)) { _ in }
        } catch let error as UserError where error.code == .unreachable {
          // Without its socket nobody can ask for anything.
          send.yield(.end(.neverAskedFor))
        }
        return
      }
      do {
        send.yield(.bringUp(.success(try await service.bringUp(first, options: options, progress: progress))))
      } catch {
        send.yield(.bringUp(.failure(UserError(any: error))))
      }
    }
  }

  /// - Parameter work: what `begin` has begun.
  /// - Returns: false if the lab has become another daemon's meanwhile; then `movedOn` comes.
  @discardableResult
  func end(
    after number: Int32, _ server: ControlServer, isNew: Bool, _ work: Task<Void, any Error>? = nil
  ) async throws -> Bool {
    await server.endStreams()
    await tcp.drain()
    guard number == SIGINT else {
      logger.info("ended by signal \(number); the nodes go on")
      await runtime.detach()
      guard await !runtime.isAnothers else { return false }
      await endEvents(server)
      await leave(isNew: isNew)
      return true
    }
    logger.info("ended by signal \(number); the lab is taken down")
    let logger = logger
    work?.cancel()
    do {
      try await runtime.takeDown { logger.info("\($0)") }
    } catch {
      guard await runtime.isAnothers else { throw error }
      return false
    }
    // It may only just have begun, and have made the lab behind that.
    _ = await work?.result
    if await runtime.lab() != nil { try await runtime.takeDown { logger.info("\($0)") } }
    await endEvents(server)
    await leave(isNew: isNew)
    return true
  }

  /// Has those who follow events hear the last of them; one who does not read is not waited for.
  func endEvents(_ server: ControlServer) async {
    service.events.finish()
    await service.events.waitForReaders(seconds: Self.lastWords)
    await server.waitForStreams()
  }

  /// Removes what this daemon alone has made; a lab that is written down stays.
  func leave(isNew: Bool) async {
    // What is there is the other one's, whose socket and lock these are.
    guard await !runtime.isAnothers else { return }
    // Meanwhile nobody starts another daemon in the folder.
    let lock = FolderLock(tryingAt: directories.stateRoot)
    defer { withExtendedLifetime(lock) {} }
    LabFiles.removeOwn(name, in: directories)
    guard lock != nil, isNew, !FileManager.default.fileExists(atPath: directories.labFile(name)) else { return }
    LabFiles.removeUnused(name, in: directories)
  }
}
