import Control
import Glibc
import Lab
import Logging

/// What goes on with a lab that another daemon has.
struct TakeOver {
  let predecessor: Predecessor
  let handed: HandedLab
  /// The lock of `apus.pid`, the control socket, and that of the API over TCP if there is one.
  let files: [OpenFile]

  /// Speaks to the daemon that has started this process.
  static func begin(_ predecessor: Predecessor) async throws(UserError) -> TakeOver {
    try await predecessor.greet(version: Product.version)
    let (handed, files) = try await predecessor.lab()
    return TakeOver(predecessor: predecessor, handed: handed, files: files)
  }
}

extension Daemon {
  /// Goes on with a lab, then runs until there is nothing left to do.
  /// - Throws: `UserError` why it could not; before frames move here nothing of the lab was touched.
  func run(_ takeOver: TakeOver) async throws {
    Self.settle()
    let (events, send) = AsyncStream<Event>.makeStream()
    let file = try PIDFile(takeOver.files[0])
    defer {
      HostCommand.endAll()
      withExtendedLifetime(file) {}
    }
    try await runtime.prepare(takeOver.handed)
    try await takeOver.predecessor.tellReady()
    // Before the lab is this process's: a signal that comes just then is heeded behind it.
    watchSignals(send)
    try await service.takeOver(takeOver.handed, from: takeOver.predecessor)
    do throws(UserError) { try file.write(directories.pidFile(name)) } catch { logger.error("\(error)") }
    ServiceNotice.leaveTerminal(log: directories.logFile(name))
    logger.notice("apus \(Product.version) goes on with lab \(name) as process \(getpid())")
    if let http = takeOver.handed.http { await tcp.inherit(takeOver.files[2], http) }
    let server = serve(send, takeOver.files[0], inheriting: ListeningSocket(takeOver.files[1]))
    do {
      var events = events.makeAsyncIterator()
      if let early = try await waitForServer(&events) {
        try await end(after: early, server, isNew: false)
        return
      }
      Task {
        await runtime.takeNodesBack(takeOver.handed, from: takeOver.predecessor)
        // Where the API is served has been told.
        _ = await tcp.takeNews()
        await takeOver.predecessor.tellSettled(movingSince: runtime.movingSince)
      }
      try await follow(&events, server, isNew: false, nil) { _ in }
    } catch let error as LostLab {
      throw error.reason
    } catch {
      await endEvents(server)
      await leave(isNew: false)
      throw error
    }
  }
}
