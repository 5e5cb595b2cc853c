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

  let name: String
  let directories: LabDirectories
  let logger: Logger
  private let runtime: LabRuntime
  private let service: RuntimeService

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
    runtime = LabRuntime(
      directories: directories, serving: name, logger: logger, application: "apus \(Product.version)")
    service = RuntimeService(runtime, logger: logger)
  }

  /// Runs until there is nothing left to do, then the process is to be ended.
  /// - Parameters:
  ///   - first: a lab to bring up at once; a failure ends the daemon.
  ///   - onPlan: takes what was done for `first`.
  /// - Throws: `UserError` why it could not serve.
  func run(
    first: CanonicalLab? = nil, options: BringUpOptions = BringUpOptions(),
    onPlan: @escaping ([PlanStep]) throws -> Void = { _ in }
  ) async throws {
    // A client that has gone away is an error of its connection, not the end of everybody.
    signal(SIGPIPE, SIG_IGN)
    // What the lab writes may hold passwords. Folders and sockets that others are to reach have modes of their own.
    umask(0o077)
    let isNew = !FileManager.default.fileExists(atPath: directories.labFile(name))
    let file = try await PIDFile(name, in: directories)
    defer {
      HostCommand.endAll()
      withExtendedLifetime(file) {}
    }
    let (events, send) = AsyncStream<Event>.makeStream()
    serve(send)
    watchSignals(send)
    do {
      for await event in events {
        switch event {
        case .ready: begin(first, options, send)
        case .serverFailed(let error): throw error
        case .bringUp(.success(let plan)): try onPlan(plan)
        case .bringUp(.failure(let error)): throw error
        case .end(.takenDown): return
        case .end(.neverCameUp): throw UserError(.failed, "lab \(name) did not come up")
        case .end(.neverAskedFor):
          logger.info("no lab was asked for within \(Int(Self.idleLimit)) s")
          return leave(isNew: isNew)
        case .signal(let number): return try await end(after: number, isNew: isNew)
        }
      }
    } catch {
      leave(isNew: isNew)
      throw error
    }
  }

  private func serve(_ send: AsyncStream<Event>.Continuation) {
    let server = ControlServer(
      service: service, socket: directories.controlSocket(name), logger: logger,
      onEnd: { send.yield(.end($0)) })
    Task {
      do {
        try await server.run { send.yield(.ready) }
      } catch {
        send.yield(.serverFailed(UserError(any: error)))
      }
    }
  }

  private func watchSignals(_ send: AsyncStream<Event>.Continuation) {
    let signals = SignalStream.of([SIGINT, SIGTERM])
    Task { for await number in signals { send.yield(.signal(number)) } }
  }

  private func begin(
    _ first: CanonicalLab?, _ options: BringUpOptions, _ send: AsyncStream<Event>.Continuation
  ) {
    logger.info("apus \(Product.version) serves lab \(name) as process \(getpid())")
    Task {
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
        send.yield(.bringUp(.success(try await service.bringUp(first, options: options) { Output.words($0) })))
      } catch {
        send.yield(.bringUp(.failure(UserError(any: error))))
      }
    }
  }

  private func end(after number: Int32, isNew: Bool) async throws {
    guard number == SIGINT else {
      logger.info("ended by signal \(number); the nodes go on")
      await runtime.detach()
      return leave(isNew: isNew)
    }
    logger.info("ended by signal \(number); the lab is taken down")
    let logger = logger
    try await runtime.takeDown { logger.info("\($0)") }
    leave(isNew: isNew)
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
