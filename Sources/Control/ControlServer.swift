import FoundationEssentials
import Hummingbird
import Lab
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The API of one lab on its control socket: HTTP/1.1, JSON, `/v1/...`.
///
/// One event loop thread serves its clients, another one those that come over TCP; with none of them talking they sleep.
package struct ControlServer: Sendable {
  private let service: any LabService
  private let socket: String
  private let logger: Logger
  private let tcp: TCPDoor?
  private let onEnd: @Sendable (LabEnd) -> Void
  /// Tests set limits of their own.
  var webSockets: WebSocketDesk
  private let meter = RequestMeter()
  private let streams = OpenStreams()
  private let loop = ServingLoop()
  /// What another daemon listened on before this one.
  private let inherited: ListeningSocket?
  /// Has another program go on with the lab; nil = this daemon cannot.
  package var upgrade: UpgradeService?

  /// - Parameters:
  ///   - logger: takes what the lab's life brings; without it nothing is logged.
  ///   - socket: path of the control socket, no longer than `SocketPath.limit`; a file left there by a dead daemon is replaced.
  ///   - tcp: serves the same over TCP, where the lab wants it; nil = nobody does.
  ///   - inherited: what another daemon listened on at `socket`, in place of a new one.
  ///   - onEnd: called when the daemon has nothing left to do; the answer that says so is written by then.
  package init(
    service: any LabService, socket: String,
    logger: Logger = Logger(label: "apus", factory: { _ in SwiftLogNoOpLogHandler() }),
    tcp: TCPDoor? = nil, inheriting inherited: ListeningSocket? = nil, onEnd: @escaping @Sendable (LabEnd) -> Void
  ) {
    self.service = service
    self.socket = socket
    self.logger = logger
    self.tcp = tcp
    self.inherited = inherited
    self.onEnd = onEnd
    webSockets = WebSocketDesk(logger: logger)
  }

  /// Serves until the task is cancelled.
  /// - Parameter onReady: called once clients can connect.
  /// - Throws: `UserError` when the socket cannot be made.
  package func run(onReady: @escaping @Sendable () -> Void = {}) async throws {
    let limit = SocketPath.limit
    guard socket.utf8.count <= limit else {
      throw UserError(
        .failed, "the control socket's path has \(socket.utf8.count) bytes, at most \(limit) are possible: \(socket)",
        hint: "set APUS_STATE_DIR to a shorter path")
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    PoliteExecutor.lower(group.next())
    loop.set(group.next())
    var quiet = logger
    quiet.logLevel = max(.warning, logger.logLevel)
    let router = router().buildResponder()
    let responder = ControlResponder(
      router: { try await router.respond(to: $0, context: $1) }, logger: quiet, streams: streams)
    let listener: ControlListener
    do {
      let connection = ControlChannel(responder: responder.takingRequests(nil))
      listener = try await ControlListener(
        .socket(path: socket), inheriting: inherited, on: group, connection, logger: quiet)
    } catch {
      try? await group.shutdownGracefully()
      throw UserError(.failed, "control socket \(socket): \(ErrorWords.ofConnection(error))")
    }
    loop.set(listener)
    await tcp?.serve(responder)
    onReady()
    await listener.untilClosed()
    // This task may be cancelled by now.
    await Task { await endStreams() }.value
    await tcp?.end()
    await listener.end()
    try? await group.shutdownGracefully()
  }

  /// Has those who look on know that the daemon ends; who does not listen is not waited for for long.
  ///
  /// Readers of events are left to hear the last of them.
  package func endStreams() async {
    streams.endAll()
    await webSockets.waitForEnd(within: .seconds(1))
  }

  /// Returns when those who look on have been told that it is over: there is nothing more to come, of events neither.
  ///
  /// An answer that is cut off in the middle looks like a daemon that died; who does not read is not waited for for long.
  package func waitForStreams() async {
    await streams.waitForEnd(within: .seconds(1))
    await flush()
  }

  /// What it listens on; nil when nothing is served.
  package var socketFile: OpenFile? { loop.listener?.socket.file }

  /// Has those wait who connect from now on, in this process or another one that gets the sockets.
  package func letWait() async {
    await loop.listener?.letWait()
    await tcp?.letWait()
  }

  /// Takes connections again.
  package func takeAgain() async {
    do {
      try await loop.listener?.resume()
    } catch {
      logger.error("control socket \(socket): \(ErrorWords.ofConnection(error))")
    }
    await tcp?.takeAgain()
  }

  /// Returns when all that was to be written by now is in the sockets, as far as they take it.
  ///
  /// Who has written does not know: the event loops write later, and have a lower priority.
  package func flush() async {
    await loop.flush()
    await tcp?.flush()
  }

  private func router() -> ControlRouter {
    let served = routes {
      await flush()
      service.events.finish()
      await endStreams()
      await waitForStreams()
      await tcp?.drain()
    }
    let router = ControlRouter(context: ControlContext.self)
    router.add(middleware: MeterMiddleware(meter: meter))
    router.add(middleware: ErrorMiddleware(rows: served.map(\.row)))
    router.add(served)
    PageRoutes().add(to: router)
    return router
  }

  /// All that is served; the description is made of the others, and of itself.
  /// - Parameter settle: returns when everything written so far is in the sockets.
  func routes(settle: @escaping @Sendable () async -> Void = {}) -> [ServedRoute] {
    let order = ChangeOrder()
    let subjects: [any Routes] = [
      LabRoutes(service: service, logger: logger, tcp: tcp, settle: settle, onEnd: onEnd), NodeRoutes(service: service),
      MigrationRoutes(service: service),
      LinkRoutes(service: service, order: order), PortRoutes(service: service, order: order),
      FrontEndRoutes(service: service), AccessRoutes(service: service),
      PodRoutes(service: service), CaptureRoutes(service: service), ImageRoutes(service: service),
      HostRoutes(service: service), LiveRoutes(service: service), FrameRoutes(service: service),
      EventRoutes(service: service), MetricsRoutes(service: service, meter: meter, desk: webSockets),
      NodeSockets(service: service, desk: webSockets), SessionRoutes(),
      UpgradeRoutes(logger: logger, upgrade: upgrade, settle: settle),
    ]
    let served = subjects.flatMap(\.routes)
    let document = OpenAPI(rows: served.map(\.row) + [API.description.row]).document
    return served + [API.description.answers { _ in document }]
  }
}

extension API {
  package static let description = Route<NoQuery, NoBody, Single<JSONValue>>(
    .get, "/openapi.json", "This description, OpenAPI 3.1.")
}

/// The one event loop of the control socket and what takes its connections, from when there are.
private final class ServingLoop: Sendable {
  private let loop = Mutex<(any EventLoop)?>(nil)
  private let taker = Mutex<ControlListener?>(nil)

  func set(_ new: any EventLoop) { loop.withLock { $0 = new } }
  func set(_ listener: ControlListener) { taker.withLock { $0 = listener } }

  /// Takes its connections; nil before it does.
  var listener: ControlListener? { taker.withLock(\.self) }

  /// It does what it is asked in order: what is asked now comes after what was to be written.
  func flush() async { _ = try? await loop.withLock(\.self)?.submit {}.get() }
}
