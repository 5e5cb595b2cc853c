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
  /// One thread for all that come over TCP: whatever they do, the control socket has its own.
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private var responder: ControlResponder?

  /// What is open.
  private struct Opened {
    var definition: HTTPDefinition
    var token: HTTPToken
    var access: HTTPAccess
    var listener: ControlListener
  }

  /// A change that is under way.
  private struct Change {
    var before: Opened?
    /// What `http.token` had.
    var tokenBefore: HTTPToken?
    var hasMadeToken = false
  }

  private var opened: Opened?
  private var change: Change?
  /// What is to be told of it to who has asked for it.
  private var news: HTTPRow?

  package init(lab: String, directories: LabDirectories, logger: Logger) {
    self.lab = lab
    self.directories = directories
    self.logger = logger
  }

  /// Says by what requests are answered.
  func serve(_ responder: ControlResponder) { self.responder = responder }

  /// What is to be told of what was opened, once.
  func takeNews() -> HTTPRow? { news.take() }

  package func open(_ wanted: HTTPDefinition?, token said: HTTPToken?) async throws(UserError) -> Bool {
    var change = Change(before: opened, tokenBefore: HTTPToken.read(lab, in: directories))
    guard let wanted, let responder else {
      opened = nil
      self.change = change
      return false
    }
    do {
      let token = try token(of: wanted, said, &change)
      try await open(wanted, token, responder, before: change.before)
      self.change = change
      return change.before.map { $0.token != token } ?? false
    } catch {
      restoreToken(change)
      throw error
    }
  }

  package func settle(isKept: Bool) async {
    guard let change = change.take() else { return }
    if isKept {
      if change.before?.listener.channel !== opened?.listener.channel { await change.before?.listener.stopListening() }
      tell(change)
      return
    }
    restoreToken(change)
    if opened?.listener.channel !== change.before?.listener.channel { await opened?.listener.end() }
    opened = change.before
    if let opened { opened.access.change(to: opened.definition, opened.token) }
  }

  /// Ends everything.
  func end() async {
    await opened?.listener.end()
    opened = nil
    try? await group.shutdownGracefully()
  }

  /// Returns when everything written so far is in the sockets.
  func settleWrites() async { _ = try? await group.next().submit {}.get() }

  // MARK: - Listening

  private func open(
    _ wanted: HTTPDefinition, _ token: HTTPToken, _ responder: ControlResponder, before: Opened?
  ) async throws(UserError) {
    if let before, before.definition.listen == wanted.listen {
      before.access.change(to: wanted, token)
      opened = Opened(definition: wanted, token: token, access: before.access, listener: before.listener)
      return
    }
    let access = HTTPAccess(wanted, token)
    let listener = try await listen(wanted.listen, access, responder)
    opened = Opened(definition: wanted, token: token, access: access, listener: listener)
  }

  private func listen(
    _ address: HTTPAddress, _ access: HTTPAccess, _ responder: ControlResponder
  ) async throws(UserError) -> ControlListener {
    do {
      let connection = ControlChannel(limits: ConnectionLimits(), responder: responder.takingRequests(access))
      return try await ControlListener(.tcp(address), on: group, connection, logger: logger)
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
