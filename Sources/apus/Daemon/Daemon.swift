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
  private let runtime: LabRuntime
  private let service: RuntimeService
  private let tcp: TCPDoor

  private enum Event: Sendable {
    case ready
    case serverFailed(UserError)
    case bringUp(Result<[PlanStep], UserError>)
    case end(LabEnd)
    case signal(Int32)
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
    // A client that has gone away is an error of its connection, not the end of everybody.
    signal(SIGPIPE, SIG_IGN)
    // What the lab writes may hold passwords. Folders and sockets that others are to reach have modes of their own.
    umask(0o077)
    let isNew = !FileManager.default.fileExists(atPath: directories.labFile(name))
    let (events, send) = AsyncStream<Event>.makeStream()
    // Before anything is made that a signal would leave behind.
    watchSignals(send)
    let file = try await PIDFile(name, in: directories)
    defer {
      HostCommand.endAll()
      withExtendedLifetime(file) {}
    }
    let server = serve(send)
    do {
      var events = events.makeAsyncIterator()
      if let early = try await waitForServer(&events) { return try await end(after: early, server, isNew: isNew) }
      let work = begin(first, options, progress, send)
      while let event = await events.next() {
        switch event {
        case .ready: break
        case .bringUp(.success(let plan)):
          if let row = await tcp.takeNews() { Output.words(row.words) }
          try onPlan(plan)
        case .bringUp(.failure(let error)), .serverFailed(let error): throw error
        case .end(.takenDown): return await endEvents(server)
        case .end(.neverCameUp): throw UserError(.failed, "lab \(name) did not come up")
        case .end(.neverAskedFor):
          logger.info("no lab was asked for within \(Int(Self.idleLimit)) s")
          return leave(isNew: isNew)
        case .signal(let number): return try await end(after: number, server, isNew: isNew, work)
        }
      }
    } catch {
      await endEvents(server)
      leave(isNew: isNew)
      throw error
    }
  }

  /// Returns when clients can connect.
  ///
  /// - Returns: the signal that came before: the server would have made its socket after everything was removed.
  private func waitForServer(_ events: inout AsyncStream<Event>.Iterator) async throws -> Int32? {
    var early: Int32?
    while let event = await events.next() {
      switch event {
      case .ready: return early
      case .serverFailed(let error): throw error
      case .signal(let number): early = early ?? number
      case .bringUp, .end: break
      }
    }
    return early
  }

  private func serve(_ send: AsyncStream<Event>.Continuation) -> ControlServer {
    let server = ControlServer(
      service: service, socket: directories.controlSocket(name), logger: logger, tcp: tcp,
      onEnd: { send.yield(.end($0)) })
    Task {
      do {
        try await server.run { send.yield(.ready) }
      } catch {
        send.yield(.serverFailed(UserError(any: error)))
      }
    }
    return server
  }

  private func watchSignals(_ send: AsyncStream<Event>.Continuation) {
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
  private func end(
    after number: Int32, _ server: ControlServer, isNew: Bool, _ work: Task<Void, any Error>? = nil
  ) async throws {
    await server.endStreams()
    await tcp.drain()
    guard number == SIGINT else {
      logger.info("ended by signal \(number); the nodes go on")
      await runtime.detach()
      await endEvents(server)
      return leave(isNew: isNew)
    }
    logger.info("ended by signal \(number); the lab is taken down")
    let logger = logger
    work?.cancel()
    try await runtime.takeDown { logger.info("\($0)") }
    // It may only just have begun, and have made the lab behind that.
    _ = await work?.result
    if await runtime.lab() != nil { try await runtime.takeDown { logger.info("\($0)") } }
    await endEvents(server)
    leave(isNew: isNew)
  }

  /// Has those who follow events hear the last of them; one who does not read is not waited for.
  private func endEvents(_ server: ControlServer) async {
    service.events.finish()
    await service.events.waitForReaders(seconds: Self.lastWords)
    await server.waitForStreams()
  }

  /// Removes what this daemon alone has made; a lab that is written down stays.
  private func leave(isNew: Bool) {
    // Meanwhile nobody starts another daemon in the folder.
    let lock = FolderLock(tryingAt: directories.stateRoot)
    defer { withExtendedLifetime(lock) {} }
    LabFiles.removeOwn(name, in: directories)
    guard lock != nil, isNew, !FileManager.default.fileExists(atPath: directories.labFile(name)) else { return }
    LabFiles.removeUnused(name, in: directories)
  }
}
