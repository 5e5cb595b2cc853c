import Lab
import Logging
import NIOCore
import NIOPosix
import Topology

/// The API of a lab over TCP: what is open, and with what token.
package actor TCPDoor: HTTPDoor {
  private let lab: String
  private let directories: LabDirectories
  private let logger: Logger
  /// That answers under way have when the daemon ends.
  private static let drainTime = Duration.seconds(1)

  /// One thread for all that come over TCP: whatever they do, the control socket has its own.
  nonisolated let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  /// And one that does what they ask.
  private let executor = PoliteExecutor()
  /// Those whose address has changed.
  private var former: [ControlListener] = []
  private var responder: ControlResponder?
  private let limits: ConnectionLimits

  /// What is open.
  private struct Opened {
    var definition: HTTPDefinition
    var token: HTTPToken
    let access: HTTPAccess
    let connections: ConnectionTable
    var listener: ControlListener
  }

  /// A change that is under way.
  private struct Change {
    var before: Opened?
    /// Nobody listens there any more: the new address would not have been free.
    var hasStopped = false
    /// What `http.token` had.
    var tokenBefore: HTTPToken?
    var hasMadeToken = false
  }

  private var opened: Opened?
  private var change: Change?
  /// What is to be told of it to who has asked for it.
  private var news: HTTPRow?
  /// What another daemon served, until this one does.
  private var inherited: (socket: ListeningSocket, http: HandedHTTP)?

  package init(lab: String, directories: LabDirectories, logger: Logger) {
    self.init(lab: lab, directories: directories, logger: logger, limits: ConnectionLimits())
  }

  /// - Parameter limits: of the connections to an address.
  init(
    lab: String, directories: LabDirectories,
    logger: Logger = Logger(label: "apus", factory: { _ in SwiftLogNoOpLogHandler() }), limits: ConnectionLimits
  ) {
    self.limits = limits
    PoliteExecutor.lower(group.next())
    self.lab = lab
    self.directories = directories
    self.logger = logger
  }

  /// Says by what requests are answered.
  func serve(_ responder: ControlResponder) { self.responder = responder }

  /// What is to be told of what was opened, once.
  package func takeNews() -> HTTPRow? { news.take() }

  package func open(_ wanted: HTTPDefinition?, token said: HTTPToken?) async throws(UserError) -> Bool {
    var change = Change(before: opened, tokenBefore: HTTPToken.read(lab, in: directories))
    guard let wanted, let responder else {
      opened = nil
      self.change = change
      return false
    }
    do {
      let token = try token(of: wanted, said, &change)
      opened = try await open(wanted, token, responder, &change)
      self.change = change
      return change.before.map { $0.token != token } ?? false
    } catch {
      await takeBack(change)
      throw error
    }
  }

  package func settle(isKept: Bool) async {
    guard let change = change.take() else { return }
    guard isKept else { return await takeBack(change) }
    if let before = change.before, before.access !== opened?.access {
      await before.listener.stopListening()
      former.append(before.listener)
      // The answer that tells of the change may be on its way there.
      Task {
        await before.connections.drain(within: Self.drainTime)
        before.connections.closeAll()
      }
    }
    change.before?.access.endStrangers()
    tell(change)
  }

  /// Makes it as it was before a change.
  private func takeBack(_ change: Change) async {
    restoreToken(change)
    if let new = opened, new.access !== change.before?.access {
      await new.listener.stopListening()
      new.connections.closeAll()
      former.append(new.listener)
    }
    opened = change.before
    guard let before = opened, let responder else { return }
    before.access.change(to: before.definition, before.token)
    guard change.hasStopped else { return }
    do throws(UserError) {
      opened?.listener = try await listen(before.definition.listen, before.access, before.connections, responder)
    } catch {
      logger.error("\(error.message)")
    }
  }

  /// Returns when what was to be written by now is in the sockets, as far as they take it.
  func flush() async { _ = try? await group.next().submit {}.get() }

  /// Takes no more connections and requests; returns when those there are have their answers, or some time has passed.
  ///
  /// Who follows events may go on until there are no more.
  package func drain() async {
    guard let opened else { return }
    await opened.listener.stopListening()
    await opened.connections.drain(within: Self.drainTime, but: responder?.streams.channels ?? [])
  }

  // MARK: - From one daemon to another

  /// Has those wait who connect from now on.
  func letWait() async { await opened?.listener.letWait() }

  /// Takes connections again.
  func takeAgain() async {
    guard let opened else { return }
    do {
      try await opened.listener.resume()
    } catch {
      logger.error("http: cannot listen on \(opened.definition.listen): \(ErrorWords.ofConnection(error))")
    }
  }

  /// What another daemon needs to go on; nil when nothing is served.
  package func handOver() -> (OpenFile, HandedHTTP)? {
    guard let opened, let file = opened.listener.socket.file else { return nil }
    return (file, HandedHTTP(address: opened.definition.listen, sessions: opened.access.sessionIDs))
  }

  /// Has what another daemon served be used when the same is opened; anything else closes it.
  package func inherit(_ file: OpenFile, _ http: HandedHTTP) { inherited = (ListeningSocket(file), http) }

  /// What there is of an address.
  private func takeInherited(_ address: HTTPAddress) -> (socket: ListeningSocket, http: HandedHTTP)? {
    guard let inherited = inherited.take() else { return nil }
    guard inherited.http.address == address else {
      inherited.socket.close()
      return nil
    }
    return inherited
  }

  /// Somebody has begun to ask something.
  var isAsked: Bool { opened?.connections.isAsked ?? false }

  /// Connections to the address that is open.
  var connectionCount: Int { opened?.connections.count ?? 0 }

  /// Ends everything.
  func end() async {
    opened?.connections.closeAll()
    for listener in former + (opened.map { [$0.listener] } ?? []) { await listener.end() }
    (opened, former) = (nil, [])
    await executor.end()
    try? await group.shutdownGracefully()
  }

  // MARK: - Listening

  private func open(
    _ wanted: HTTPDefinition, _ token: HTTPToken, _ responder: ControlResponder, _ change: inout Change
  ) async throws(UserError) -> Opened {
    if let before = change.before, before.definition.listen == wanted.listen {
      before.access.change(to: wanted, token)
      return Opened(
        definition: wanted, token: token, access: before.access, connections: before.connections,
        listener: before.listener)
    }
    let known = takeInherited(wanted.listen)
    let access = HTTPAccess(wanted, token, responder.streams, sessions: known?.http.sessions ?? [])
    let connections = ConnectionTable(limit: limits.count)
    var listener: ControlListener?
    do throws(UserError) {
      listener = try await listen(wanted.listen, access, connections, responder, inheriting: known?.socket)
    } catch {
      // The same port of another address may be taken by ourselves.
      guard let before = change.before, before.definition.listen.port == wanted.listen.port else { throw error }
      await before.listener.stopListening()
      change.hasStopped = true
    }
    if listener == nil { listener = try await listen(wanted.listen, access, connections, responder) }
    guard let listener else { throw UserError(.failed, "http: cannot listen on \(wanted.listen)") }
    return Opened(definition: wanted, token: token, access: access, connections: connections, listener: listener)
  }

  private func listen(
    _ address: HTTPAddress, _ access: HTTPAccess, _ connections: ConnectionTable, _ responder: ControlResponder,
    inheriting socket: ListeningSocket? = nil
  ) async throws(UserError) -> ControlListener {
    do {
      let connection = ControlChannel(
        responder: responder.takingRequests(access, on: executor), configuration: limits.configuration(connections),
        executor: executor)
      return try await ControlListener(
        .tcp(address), inheriting: socket, on: group, connection, logger: logger)
    } catch {
      throw UserError(
        .failed, "http: cannot listen on \(address): \(ErrorWords.ofConnection(error))",
        hint: "does something else listen there? `ss -ltnp` tells; another address or port: --http ADDR:PORT")
    }
  }

  // MARK: - Token

  /// The token that counts: what was said, else the file's, else the one there is, else a new one.
  private func token(
    of wanted: HTTPDefinition, _ said: HTTPToken?, _ change: inout Change
  ) throws(UserError) -> HTTPToken {
    if let said {
      if said != change.tokenBefore { try said.write(lab, in: directories) }
      return said
    }
    if let file = wanted.tokenFile { return try HTTPToken.read(file: file) }
    if let known = change.tokenBefore { return known }
    let made = HTTPToken.made()
    try made.write(lab, in: directories)
    change.hasMadeToken = true
    return made
  }

  private func restoreToken(_ change: Change) {
    do throws(UserError) {
      if let token = change.tokenBefore {
        try token.write(lab, in: directories)
      } else {
        try HTTPToken.remove(lab, in: directories)
      }
    } catch {
      logger.warning("\(error.message)")
    }
  }

  private func tell(_ change: Change) {
    guard let opened else { return }
    guard change.hasMadeToken || change.before?.definition.listen != opened.definition.listen else { return }
    let url = opened.definition.listen.url
    logger.info("the API is served at \(url)")
    news = HTTPRow(
      url: change.hasMadeToken ? "\(url)#token=\(opened.token.text)" : url,
      token: change.hasMadeToken ? nil : opened.definition.tokenFile ?? directories.tokenFile(lab))
  }
}
